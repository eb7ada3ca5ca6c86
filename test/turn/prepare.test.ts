/** Owns the tests of what is refused, and of threads: stored ones, references, and whatever input clients send. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineRequest } from "../../src/engine/engine.ts";
import type { Step } from "../../src/engine/script.ts";
import { ApiError, type ErrorCode } from "../../src/errors.ts";
import { limits } from "../../src/limits.ts";
import { parseRequest } from "../../src/spec/request.ts";
import type { Line } from "../../src/turn/prepare.ts";
import { prepare } from "../../src/turn/prepare.ts";
import { makeLine, play } from "./line.ts";

const answer: readonly Step[] = [
  { kind: "open", key: 0, item: { type: "message" } },
  { kind: "text", key: 0, text: "the answer" },
  { kind: "close", key: 0 },
  { kind: "finish", reason: "stop" },
];

/** A line whose engine answers always the same, and what it was asked. */
function recording(): { line: Line; asked: EngineRequest[] } {
  const asked: EngineRequest[] = [];
  const line = makeLine((request) => {
    asked.push(request);
    return answer;
  });
  return { line, asked };
}

async function refusal(body: unknown, line = makeLine(() => answer)): Promise<ApiError> {
  try {
    await prepare(line, parseRequest(body), null, new AbortController().signal);
  } catch (thrown) {
    assert.ok(thrown instanceof ApiError, String(thrown));
    return thrown;
  }
  throw new assert.AssertionError({ message: `accepted: ${JSON.stringify(body)}` });
}

const refused: readonly (readonly [string, unknown, ErrorCode, string | null])[] = [
  ["a body that is no object", [], "invalid_type", null],
  ["input as a number", { input: 42 }, "invalid_value", "input"],
  ["a temperature out of range", { input: "x", temperature: 3 }, "invalid_value", "temperature"],
  ["an unknown text format", { input: "x", text: { format: { type: "xml" } } }, "invalid_value", "text.format.type"],
  [
    "metadata with 17 pairs",
    { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ""])) },
    "invalid_value",
    "metadata",
  ],
  ["no room for an answer", { input: "x", max_output_tokens: 0 }, "invalid_value", "max_output_tokens"],
  [
    "an unknown previous response",
    { input: "x", previous_response_id: "resp_x" },
    "previous_response_not_found",
    "previous_response_id",
  ],
  [
    "a tool_choice that names nothing on offer",
    { input: "x", tools: [{ type: "function", name: "f" }], tool_choice: { type: "function", name: "g" } },
    "invalid_value",
    "tool_choice",
  ],
  [
    "more items than the limit",
    { input: Array.from({ length: limits.inputItems + 1 }, () => "x") },
    "invalid_value",
    "input",
  ],
];

for (const [what, body, code, param] of refused) {
  test(`refuses ${what}, naming the field`, async () => {
    const error = await refusal(body);
    assert.equal(error.code, code);
    assert.equal(error.param, param);
    assert.equal(error.row.status, 400);
  });
}

test("nothing inside input is refused", async () => {
  const input = [
    "plain",
    42,
    null,
    ["nested"],
    {},
    { type: 7 },
    { type: "from_the_future", data: [1] },
    { role: "user", content: null },
    { type: "message", role: "assistant", content: [{ type: "refusal", refusal: "no" }], id: null, status: null },
    { type: "function_call_output", output: { odd: true } },
    { type: "item_reference", id: "msg_nowhere" },
  ];
  const { line, asked } = recording();
  const { events } = await play(line, { input });
  assert.equal(events.at(-1)?.type, "response.completed");
  assert.equal(asked.length, 1);
  const response = events.at(-1);
  assert(response && "response" in response);
  const stored = await line.store.get(response.response.id);
  assert.equal(stored?.input.length, input.length);
  assert.deepEqual({ ...stored.input[6], id: undefined }, { ...(input[6] as object), id: undefined });
});

test("previous_response_id brings back input and output, but not instructions", async () => {
  const { line, asked } = recording();
  const first = await play(line, { input: "one", instructions: "be brief" });
  const start = first.events[0];
  assert(start && "response" in start);
  await play(line, { input: "two", previous_response_id: start.response.id });
  assert.deepEqual(
    asked[1]?.messages.map((message) => [message.role, JSON.stringify(message.content)]),
    [
      ["user", '[{"type":"text","text":"one"}]'],
      ["assistant", '"the answer"'],
      ["user", '[{"type":"text","text":"two"}]'],
    ],
  );
});

