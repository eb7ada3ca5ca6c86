/** Owns the test of bad requests: each is refused with what is wrong with which field, and what to do; the server goes on. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { limits } from "../../src/limits.ts";
import { at, words } from "../../src/spec/json.ts";
import { params } from "../../src/spec/params.ts";
import { ask, type Bad, badBodies, functions, many, schema } from "./bad.ts";
import { badWays } from "./bad-ways.ts";
import { fitting, json, openTestDoor, says, send, type TestDoor } from "./door.ts";

const table: readonly Bad[] = [...badBodies, ...badWays];

/** What was answered to one of them. */
async function refused(
  door: TestDoor,
  id: string,
  { method = "POST", path = "/v1/responses", headers = {}, body }: Bad,
): Promise<{ status: number; error: unknown }> {
  const sent = typeof body === "string" || Buffer.isBuffer(body) || body === undefined ? body : JSON.stringify(body);
  const answer = await send(door, path.replace("RESPONSE", id), {
    method,
    headers,
    ...(sent === undefined ? {} : { body: sent }),
  });
  return { status: answer.status, error: at(await json(answer), "error") };
}

async function open(t: TestContext): Promise<{ door: TestDoor; id: string }> {
  const door = await openTestDoor(t, fitting);
  return { door, id: String((await json(await door.ask({ input: "hi" })))["id"]) };
}

test(`${table.length} bad requests are refused, each naming the field and what to do, and the server goes on`, async (t) => {
  const { door, id } = await open(t);
  const rows: string[] = [];
  for (const row of table) {
    const { status, error } = await refused(door, id, row);
    const { message, type, param, code } = error as Record<string, unknown>;
    assert.deepEqual([row.what, status, code, param], [row.what, row.status, row.code, row.param]);
    assert.match(String(message), row.says, row.what);
    assert.deepEqual(Object.keys(error as object).toSorted(), ["code", "message", "param", "type"], row.what);
    assert.equal(typeof type, "string", row.what);
    const cells = [row.what, status, words(code), words(param), words(message).replaceAll("|", "\\|")];
    rows.push(`| ${cells.join(" | ")} |`);
  }
  assert.ok(table.length >= 60);
  assert.equal((await door.ask({ input: "hi" })).status, 200);
  assert.deepEqual(door.complaints, []);
  const file = process.env["BAD_REQUESTS_TABLE"];
  if (file !== undefined)
    writeFileSync(
      file,
      ["| request | status | code | param | message |", "| --- | --- | --- | --- | --- |", ...rows, ""].join("\n"),
    );
});

const good: readonly (readonly [string, object | string])[] = [
  ["every field null", { ...Object.fromEntries(Object.keys(params).map((name) => [name, null])), input: "hi" }],
  ...Object.keys(params)
    .filter((name) => name !== "input")
    .map((name) => [`${name} null`, { ...ask({}), [name]: null }] as const),
  ["the warm-up of Codex", { model: "x", input: "", max_output_tokens: 1 }],
  [
    "what LangChain sends",
    ask({ text: {}, tools: [{ type: "function", name: "f", strict: null, parameters: null, description: null }] }),
  ],
  ["reasoning of nothing", ask({ reasoning: {} })],
  ["an effort that is null", ask({ reasoning: { effort: null, summary: null } })],
  ["background that is not asked for", ask({ background: false })],
  ["fields named like parts of objects", '{"input":"hi","__proto__":{"background":true},"constructor":1}'],
  ["a format that is null", ask({ text: { format: null, verbosity: "shouting" } })],
  ["an effort that nobody knows", ask({ reasoning: { effort: "on", summary: "whatever", context: "all_turns" } })],
  ["instructions as items", ask({ instructions: [{ role: "developer", content: "be brief" }] })],
  ["metadata at its limits", ask({ metadata: { ...many(15), ["k".repeat(64)]: "v".repeat(512) } })],
  ["tools that are none", ask({ tools: [null, 7, "f", {}, { type: "hologram" }, { type: "function" }] })],
  ["as many tools as there may be", ask({ tools: functions(limits.tools) })],
  ["a name as long as it may be", ask({ tools: [{ type: "function", name: "n".repeat(limits.toolNameChars) }] })],
  ["a hosted tool, and a choice of it", ask({ tools: [{ type: "web_search" }], tool_choice: { type: "web_search" } })],
  ["required without tools", ask({ tool_choice: "required" })],
  ["fields of others", ask({ messages: [], n: 1, max_tokens: 5, client_metadata: { a: 1 }, "x-y": null })],
  ["an include of the future", ask({ include: ["from.the.future"] })],
  ["a tier of the future", ask({ service_tier: "ultrafast", prompt_cache_options: { mode: "explicit" } })],
  [
    "a schema that calls itself",
    schema({ type: "object", properties: { next: { anyOf: [{ $ref: "#" }, { type: "null" }] } } }),
  ],
  [
    "keywords that no grammar knows",
    schema({ type: "object", patternProperties: { "^a": true }, unevaluatedProperties: false, "x-order": 1 }),
  ],
];

for (const [what, body] of good) {
  test(`no mistake: ${what}`, async (t) => {
    const { door } = await open(t);
    const answer = await door.ask(body);
    assert.deepEqual([answer.status, (await json(answer))["status"]], [200, "completed"]);
  });
}

test("keys: none, a wrong one and a wrong scheme are told which header is wanted", async (t) => {
  const door = await openTestDoor(t, () => says("ok"), { apiKeys: ["right"] });
  for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: "Basic right" }]) {
    const { status, error } = await refused(door, "", { ...aKeyless, headers });
    assert.deepEqual([status, at(error, "code"), at(error, "param")], [401, aKeyless.code, null]);
    assert.match(words(at(error, "message")), aKeyless.says);
  }
  assert.equal((await door.ask(ask({}), { authorization: "Bearer right" })).status, 200);
});

const aKeyless: Bad = {
  what: "no key",
  body: ask({}),
  status: 401,
  code: "invalid_api_key",
  param: null,
  says: /wants 'Authorization: Bearer KEY'/,
};
