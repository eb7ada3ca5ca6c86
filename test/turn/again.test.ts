/** Owns the tests of models that misbehave: what they are told, what they may mend, and what leaves when they do not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delta, EngineRequest } from "../../src/engine/engine.ts";
import { checkEvents } from "../../src/spec/check/check.ts";
import type { Response } from "../../src/spec/response.ts";
import { createScriptEngine } from "../../src/engine/script.ts";
import { makeLine, play } from "./line.ts";

const tools = [
  { type: "function", name: "f", parameters: { type: "object", properties: { a: {} }, required: ["a"] } },
  { type: "function", name: "g" },
];
const item = (key: number, type: "message" | "reasoning", text: string): Delta[] => [
  { kind: "open", key, item: { type } },
  { kind: "text", key, text },
  { kind: "close", key },
];
const call = (key: number, name: string, text: string): Delta[] => [
  { kind: "open", key, item: { type: "call", name } },
  { kind: "text", key, text },
  { kind: "close", key },
];
const stop: Delta = { kind: "finish", reason: "stop" };
const usage = (input: number, output: number): Delta => {
  return { kind: "usage", usage: { input, cached: 0, output, reasoning: 0, estimated: false } };
};

/** Plays the answers one after another; the Response, what was asked, and nothing wrong with the stream. */
async function answering(
  answers: readonly (readonly Delta[])[],
  body: object = {},
  schemas = true,
): Promise<{ response: Response; asked: EngineRequest[] }> {
  const asked: EngineRequest[] = [];
  const engine = createScriptEngine((request) => answers[asked.push(request) - 1] ?? [stop]);
  const models = (await engine.models()).map((model) => ({
    ...model,
    capabilities: { ...model.capabilities, schemas },
  }));
  const line = makeLine({ ...engine, models: () => Promise.resolve(models) });
  const { events } = await play(line, { input: "hi", tools, ...body });
  assert.deepEqual(checkEvents(events), []);
  const end = events.at(-1);
  assert(end && "response" in end);
  return { response: end.response, asked };
}

/** What the model is told when it is asked again: the message after the prompt. */
function told(asked: readonly EngineRequest[]): string {
  const [first, again] = asked;
  return JSON.stringify(again?.messages.slice(first?.messages.length));
}

test("a call that cannot be run is made again, after the model was told why", async () => {
  const { response, asked } = await answering([
    [...item(0, "reasoning", "hm"), ...item(1, "message", "I look."), ...call(2, "f", "{"), stop],
    [...call(0, "f", '{"a":1}'), stop],
  ]);
  assert.equal(response.status, "completed");
  assert.deepEqual(
    response.output.map(({ type, arguments: args }) => [type, args]),
    [
      ["reasoning", undefined],
      ["message", undefined],
      ["function_call", '{"a":1}'],
    ],
  );
  assert.equal(asked.length, 2);
  assert.match(told(asked), /"content":"I look\.","reasoning":"hm".*call of 'f' was not run/);
});

test("a tool that does not exist is named to the model; if it insists, the client sees what it wrote", async () => {
  const mended = await answering([
    [...call(0, "h", "{}"), stop],
    [...call(0, "g", "{}"), stop],
  ]);
  assert.deepEqual(
    mended.response.output.map(({ name }) => name),
    ["g"],
  );
  assert.match(told(mended.asked), /no tool 'h'.*f, g/);
  const again = await answering([
    [...call(0, "h", "{}"), stop],
    [...call(0, "h", "{}"), stop],
  ]);
  assert.deepEqual([again.response.status, again.response.output_text], ["completed", "h({})"]);
});

test("a model that must call is asked for it once, then the response fails", async () => {
  const body = { tool_choice: { type: "function", name: "g" } };
  const text = [...item(0, "message", "no"), stop];
  const mended = await answering([text, [...call(0, "g", "{}"), stop]], body);
  assert.deepEqual(
    mended.response.output.map(({ type }) => type),
    ["message", "function_call"],
  );
  assert.match(told(mended.asked), /one of these tools: g\./);
  assert.equal((await answering([text, text], body)).response.status, "failed");
});

