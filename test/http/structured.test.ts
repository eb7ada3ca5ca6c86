/** Owns the tests of answers that must be JSON: what leaves, what is asked for again, and what fails, over sockets. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Delta, EngineRequest } from "../../src/engine/engine.ts";
import { createScriptEngine } from "../../src/engine/script.ts";
import { at, type Fields, listOf, words } from "../../src/spec/json.ts";
import { endOf, json, openTestDoor, says, type TestDoor } from "./door.ts";

const schema = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer", minimum: 1 } },
  required: ["city", "days"],
  additionalProperties: false,
};
const format = { type: "json_schema", name: "trip", schema, strict: true };
const right = '{"city": "Oslo", "days": 3}';
const wrong = '{"city": "Oslo", "days": "three"}';

interface Room extends TestDoor {
  /** What the model was asked, turn by turn. */
  readonly asked: readonly EngineRequest[];
}

/** A model that gives `answers` one after the other; `schemas`: its engine holds them to schemas, as it says. */
async function room(t: TestContext, answers: readonly (readonly Delta[])[], schemas = false): Promise<Room> {
  const asked: EngineRequest[] = [];
  const engine = createScriptEngine((request) => {
    asked.push(request);
    return answers[asked.length - 1] ?? says("too often");
  });
  const capabilities = { images: true, reasoning: true, schemas };
  const models = (): Promise<{ id: string; contextLength: number; capabilities: typeof capabilities }[]> =>
    Promise.resolve([{ id: "script", contextLength: 1_000, capabilities }]);
  return { ...(await openTestDoor(t, { ...engine, models })), asked };
}

/** The response and its text, streamed and whole alike. */
async function ask(
  door: TestDoor,
  rest: Fields,
  stream = true,
): Promise<{ response: Fields; text: string; body: string }> {
  const answer = await door.ask({ input: "Plan a trip.", text: { format }, stream, ...rest });
  const body = await answer.text();
  const response: Fields = stream ? { ...endOf(body).response } : await json({ status: 200, headers: {}, body });
  return { response, text: words(response["output_text"]), body };
}

const pieces = (text: string): Delta[] => says(...(text.match(/.{1,5}/gsu) ?? []));
const hintOf = (request: EngineRequest | undefined): string => JSON.stringify(request?.messages.at(-1)?.content);

test("an answer that fits leaves as it was written", async (t) => {
  for (const schemas of [true, false]) {
    const door = await room(t, [pieces(right), pieces(right)], schemas);
    for (const stream of [true, false]) {
      const { response, text } = await ask(door, {}, stream);
      assert.deepEqual([response["status"], text], ["completed", right]);
    }
    assert.equal(door.asked.length, 2);
  }
});

test("what models put around JSON is taken off", async (t) => {
  const answers = [`\`\`\`json\n${right}\n\`\`\``, `${right.slice(0, -1)},}`];
  for (const answer of answers) {
    const { response, text } = await ask(await room(t, [pieces(answer)]), {});
    assert.equal(response["status"], "completed");
    assert.deepEqual(JSON.parse(text), JSON.parse(right));
  }
});

test("a wrong answer is asked for again, with the reason, and does not leave", async (t) => {
  for (const answer of [wrong, "Oslo, three days.", '{"city": "Oslo"']) {
    const door = await room(t, [pieces(answer), pieces(right)]);
    const { response, text, body } = await ask(door, {});
    assert.deepEqual([response["status"], text], ["completed", right]);
    assert.ok(!body.includes("three"));
    assert.equal(door.asked.length, 2);
    assert.match(hintOf(door.asked.at(-1)), answer === wrong ? /\/days must be an integer/ : /it is no JSON/);
  }
});

test("a model that does no better leaves an incomplete message in a response that failed, with the reason", async (t) => {
  for (const stream of [true, false]) {
    const door = await room(t, [pieces("no"), pieces(wrong)]);
    const answer = await door.ask({ input: "x", text: { format }, stream });
    const body = await answer.text();
    const failed: Fields = stream ? { ...endOf(body).response } : (JSON.parse(body) as Fields);
    assert.match(words(at(failed, "error", "message")), /'text.format' demands: \/days must be an integer/);
    if (!stream) continue;
    assert.equal(failed["status"], "failed");
    const [message] = listOf(failed["output"]);
    assert.deepEqual([message?.["status"], at(listOf(message?.["content"])[0], "text")], ["incomplete", wrong]);
  }
});

test("where the engine sees to the schema the answer streams, and one that is wrong all the same is not asked for again", async (t) => {
  const door = await room(t, [pieces(wrong)], true);
  const { response, body } = await ask(door, {});
  assert.ok(body.split("response.output_text.delta").length > 4);
  assert.equal(response["status"], "failed");
  assert.equal(listOf(response["output"])[0]?.["status"], "incomplete");
  assert.equal(door.asked.length, 1);
});

test("an answer that is cut is incomplete, and is not judged", async (t) => {
  for (const schemas of [true, false]) {
    const cut = pieces(right.slice(0, 9)).map((delta): Delta =>
      delta.kind === "finish" ? { ...delta, reason: "length" } : delta,
    );
    const { response, text } = await ask(await room(t, [cut], schemas), {});
    assert.deepEqual([response["status"], text], ["incomplete", right.slice(0, 9)]);
    assert.deepEqual(response["incomplete_details"], { reason: "max_output_tokens" });
  }
});

test("a call before the answer is no answer: what is said beside it is free", async (t) => {
  const call: readonly Delta[] = [
    { kind: "open", key: 1, item: { type: "message" } },
    { kind: "text", key: 1, text: "Let me look." },
    { kind: "close", key: 1 },
    { kind: "open", key: 2, item: { type: "call", name: "look" } },
    { kind: "text", key: 2, text: "{}" },
    { kind: "close", key: 2 },
    { kind: "finish", reason: "stop" },
  ];
  const door = await room(t, [call]);
  const { response } = await ask(door, { tools: [{ type: "function", name: "look" }] });
  assert.equal(response["status"], "completed");
  assert.deepEqual(
    listOf(response["output"]).map(({ type }) => type),
    ["message", "function_call"],
  );
});

test("json_object wants an object, and says so", async (t) => {
  const door = await room(t, [pieces("[1]"), pieces('{"a": 1}')]);
  const { text } = await ask(door, { text: { format: { type: "json_object" } } });
  assert.equal(text, '{"a": 1}');
  assert.match(hintOf(door.asked.at(-1)), /it is no JSON object/);
});