test("an item_reference stands for the stored item", async () => {
  const { line, asked } = recording();
  const first = await play(line, { input: "one" });
  const item = first.events.flatMap((event) => (event.type === "response.output_item.done" ? [event.item] : []))[0];
  assert(item);
  await play(line, {
    input: [
      { type: "item_reference", id: item.id },
      { role: "user", content: "two" },
    ],
  });
  assert.equal(asked[1]?.messages[0]?.content, "the answer");
});

test("store: false keeps nothing", async () => {
  const { line } = recording();
  const { events } = await play(line, { input: "one", store: false });
  const end = events.at(-1);
  assert(end && "response" in end);
  assert.equal(await line.store.get(end.response.id), null);
});

test("an unknown model name goes to the default model and is echoed", async () => {
  const { line, asked } = recording();
  const { events } = await play(line, { input: "x", model: "gpt-4.1" });
  assert(events[0] && "response" in events[0]);
  assert.equal(events[0].response.model, "gpt-4.1");
  assert.equal(asked[0]?.model, "script");
});

test("tools of every kind are offered under names that upstreams accept", async () => {
  const { line, asked } = recording();
  const long = "n".repeat(80);
  await play(line, {
    input: "x",
    tools: [
      { type: "function", name: "plain", parameters: null, strict: null },
      { type: "function", function: { name: "chat_style" } },
      { type: "custom", name: "apply_patch", format: { type: "grammar" } },
      { type: "namespace", name: "mcp__srv", tools: [{ type: "function", name: "read" }] },
      { type: "function", name: long },
      { type: "web_search" },
      { type: "from_the_future" },
      "no tool",
    ],
  });
  const names = asked[0]?.tools.map((tool) => tool.name) ?? [];
  assert.deepEqual(names.slice(0, 4), ["plain", "chat_style", "apply_patch", "mcp__srv__read"]);
  assert.equal(names.length, 5);
  assert.ok(names.every((name) => /^[A-Za-z0-9_-]{1,64}$/.test(name)));
});

test("instructions that are items stand before the thread, healed as its own are", async () => {
  const { line, asked } = recording();
  const file = { type: "input_file", filename: "rules.txt", file_data: Buffer.from("be kind").toString("base64") };
  const instructions = ["be brief", { role: "developer", content: [file] }, { role: "user", content: "hello" }];
  await play(line, { input: "hi", instructions });
  assert.deepEqual(
    asked[0]?.messages.map(({ role, content }) => [role, content]),
    [
      ["system", [{ type: "text", text: "be brief\n\n[file: rules.txt]\nbe kind" }]],
      ["user", [{ type: "text", text: "hello" }]],
      ["user", [{ type: "text", text: "hi" }]],
    ],
  );
});

test("every text that a model gets is well formed, and halves of characters elsewhere are mended too", async () => {
  const { line, asked } = recording();
  const tool = { type: "function", name: "f", description: "a\ud83d", parameters: { properties: { "b\udc4d": {} } } };
  await play(line, { input: "\ud83d", instructions: "c\ud83d", tools: [tool] });
  const request = asked[0];
  assert.deepEqual(
    request?.messages.map(({ content }) => content),
    [[{ type: "text", text: "c\ufffd" }], [{ type: "text", text: "\ufffd" }]],
  );
  assert.equal(request.tools[0]?.description, "a\ufffd");
  assert.deepEqual(Object.keys(request.tools[0].parameters["properties"] ?? {}), ["b\ufffd"]);
});

for (const [what, text] of [
  ["brackets", "[".repeat(5_000) + "]".repeat(5_000)],
  ["objects", '{"a":'.repeat(5_000) + "1" + "}".repeat(5_000)],
] as const) {
  test(`arguments nested too deep (${what}) are never published, and hurt nobody`, async () => {
    for (const type of ["function", "tool_search"] as const) {
      const name = type === "function" ? "f" : type;
      const line = makeLine(() => [
        { kind: "open", key: 0, item: { type: "call", name } },
        { kind: "text", key: 0, text: `{"a":${text}}` },
        { kind: "close", key: 0 },
        { kind: "finish", reason: "stop" },
      ]);
      const tool = type === "function" ? { type, name } : { type, execution: "client", parameters: { type: "object" } };
      const { events } = await play(line, { input: "x", tools: [tool] });
      const end = events.at(-1);
      assert.equal(end?.type, "response.failed");
      for (const made of end.response.output) assert.equal(made["status"], "incomplete");
    }
  });
}
