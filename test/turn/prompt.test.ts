/** Owns the tests of the prompt: what a thread looks like to an engine, at each shape. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EngineMessage } from "../../src/engine/engine.ts";
import { heal } from "../../src/turn/heal.ts";
import { normalise } from "../../src/turn/normalise.ts";
import { plan, type Shape, shapes } from "../../src/turn/prompt.ts";

const call = (id: string, name = "f", args = "{}"): object => ({
  type: "function_call",
  call_id: id,
  name,
  arguments: args,
});
const output = (id: string, text: string): object => ({ type: "function_call_output", call_id: id, output: text });
const ranTurn = (id: string, text: string): object[] => [call(id), output(id, text)];
const bareCall = (name: string, id?: string): object => ({
  type: "function_call",
  name,
  arguments: "{}",
  ...(id && { id }),
});
const bareOutput = (text: string, rest: object = {}): object => ({
  type: "function_call_output",
  output: text,
  ...rest,
});
const message = (role: string, text: string): object => ({ role, content: text });

/** A message on one line: role, text, calls; outputs name the call by its id. */
function line(message: EngineMessage): string {
  const content =
    typeof message.content === "string"
      ? message.content
      : message.content.map((part) => (part.type === "text" ? part.text : "<image>")).join("\n");
  if (message.role === "tool") return `tool ${message.callId}: ${content}`;
  if (message.role !== "assistant") return `${message.role}: ${content}`;
  const calls = message.calls.map((entry) => ` ${entry.name}(${entry.arguments})#${entry.id}`).join("");
  return `assistant: ${message.reasoning === null ? "" : `<${message.reasoning}>`}${content}${calls}`;
}

/** What a turn's `input` looks like to an engine. */
function planned(input: readonly unknown[], shape: Shape = 0, instructions: string | null = null): EngineMessage[] {
  return plan(instructions, heal(normalise([...input])).items, shape);
}

