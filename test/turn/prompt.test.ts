/** Owns the tests of the prompt: what a thread looks like to an engine, at each shape. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EngineMessage } from "../../src/engine/engine.ts";
import { normalise } from "../../src/turn/normalise.ts";
import { plan, type Shape, shapes } from "../../src/turn/prompt.ts";

const call = (id: string, name = "f", args = "{}"): object => ({
  type: "function_call",
  call_id: id,
  name,
  arguments: args,
});
const output = (id: string, text: string): object => ({ type: "function_call_output", call_id: id, output: text });
const message = (role: string, text: string): object => ({ role, content: text });

/** A message on one line: role, text, calls. */
function line(message: EngineMessage): string {
  const content =
    typeof message.content === "string"
      ? message.content
      : message.content.map((part) => (part.type === "text" ? part.text : "<image>")).join("\n");
  if (message.role !== "assistant") return `${message.role}: ${content}`;
  const calls = message.calls.map((entry) => ` ${entry.name}(${entry.arguments})#${entry.id}`).join("");
  return `assistant: ${message.reasoning === null ? "" : `<${message.reasoning}>`}${content}${calls}`;
}

function lines(input: readonly unknown[], shape: Shape = 0, instructions: string | null = null): string[] {
  return plan(instructions, normalise([...input]), shape).map(line);
}

test("instructions and all developer text before the first answer become one leading system message", () => {
  const input = [
    message("developer", "base"),
    message("user", "AGENTS"),
    message("developer", "skills"),
    message("user", "do it"),
    message("assistant", "done"),
    message("developer", "later"),
    message("user", "more"),
  ];
  assert.deepEqual(lines(input, 0, "first"), [
    "system: first\n\nbase\n\nskills",
    "user: AGENTS",
    "user: do it",
    "assistant: done",
    "system: later",
    "user: more",
  ]);
  assert.deepEqual(lines(input, 1, "first"), [
    "system: first\n\nbase\n\nskills",
    "user: AGENTS\ndo it",
    "assistant: done",
    "user: [Instructions:]\nlater\nmore",
  ]);
  assert.deepEqual(lines(input, 2, "first")[0], "user: [Instructions:]\nfirst\n\nbase\n\nskills\nAGENTS\ndo it");
});

test("thinking, text and parallel calls of a turn are one message, and each call is answered in its order", () => {
  const input = [
    message("user", "hi"),
    { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "hm" }] },
    message("assistant", "I look"),
    call("1"),
    call("2", "g", '{"a":1}'),
    output("2", "two"),
    output("1", "one"),
  ];
  const talk = ["user: hi", 'assistant: <hm>I look f({})#1 g({"a":1})#2', "tool: one", "tool: two"];
  assert.deepEqual(lines(input), talk);
});

test("orphan outputs are told as text, unanswered calls get an answer that says so", () => {
  assert.deepEqual(lines([message("user", "hi"), output("x", "lost"), call("1")]), [
    "user: hi",
    "user: [Output of a tool call that is not in this conversation:]\nlost",
    "assistant:  f({})#1",
    "tool: [No output: the call was not answered.]",
  ]);
});

test("arguments that are no JSON object reach the model readable, never a template", () => {
  assert.deepEqual(
    lines([call("1", "f", '{"a":'), output("1", "x")])[0],
    'assistant:  f({"unreadable_arguments":"{\\"a\\":"})#1',
  );
  assert.deepEqual(lines([call("1", "f", ""), output("1", "x")])[0], "assistant:  f({})#1");
});

test("custom calls and namespaces are shown as the functions they were offered as", () => {
  const custom = { type: "custom_tool_call", call_id: "1", name: "apply_patch", input: "*** Begin" };
  const namespaced = { ...call("2", "read"), namespace: "mcp__files" };
  assert.deepEqual(
    lines([custom, namespaced])[0],
    'assistant:  apply_patch({"input":"*** Begin"})#1 mcp__files__read({})#2',
  );
});

test("at shape 3 calls and outputs are plain text in alternating messages", () => {
  const input = [message("user", "hi"), call("1", "f"), output("1", "one"), message("user", "and?")];
  assert.deepEqual(lines(input, 3), ["user: hi", "assistant: [Called f with {}]", "user: [Output of f:]\none\nand?"]);
});

test("images stay, files and remote images become a note", () => {
  const content = [
    { type: "input_text", text: "look " },
    { type: "input_image", image_url: "data:image/png;base64,AA==" },
    { type: "input_image", image_url: "http://example.com/a.png" },
    { type: "input_file", file_id: "f" },
  ];
  assert.match(
    lines([{ role: "user", content }])[0] ?? "",
    /^user: look \n<image>\n\[image omitted: .*\]\n\[file omitted: .*\]$/,
  );
});

const anyItem = fc.oneof(
  fc.constantFrom("user", "assistant", "system", "developer").map((role) => message(role, "text")),
  fc.nat(3).map((id) => call(String(id))),
  fc.nat(3).map((id) => output(String(id), "result")),
  fc.constant({ type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "hm" }] }),
  fc.jsonValue(),
);

test("whatever the input: no shape throws, calls and outputs balance, and strict shapes alternate", () => {
  fc.assert(
    fc.property(fc.array(anyItem, { maxLength: 12 }), fc.constantFrom(...shapes), (input, shape) => {
      const messages = plan("be brief", normalise(input), shape);
      const open: string[] = [];
      for (const entry of messages) {
        if (entry.role === "tool") assert.equal(entry.callId, open.shift());
        else assert.deepEqual(open, []);
        if (entry.role === "assistant") open.push(...entry.calls.map((made) => made.id));
      }
      assert.deepEqual(open, []);
      if (shape < 3) return;
      messages.forEach((entry, at) => assert.notEqual(entry.role, messages[at - 1]?.role));
    }),
    { numRuns: 1000 },
  );
});

test("the prompt of a turn begins the prompt of the next", () => {
  const turn = [message("user", "hi"), message("assistant", "I look"), call("1"), output("1", "one")];
  const next = [...turn, message("assistant", "it is one"), message("developer", "mode"), message("user", "thanks")];
  for (const shape of shapes) {
    const before = plan("sys", normalise([...turn]), shape).map(line);
    assert.deepEqual(
      plan("sys", normalise([...next]), shape)
        .map(line)
        .slice(0, before.length),
      before,
    );
  }
});
