/** Owns the samples of calls that act on a machine: shell, patches, computers. */
import type { Fields } from "../../src/spec/json.ts";
import { type Source, type Sources, silent } from "./sample.ts";

const callId = "call_{id}";
const direct = { caller: { type: "direct" } };
const byProgram = { caller: { type: "program", caller_id: "prog_{id}" } };

const shell = (action: Fields = {}, fields: Fields = {}): Fields => ({
  type: "shell_call",
  call_id: callId,
  action: { commands: ["echo {seen}"], ...action },
  ...fields,
});
const exit = { type: "exit", exit_code: 0 };
const ran = (outcome: unknown = exit): Fields => ({ stdout: "{seen}", stderr: "{seen}", outcome });
const shellOutput = (output: unknown = [ran()], fields: Fields = {}): Fields => ({
  type: "shell_call_output",
  call_id: callId,
  output,
  ...fields,
});

const shell_call = {
  "a command and its output": [shell(), shellOutput()],
  "two commands": [shell({ commands: ["ls {seen}", "cat {seen}"] }), shellOutput([ran(), ran()])],
  limits: [shell({ max_output_length: 1000, timeout_ms: 5000 }), shellOutput()],
  "limits null": [shell({ max_output_length: null, timeout_ms: null }), shellOutput()],
  "with id and status": [shell({}, { id: "sh_{id}", status: "completed" }), shellOutput()],
  "id, status, environment, caller null": [
    shell({}, { id: null, status: null, environment: null, caller: null }),
    shellOutput(),
  ],
  "local environment": [shell({}, { environment: { type: "local" } }), shellOutput()],
  "in a container": [
    shell({}, { environment: { type: "container_reference", container_id: "cntr_{id}" } }),
    shellOutput(),
  ],
  "called directly": [shell({}, direct), shellOutput([ran()], direct)],
  "called by a program": [shell({}, byProgram), shellOutput([ran()], byProgram)],
  "without an output": [shell()],
} as const satisfies Sources;

const shell_call_output = {
  "exit 0": [shell(), shellOutput()],
  "exit 1": [shell(), shellOutput([ran({ type: "exit", exit_code: 1 })])],
  timeout: [shell(), shellOutput([ran({ type: "timeout" })])],
  "one of each": [shell(), shellOutput([ran(), ran({ type: "timeout" })])],
  "nothing printed": [shell(), shellOutput([{ stdout: "", stderr: "", outcome: exit }])],
  "no outputs": [shell(), shellOutput([])],
  "with id and status": [shell(), shellOutput([ran()], { id: "sho_{id}", status: "completed" })],
  "with a limit": [shell(), shellOutput([ran()], { max_output_length: 100 })],
  nulls: [shell(), shellOutput([ran()], { id: null, status: null, max_output_length: null, caller: null })],
  "as async-openai spells the outcome": [shell(), shellOutput([{ stdout: "{seen}", stderr: "", ...exit }])],
} as const satisfies Sources;

const patch = (operation: Fields, fields: Fields = {}): Fields => ({
  type: "apply_patch_call",
  call_id: callId,
  status: "completed",
  operation,
  ...fields,
});
const update = { type: "update_file", path: "{seen}.ts", diff: "@@\n-old\n+{seen}\n" };
const patched = (fields: Fields = {}): Fields => ({
  type: "apply_patch_call_output",
  call_id: callId,
  status: "completed",
  output: "{seen}",
  ...fields,
});

const apply_patch_call = {
  create_file: [patch({ type: "create_file", path: "{seen}.ts", diff: "+{seen}\n" }), patched()],
  update_file: [patch(update), patched()],
  delete_file: [patch({ type: "delete_file", path: "{seen}.ts" }), patched()],
  "with id": [patch(update, { id: "apc_{id}" }), patched()],
  "id and caller null": [patch(update, { id: null, caller: null }), patched()],
  "in progress": [patch(update, { status: "in_progress" }), patched()],
  "called directly": [patch(update, direct), patched(direct)],
  "called by a program": [patch(update, byProgram), patched(byProgram)],
  "without an output": [patch(update)],
} as const satisfies Sources;

const apply_patch_call_output = {
  completed: [patch(update), patched()],
  failed: [patch(update), patched({ status: "failed" })],
  "without output": [patch(update), { type: "apply_patch_call_output", call_id: callId, status: "completed" }],
  "output null": [patch(update), patched({ output: null })],
  "with id": [patch(update), patched({ id: "apco_{id}" })],
  "id and caller null": [patch(update), patched({ id: null, caller: null })],
} as const satisfies Sources;

const computer = (fields: Fields): Fields => ({
  type: "computer_call",
  id: "cu_{id}",
  call_id: callId,
  status: "completed",
  pending_safety_checks: [],
  ...fields,
});
const typing = { type: "type", text: "{seen}" };
const screenshot = (output: Fields = { image_url: "{image}" }, fields: Fields = {}): Fields => ({
  type: "computer_call_output",
  call_id: callId,
  output: { type: "computer_screenshot", ...output },
  ...fields,
});
const acts = (...actions: readonly Fields[]): Source => [computer({ actions }), screenshot()];

const computer_call = {
  "one action": [computer({ action: typing }), screenshot()],
  "a list of actions": acts(typing, typing),
  click: acts({ type: "click", button: "left", x: 1, y: 2 }, typing),
  "click with keys": acts({ type: "click", button: "right", x: 1, y: 2, keys: ["{seen}"] }),
  double_click: acts({ type: "double_click", x: 1, y: 2, keys: null }, typing),
  drag: acts({ type: "drag", path: [{ x: 1, y: 2 }] }, typing),
  keypress: acts({ type: "keypress", keys: ["{seen}"] }),
  move: acts({ type: "move", x: 1, y: 2 }, typing),
  screenshot: acts({ type: "screenshot" }, typing),
  scroll: acts({ type: "scroll", scroll_x: 0, scroll_y: 5, x: 1, y: 2 }, typing),
  wait: acts({ type: "wait" }, typing),
  "pending safety checks": [
    computer({ actions: [typing], pending_safety_checks: [{ id: "s", code: null, message: null }] }),
    screenshot(),
  ],
  "in progress": [computer({ actions: [typing], status: "in_progress" }), screenshot()],
  "without an output": [computer({ actions: [typing] })],
  "without an action": silent("it holds no words of its own", computer({}), screenshot()),
} as const satisfies Sources;

const computer_call_output = {
  "screenshot inline": [computer({ action: typing }), screenshot()],
  "screenshot by file": [computer({ action: typing }), screenshot({ file_id: "file_{id}" })],
  "screenshot by URL": [computer({ action: typing }), screenshot({ image_url: "https://example.com/s.png" })],
  "screenshot without either": [computer({ action: typing }), screenshot({})],
  "with id and status": [computer({ action: typing }), screenshot({}, { id: "cuo_{id}", status: "completed" })],
  nulls: [
    computer({ action: typing }),
    screenshot({ image_url: "{image}" }, { id: null, status: null, acknowledged_safety_checks: null }),
  ],
  "acknowledged safety checks": [
    computer({ action: typing }),
    screenshot({ image_url: "{image}" }, { acknowledged_safety_checks: [{ id: "s", code: "c", message: "m" }] }),
  ],
} as const satisfies Sources;

export const machineCalls = {
  shell_call,
  shell_call_output,
  apply_patch_call,
  apply_patch_call_output,
  computer_call,
  computer_call_output,
} as const;