/** The same, a line a message; ids of calls are numbered in the order in which they occur. */
function lines(input: readonly unknown[], shape: Shape = 0, instructions: string | null = null): string[] {
  const messages = planned(input, shape, instructions);
  const ids = messages.flatMap((entry) => (entry.role === "assistant" ? entry.calls.map(({ id }) => id) : []));
  return messages.map((entry) => ids.reduce((text, id, at) => text.replace(id, String(at + 1)), line(entry)));
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
    "user: [Instructions:]\nlater",
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

test("instructions with an image stay where they are, marked: no leading message can hold it", () => {
  const image = { type: "input_image", image_url: "data:image/png;base64,AA==" };
  assert.deepEqual(lines([{ role: "developer", content: ["look", image] }, message("user", "hi")], 0, "be brief"), [
    "system: be brief",
    "user: [Instructions:]\nlook\n<image>",
    "user: hi",
  ]);
});

test("what no model can read is named, not dropped", () => {
  const sealed = { type: "encrypted_content", encrypted_content: `gAAAAAB${"x".repeat(120)}` };
  const content = [{ type: "tool_use", id: "t" }, { type: "two words\n" }, sealed, "and text"];
  assert.deepEqual(lines([{ role: "user", content }]), [
    "user: [a part of the type tool_use is not shown]\n[a part of the type unknown is not shown]\n" +
      "[a part of the type encrypted_content is not shown]\nand text",
  ]);
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
  const talk = ["user: hi", 'assistant: <hm>I look f({})#1 g({"a":1})#2', "tool 1: one", "tool 2: two"];
  assert.deepEqual(lines(input), talk);
});

test("orphan outputs are told as text, unanswered calls get an answer that says so", () => {
  assert.deepEqual(lines([message("user", "hi"), output("x", "lost"), call("1")]), [
    "user: hi",
    "user: [Output of a tool, of a call that is not in this conversation:]\nlost",
    "assistant:  f({})#1",
    "tool 1: [No output: the call was not answered.]",
  ]);
});

test("arguments that are no JSON object reach the model readable, never a template", () => {
  assert.deepEqual(
    lines([call("1", "f", '{"a":'), output("1", "x")])[0],
    'assistant:  f({"unreadable_arguments":"{\\"a\\":"})#1',
  );
  assert.deepEqual(lines([call("1", "f", ""), output("1", "x")])[0], "assistant:  f({})#1");
});

test("a call that could not be run says so with its output", () => {
  assert.equal(
    lines([call("1", "f", '{"a":'), output("1", "x")])[1],
    "tool 1: [The arguments of this call were not a JSON object.]\nx",
  );
});

test("an output after the next answer stays where it is: the prompts before it knew nothing of it", () => {
  const turn = [call("1"), message("user", "stop")];
  const later = [...turn, message("assistant", "stopped"), output("1", "one")];
  assert.deepEqual(lines(later), [
    "assistant:  f({})#1",
    "tool 1: [No output: the call was not answered.]",
    "user: stop",
    "assistant: stopped",
    "user: [Late output of f:]\none",
  ]);
  assert.deepEqual(lines(later).slice(0, 3), lines(turn));
});

test("words after a call follow its output, so that an answer to a call without one changes nothing before it", () => {
  assert.deepEqual(lines([call("1"), message("assistant", "and"), output("1", "one")]), [
    "assistant:  f({})#1",
    "tool 1: one",
    "assistant: and",
  ]);
  assert.deepEqual(lines([call("1"), message("assistant", "and")]).slice(0, 2), lines([call("1")]));
});

test("ids that repeat from turn to turn answer the call of their own turn", () => {
  const thread = [...ranTurn("call_0", "one"), message("assistant", "and"), ...ranTurn("call_0", "two")];
  assert.deepEqual(lines(thread), ["assistant:  f({})#1", "tool 1: one", "assistant: and f({})#2", "tool 2: two"]);
  const [first, , second] = planned(thread).map((entry) => (entry.role === "assistant" ? entry.calls[0]?.id : ""));
  assert.match(first ?? "", /^[A-Za-z0-9]{9}$/);
  assert.match(second ?? "", /^[A-Za-z0-9]{9}$/);
});

test("calls and outputs without ids find each other by the item's id, by name, and in order", () => {
  assert.deepEqual(
    lines([bareCall("f"), bareCall("g"), bareOutput("of g", { name: "g" }), bareOutput("of f", { call_id: null })]),
    ["assistant:  f({})#1 g({})#2", "tool 1: of f", "tool 2: of g"],
  );
  assert.deepEqual(lines([bareCall("f", "fc_1"), bareOutput("x", { call_id: "fc_1" })])[1], "tool 1: x");
  assert.deepEqual(lines([bareCall("f"), bareOutput("x", { call_id: "call_unknown" })])[1], "tool 1: x");
});

test("tools found in mid-thread are told where they were found", () => {
  const tools = [
    { type: "namespace", name: "mcp__a", tools: [{ type: "function", name: "b", description: "does b" }] },
  ];
  const found = [
    { type: "tool_search_call", call_id: "1", execution: "client", arguments: { query: "b" } },
    { type: "tool_search_output", call_id: "1", execution: "client", tools },
  ];
  assert.deepEqual(lines(found), [
    'assistant:  tool_search({"query":"b"})#1',
    'tool 1: [These tools can be called from now on:]\n{"name":"mcp__a__b","description":"does b","parameters":{"type":"object","properties":{}}}',
  ]);
});

test("additional tools in front are listed with the request's, later ones where they stand", () => {
  const more = { type: "additional_tools", role: "developer", tools: [{ type: "function", name: "f" }] };
  assert.deepEqual(lines([more, message("user", "hi")]), ["user: hi"]);
  assert.match(
    lines([message("assistant", "hi"), more])[1] ?? "",
    /^user: \[Instructions:\]\n\[These tools can be called from now on:\]\n.*"f"/,
  );
});

test("what other servers ran is told in short, in its place", () => {
  const search = { type: "web_search_call", status: "completed", action: { type: "search", query: "antiphon" } };
  const thread = [message("user", "hi"), search, message("assistant", "found it")];
  assert.deepEqual(lines(thread), ["user: hi", 'assistant: [Web search: "antiphon"]\n\nfound it']);
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
      const messages = planned(input, shape, "be brief");
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

test("a thread that ends with an answer and goes on with another keeps its prompt", () => {
  const said = [message("user", "hi"), message("assistant", "one")];
  assert.deepEqual(lines(said, 1), ["user: hi", "assistant: one", "user: [Go on.]"]);
  assert.deepEqual(lines([...said, message("assistant", "two"), message("user", "and?")], 1), [
    "user: hi",
    "assistant: one",
    "user: [Go on.]",
    "assistant: two",
    "user: and?",
  ]);
});

test("the prompt of a turn begins the prompt of the next", () => {
  const turn = [message("user", "hi"), message("assistant", "I look"), call("1"), output("1", "one")];
  const next = [...turn, message("assistant", "it is one"), message("developer", "mode"), message("user", "thanks")];
  for (const shape of shapes) {
    const before = planned(turn, shape, "sys").map(line);
    assert.deepEqual(planned(next, shape, "sys").map(line).slice(0, before.length), before);
  }
});
