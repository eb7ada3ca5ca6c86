/** Owns the proof of the dialect of Open Responses: its event names, its end, its fields, and that nothing else differs. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Delta } from "../../src/engine/engine.ts";
import { anything, checkBody } from "../../src/spec/check/check.ts";
import type { ClientDialect } from "../../src/spec/client-dialects.ts";
import { type Fields, isFields, listOf, words } from "../../src/spec/json.ts";
import { eventFaults, responseFaults } from "../schema/open-responses.ts";
import { json, openTestDoor, says, send, type TestDoor } from "./door.ts";

const version = { "openresponses-version": "2026-04-24" };

/** The events of an answer that breaks no rule of the dialect. */
async function events(
  door: TestDoor,
  body: Fields,
  headers: Readonly<Record<string, string>> = version,
): Promise<Fields[]> {
  const text = await (await door.ask({ ...body, stream: true }, headers)).text();
  const checked = checkBody(text, { ...anything, dialect: "open-responses" });
  assert.deepEqual(checked.violations, []);
  assert.equal(text.split("data: [DONE]").length, 2);
  assert.ok(text.endsWith("}\n\ndata: [DONE]\n\n"));
  const seen = checked.events.filter(isFields);
  assert.deepEqual(seen.flatMap(eventFaults), []);
  return seen;
}

const call = (key: number, name: string, given: string): Delta[] => [
  { kind: "open", key, item: { type: "call", name } },
  { kind: "text", key, text: given },
  { kind: "close", key },
];

const answers: Readonly<Record<string, readonly Delta[]>> = {
  thinks: [
    { kind: "open", key: 7, item: { type: "reasoning" } },
    { kind: "text", key: 7, text: "hm" },
    { kind: "close", key: 7 },
    ...says("Hello"),
  ],
  calls: [...call(0, "look", '{"at":"x"}'), ...call(1, "note", '{"input":"raw"}'), { kind: "finish", reason: "stop" }],
  cut: says("Hel").map((delta) => (delta.kind === "finish" ? { kind: "finish", reason: "length" } : delta)),
  fails: [{ kind: "fail", failure: { code: "upstream_error", message: "gone" } }],
};

const answer = ({ messages }: { readonly messages: readonly { readonly content: unknown }[] }): readonly Delta[] => {
  const asked = JSON.stringify(messages.at(-1)?.content);
  return Object.entries(answers).find(([word]) => asked.includes(word))?.[1] ?? says("well");
};

/** A model that answers as the user asks. */
function openActor(t: TestContext, options: Parameters<typeof openTestDoor>[2] = {}): Promise<TestDoor> {
  return openTestDoor(t, answer, options);
}

/** The rules that a stream breaks. */
function rows(text: string, dialect: ClientDialect): number[] {
  return [...new Set(checkBody(text, { ...anything, dialect }).violations.map(({ row }) => row))];
}

const tools = [
  { type: "function", name: "look", parameters: { type: "object", properties: { at: { type: "string" } } } },
  { type: "custom", name: "note" },
];

test("in dialect open-responses every event and Response has its names and fields, and [DONE] is last", async (t) => {
  const door = await openActor(t);
  const names = async (input: string): Promise<string[]> =>
    (await events(door, { input, tools, reasoning: { effort: "minimal" } })).map(({ type }) => words(type));
  const thinking = await names("thinks");
  assert.ok(thinking.includes("response.reasoning.delta") && thinking.includes("response.reasoning.done"));
  assert.ok(!thinking.some((name) => name.includes("reasoning_text")));
  assert.ok((await names("calls")).includes("openai:response.custom_tool_call_input.delta"));
  assert.equal((await names("cut")).at(-1), "response.incomplete");
  assert.equal((await names("fails")).at(-1), "response.failed");
});

test("what was answered in one dialect is stored in none, and goes on in the other", async (t) => {
  const door = await openActor(t);
  const asked = await json(await door.ask({ input: "calls", tools }, version));
  assert.deepEqual(responseFaults(asked), []);
  const output = listOf(asked["output"]);
  assert.deepEqual(
    output.map(({ type }) => type),
    ["function_call", "openai:custom_tool_call"],
  );
  const path = `/v1/responses/${words(asked["id"])}`;
  const here = await json(await send(door, path));
  assert.deepEqual(
    listOf(here["output"]).map(({ type }) => type),
    ["function_call", "custom_tool_call"],
  );
  assert.deepEqual(await json(await send(door, path, { headers: version })), asked);
  const answered = [
    { type: "function_call_output", call_id: output[0]?.["call_id"], output: "seen" },
    { type: "openai:custom_tool_call_output", call_id: output[1]?.["call_id"], output: "noted" },
  ];
  const input = [{ type: "message", role: "user", content: "calls" }, ...output, ...answered];
  for (const headers of [version, {}]) {
    const next = await json(await door.ask({ input, tools: asked["tools"], store: true }, headers));
    assert.equal(next["status"], "completed", JSON.stringify(next));
    const items = listOf(
      (await json(await send(door, `/v1/responses/${words(next["id"])}/input_items?order=asc`)))["data"],
    );
    assert.deepEqual(
      items.map(({ type }) => type),
      ["message", "function_call", "custom_tool_call", "function_call_output", "custom_tool_call_output"],
    );
  }
});

test("the setting is for clients that do not say", async (t) => {
  const door = await openActor(t, { clientDialect: "open-responses" });
  assert.ok((await events(door, { input: "thinks" }, {})).some(({ type }) => type === "response.reasoning.delta"));
  const other = await openActor(t);
  const plain = checkBody(await (await other.ask({ input: "thinks", stream: true })).text());
  assert.deepEqual(plain.violations, []);
});

test("the checker knows by whose rules a stream is judged", async (t) => {
  const door = await openActor(t);
  const body = await (await door.ask({ input: "thinks", stream: true }, version)).text();
  assert.ok(rows(body, "openai").includes(4) && rows(body, "openai").includes(8));
  assert.deepEqual(rows(body.replace("data: [DONE]\n\n", ""), "open-responses"), [4]);
  assert.deepEqual(rows(`${body}data: [DONE]\n\n`, "open-responses"), [4]);
  assert.deepEqual(
    rows(body.replaceAll("response.reasoning.delta", "response.reasoning_text.delta"), "open-responses").includes(8),
    true,
  );
});
