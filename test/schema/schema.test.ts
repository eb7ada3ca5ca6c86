/** Owns the tests of the schemas themselves: they refuse what they should, and the patch says no more than it must. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newResponse } from "../../src/spec/response.ts";
import { openTestDoor, says } from "../http/door.ts";
import { sdkDefinitions } from "./generate.ts";
import { counts } from "./lawful.ts";
import { patch } from "./patch.ts";
import { Schemas, schemas } from "./schemas.ts";

const response = newResponse({ input: "hi" }, "resp_1", "m", 1);
const delta = {
  type: "response.output_text.delta",
  sequence_number: 3,
  item_id: "msg_1",
  output_index: 0,
  content_index: 0,
  delta: "Hel",
  logprobs: [],
};
const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: "{}", status: "completed" };
const custom = { type: "custom_tool_call", id: "ctc_1", call_id: "call_1", name: "f", input: "", status: "completed" };

test("what is right has no deviation", () => {
  assert.deepEqual(schemas.deviations("response", response), []);
  assert.deepEqual(schemas.deviations("event", delta), []);
  const marked = { ...call, encrypted_function_args: [] };
  assert.deepEqual(schemas.deviations("response", { ...response, output: [call, marked, custom] }), []);
});

const { output_text: _, ...withoutText } = response;
const wrong: Readonly<Record<string, readonly [Parameters<Schemas["deviations"]>[0], unknown, RegExp]>> = {
  "an event of no name": ["event", { ...delta, type: "response.text.delta" }, /no such event/],
  "an event without a field": ["event", { ...delta, logprobs: undefined }, /'logprobs'/],
  "an event with a field too many": ["event", { ...delta, extra: 1 }, /extra/],
  "a Response without a field": ["response", withoutText, /'output_text'/],
  "a status of no table": ["response", { ...response, status: "done" }, /\/status/],
  "an item of no type": ["response", { ...response, output: [{ type: "call" }] }, /\/output\/0/],
  "an item whose field is null": ["response", { ...response, output: [{ ...call, arguments: null }] }, /arguments/],
  "usage that is null": ["response", { ...response, usage: null }, /\/usage/],
  "an echoed function without a name": ["response", { ...response, tools: [{ type: "function" }] }, /'name'/],
  "an error of no code": ["response", { ...response, error: { code: "oops", message: "m" } }, /\/error/],
};
for (const [title, [kind, value, place]] of Object.entries(wrong)) {
  test(`a deviation: ${title}`, () => {
    const found = schemas.deviations(kind, value);
    assert.match(found.join("\n"), place);
  });
}

test("each row of the patch stands where the SDK says something else, and gives its reason", async () => {
  const definitions = await sdkDefinitions();
  // Making it asserts what the SDK has at each place.
  assert.ok(new Schemas(definitions, patch));
  const places = patch.map(({ at }) => at.join("/"));
  assert.equal(new Set(places).size, places.length);
  for (const { at, was, is, why } of patch) {
    assert.notDeepEqual(is, was, at.join("/"));
    assert.ok(why.length > 20, at.join("/"));
  }
});

test("without the patch our Response deviates, and only where the patch says", async () => {
  const bare = new Schemas(await sdkDefinitions(), []);
  const found = bare.deviations("response", response);
  assert.deepEqual(
    ["presence_penalty", "frequency_penalty", "store", "user"].filter((field) => !found.join().includes(field)),
    [],
  );
  assert.equal(found.length, 4);
});

test("what a door sends is judged without being asked for", async (t) => {
  const before = { ...counts };
  const door = await openTestDoor(t, () => says("Hello"));
  const stream = await door.ask({ input: "hi", stream: true });
  await stream.text();
  const whole = await door.ask({ input: "hi" });
  const { id } = (await whole.json()) as { readonly id: string };
  await (await fetch(`${door.address}/v1/responses/${id}/input_items`)).text();
  await (await fetch(`${door.address}/v1/models`)).text();
  await (await door.ask("{")).text();
  await door.close();
  const grown = Object.entries(counts).map(([kind, count]) => [kind, count - before[kind as keyof typeof counts]]);
  const expected = { event: 9, response: 1, items: 1, model: 1, tokens: 0, compacted: 0, error: 1, openResponses: 10 };
  assert.deepEqual(Object.fromEntries(grown), expected);
});
