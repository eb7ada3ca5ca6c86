/** Owns the tests of the kinds of calls: what a model wrote leaves as the item of its tool, and comes back as what it wrote. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineRequest } from "../../src/engine/engine.ts";
import type { Step } from "../../src/engine/script.ts";
import { checkEvents } from "../../src/spec/check/check.ts";
import type { Item } from "../../src/spec/items.ts";
import type { ClientToolType, Tool } from "../../src/spec/tools.ts";
import { kinds } from "../../src/turn/kinds.ts";
import { makeLine, play } from "./line.ts";

interface Case {
  readonly tool: Tool;
  /** The function's name, as the engine knows it. */
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** What the item says, beside its ids. */
  readonly item: Readonly<Record<string, unknown>>;
  /** A JSON object that is no such call. */
  readonly unfit: Readonly<Record<string, unknown>> | null;
}

const cases = {
  function: {
    tool: { type: "function", name: "f" },
    name: "f",
    args: { a: [1] },
    item: { type: "function_call", name: "f", arguments: '{"a":[1]}' },
    unfit: null,
  },
  custom: {
    tool: { type: "namespace", name: "ns", tools: [{ type: "custom", name: "raw" }] },
    name: "ns__raw",
    args: { input: "*** Begin" },
    item: { type: "custom_tool_call", name: "raw", namespace: "ns", input: "*** Begin" },
    unfit: { input: 7 },
  },
  tool_search: {
    tool: { type: "tool_search", execution: "client", description: "finds", parameters: { type: "object" } },
    name: "tool_search",
    args: { query: "calendar" },
    item: { type: "tool_search_call", execution: "client", arguments: { query: "calendar" } },
    unfit: null,
  },
  local_shell: {
    tool: { type: "local_shell" },
    name: "local_shell",
    args: { command: ["ls", "-l"], timeout_ms: 1000 },
    item: { type: "local_shell_call", action: { type: "exec", command: ["ls", "-l"], env: {}, timeout_ms: 1000 } },
    unfit: { command: "ls" },
  },
  shell: {
    tool: { type: "shell" },
    name: "shell",
    args: { commands: ["ls"], timeout_ms: null, max_output_length: 100 },
    item: {
      type: "shell_call",
      action: { commands: ["ls"], timeout_ms: null, max_output_length: 100 },
      environment: null,
    },
    unfit: { commands: [1] },
  },
  apply_patch: {
    tool: { type: "apply_patch" },
    name: "apply_patch",
    args: { type: "update_file", path: "a.txt", diff: "@@\n-a\n+b\n" },
    item: { type: "apply_patch_call", operation: { type: "update_file", path: "a.txt", diff: "@@\n-a\n+b\n" } },
    unfit: { type: "update_file", path: "a.txt" },
  },
} as const satisfies Record<ClientToolType, Case>;

/** A line whose engine calls `name` with `args` for so many times, then answers. */
function calling(
  name: string,
  args: unknown,
  times: number,
): { line: ReturnType<typeof makeLine>; asked: EngineRequest[] } {
  const asked: EngineRequest[] = [];
  const line = makeLine((request): readonly Step[] => {
    asked.push(request);
    const first = asked.length <= times;
    return [
      { kind: "open", key: 0, item: first ? { type: "call", name } : { type: "message" } },
      { kind: "text", key: 0, text: first ? JSON.stringify(args) : "done" },
      { kind: "close", key: 0 },
      { kind: "finish", reason: "stop" },
    ];
  });
  return { line, asked };
}

function withoutIds({ id, call_id: callId, status, ...rest }: Item): object {
  assert.equal(typeof id, "string");
  assert.match(String(callId), /^call_/);
  assert.equal(status, "completed");
  return rest;
}

for (const [type, { tool, name, args, item }] of Object.entries(cases) as [ClientToolType, Case][]) {
  test(`a call of ${type} leaves as its own item, and is shown as it was made when it comes back`, async () => {
    const { line, asked } = calling(name, args, 1);
    const body = { input: "hi", tools: [tool] };
    const { events } = await play(line, body);
    assert.deepEqual(checkEvents(events), []);
    const end = events.at(-1);
    assert(end?.type === "response.completed");
    const [made] = end.response.output;
    assert(made);
    assert.deepEqual(withoutIds(made), item);
    const output = { type: `${kinds[type].call}_output`, call_id: made["call_id"], output: "ok" };
    await play(line, { ...body, input: [{ role: "user", content: "hi" }, made, output] });
    const [, turn, answer] = asked[1]?.messages ?? [];
    assert(turn?.role === "assistant" && answer?.role === "tool");
    assert.equal(turn.calls[0]?.name, name);
    assert.deepEqual(JSON.parse(turn.calls[0]?.arguments ?? ""), args);
    assert.equal(answer.callId, turn.calls[0]?.id);
  });
}

for (const [type, { tool, name, unfit }] of Object.entries(cases) as [ClientToolType, Case][]) {
  if (unfit === null) continue;
  test(`arguments that are no call of ${type} are never published as one`, async () => {
    const { line, asked } = calling(name, unfit, 2);
    const { events } = await play(line, { input: "hi", tools: [tool] });
    assert.equal(asked.length, 2);
    const end = events.at(-1);
    assert(end?.type === "response.failed");
    for (const made of end.response.output) assert.equal(made["status"], "incomplete");
  });
}
