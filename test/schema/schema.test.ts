/** Owns the tests of the schemas themselves: they refuse what they should, and the patch says no more than it must. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newResponse } from "../../src/spec/response.ts";
import { openTestDoor, says } from "../http/door.ts";
import { sdkDefinitions } from "./generate.ts";
import { counts } from "./lawful.ts";
import { patch } from "./patch.ts";
import { type Kind, Schemas, schemas } from "./schemas.ts";

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
  // Making it asserts what the SDK has at each place.
  assert.ok(new Schemas(await sdkDefinitions(), patch));
  const places = patch.map(({ at }) => at.join("/"));
  assert.equal(new Set(places).size, places.length);
  for (const { at, was, is, why } of patch) {
    assert.notDeepEqual(is, was, at.join("/"));
    assert.ok(why.length > 20, at.join("/"));
  }
});

/** What each row of the patch is for. */
const logprob = { token: "a", logprob: -1, bytes: [97], top_logprobs: [{ token: "a", logprob: -1, bytes: [97] }] };
const { delta: said, ...place } = delta;
const done = { ...place, type: "response.output_text.done", text: said };
const args = { sequence_number: 1, item_id: "fc_1", output_index: 0, arguments: "{}", name: "f" };
const samples: readonly (readonly [Kind, unknown])[] = [
  ["response", response],
  ["response", { ...response, tools: [{ type: "from_the_future", data: 1 }] }],
  ["response", { ...response, tool_choice: { type: "web_search" } }],
  ["response", { ...response, error: { code: "context_length_exceeded", message: "m" } }],
  ["response", { ...response, output: [{ ...call, encrypted_function_args: [] }] }],
  ["response", { ...response, output: [custom] }],
  ["event", { ...delta, logprobs: [logprob] }],
  ["event", { ...done, logprobs: [logprob] }],
  ["event", { ...args, type: "response.function_call_arguments.done" }],
  ["items", { object: "list", data: [], first_id: null, last_id: null, has_more: false }],
  ["items", { object: "list", data: [{ id: "x", type: "odd" }], first_id: "x", last_id: "x", has_more: false }],
];
const bare = await sdkDefinitions();

for (const row of patch) {
  test(`the patch is needed: ${row.at.join("/")}`, () => {
    const without = new Schemas(
      bare,
      patch.filter((other) => other !== row),
    );
    assert.ok(samples.some(([kind, value]) => without.deviations(kind, value).length > 0));
  });
}

test("nothing that the patch is for deviates", () => {
  assert.deepEqual(
    samples.flatMap(([kind, value]) => schemas.deviations(kind, value)),
    [],
  );
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