test("thinking without an answer is asked for one, and silence is never a success without words", async () => {
  const thought = [...item(0, "reasoning", "hm"), stop];
  const mended = await answering([thought, [...item(0, "message", "42"), stop]]);
  assert.equal(mended.response.output_text, "42");
  assert.match(told(mended.asked), /"reasoning":"hm".*not answered yet/);
  const silent = await answering([thought, thought]);
  assert.equal(silent.response.status, "completed");
  assert.equal(silent.response.output_text, "[The model ended its turn without an answer.]");
});

test("beside calls that run, one that cannot is left out, and nobody is asked again", async () => {
  const { response, asked } = await answering([
    [...call(0, "g", "{}"), ...call(1, "f", "{"), ...call(2, "h", ""), stop],
  ]);
  assert.equal(response.status, "completed");
  assert.equal(asked.length, 1);
  assert.deepEqual(
    response.output.map(({ type, name }) => [type, name]),
    [
      ["function_call", "g"],
      ["message", undefined],
    ],
  );
});

test("what was cut is not asked for again: the client's limit is a limit", async () => {
  const cut: Delta[] = [
    { kind: "open", key: 0, item: { type: "call", name: "f" } },
    { kind: "finish", reason: "length" },
  ];
  const { response, asked } = await answering([cut]);
  assert.equal(response.status, "incomplete");
  assert.equal(asked.length, 1);
});

test("tokens of both answers count, and the second may only use what is left", async () => {
  const { response, asked } = await answering(
    [
      [...item(0, "reasoning", "hm"), usage(10, 30), stop],
      [...item(0, "message", "42"), usage(45, 5), stop],
    ],
    { max_output_tokens: 100 },
  );
  assert.deepEqual([response.usage.input_tokens, response.usage.output_tokens], [10, 35]);
  assert.deepEqual(
    asked.map(({ maxTokens }) => maxTokens),
    [100, 70],
  );
});

const schema = { type: "object", properties: { a: { type: "number" } }, required: ["a"], additionalProperties: false };
const text = { format: { type: "json_schema", name: "answer", schema, strict: true } };

for (const schemas of [true, false]) {
  const who = schemas ? "an engine that holds answers to schemas" : "an engine that knows no schemas";

  test(`JSON of ${who} that stands beside a call of nothing is the answer`, async () => {
    const slipped = [...item(0, "message", '{"a":1}'), ...call(1, "nope", "{}"), stop];
    const { response, asked } = await answering([slipped], { text }, schemas);
    assert.deepEqual([response.status, response.output_text, asked.length], ["completed", '{"a":1}', 1]);
  });

  test(`${who} is asked again for a call beside an answer, and the stream keeps its rules`, async () => {
    const wrong = [...item(0, "message", '{"a":1}'), ...call(1, "f", "{}x"), stop];
    const { response, asked } = await answering([wrong, [...call(0, "f", '{"a":1}'), stop]], { text }, schemas);
    assert.deepEqual([response.status, asked.length], ["completed", 2]);
    assert.equal(response.output.at(-1)?.type, "function_call");
  });

  test(`silence of ${who} is no JSON, and no success`, async () => {
    const { response } = await answering([], { text }, schemas);
    assert.equal(response.status, "failed");
    assert.match(response.error?.message ?? "", /'text.format' demands/);
  });

  test(`thinking after the answer of ${who} hides nothing wrong with it`, async () => {
    const wrong = [...item(0, "message", "not json"), ...item(1, "reasoning", "hm"), stop];
    const { response } = await answering([wrong, wrong], { text }, schemas);
    assert.equal(response.status, "failed");
    const message = response.output.find(({ type }) => type === "message");
    assert.equal(message?.["status"], "incomplete");
  });

  test(`two answers of ${who} are none`, async () => {
    const twice = [...item(0, "message", '{"a":1}'), ...item(1, "message", '{"a":2}'), stop];
    const { response } = await answering([twice, twice], { text }, schemas);
    assert.equal(response.status, "failed");
  });
}
