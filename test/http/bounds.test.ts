/** Owns the test of the bounds of a request: what is just within each is answered, what is just beyond is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../src/limits.ts";
import { ask, functions, many, schema } from "./bad.ts";
import { errorOf, fitting, openTestDoor, says, send } from "./door.ts";

const named = (length: number): object => ask({ tools: [{ type: "function", name: "n".repeat(length) }] });
const format = (length: number): object =>
  ask({ text: { format: { type: "json_schema", name: "n".repeat(length), schema: {} } } });
const chain = (levels: number): object =>
  Array.from({ length: levels }).reduce<object>((inner) => ({ not: inner }), {});
/** An object around lists, `levels` deep in all. */
const deep = (levels: number): string => `{"input":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
const values = (count: number): string => `{"input":"hi","x":[${"0,".repeat(count - 4)}0]}`;
const sized = (bytes: number): string => '{"input":"hi"}'.padEnd(bytes);

/** A body of a size, and the largest size that is answered. */
const bounds: readonly (readonly [what: string, most: number, body: (size: number) => object | string])[] = [
  ["bytes of a body", limits.bodyBytes, sized],
  ["levels of a body", limits.jsonDepth, deep],
  ["values in a body", limits.jsonValues, values],
  ["items of input", limits.inputItems, (size) => ({ input: Array.from({ length: size }, () => 0) })],
  ["pairs of metadata", 16, (size) => ask({ metadata: many(size) })],
  ["characters of a name in metadata", 64, (size) => ask({ metadata: { ["n".repeat(size)]: "" } })],
  ["characters of a text in metadata", 512, (size) => ask({ metadata: { a: "x".repeat(size) } })],
  ["tools", limits.tools, (size) => ask({ tools: functions(size) })],
  ["tools of a namespace", limits.tools - 1, (size) => ask({ tools: [{ type: "namespace", tools: functions(size) }] })],
  ["characters of a tool's name", limits.toolNameChars, named],
  ["characters of a format's name", 64, format],
  ["levels of a schema", limits.schemaDepth, (size) => schema(chain(size))],
  // The schema itself and the list take two.
  ["values in a schema", limits.schemaValues - 2, (size) => schema({ enum: Array.from({ length: size }, () => 0) })],
];

for (const [what, most, body] of bounds) {
  test(`${what}: ${most} are answered, one more is refused`, async (t) => {
    const door = await openTestDoor(t, fitting);
    const statusOf = async (size: number): Promise<number> => (await door.ask(body(size))).status;
    assert.equal(await statusOf(most), 200);
    assert.equal(await statusOf(most + 1), most === limits.bodyBytes ? 413 : 400);
    assert.deepEqual(door.complaints, []);
  });
}

const long = "\u{1F600}".repeat(500_000);
const echoes: readonly (readonly [string, object, RegExp])[] = [
  ["a name in metadata", ask({ metadata: { [long]: "v" } }), /at most 64 characters\.$/],
  ["a property of a schema", schema({ properties: { [long]: 7 } }), /must be an object or a boolean\.$/],
  ["a type in a schema", schema({ type: long }), /known are array, .*string\.$/],
  ["a chosen tool", ask({ tool_choice: { type: "function", name: long } }), /use "auto"\.$/],
  ["a previous response", ask({ previous_response_id: long }), /as 'input' instead\.$/],
];

for (const [what, body, says_] of echoes) {
  test(`an error does not repeat a long text that was sent, and still says what to do: ${what}`, async (t) => {
    const door = await openTestDoor(t, () => says("ok"));
    const answer = await send(door, "/v1/responses", { method: "POST", body: JSON.stringify(body) });
    assert.equal(answer.status, 400);
    assert.ok(answer.body.length < 3 * limits.errorChars, String(answer.body.length));
    assert.match((await errorOf(answer)).message, says_);
    assert.ok(!/[\ud800-\udfff]/u.test(answer.body) && !/\\ud[89a-f]/.test(answer.body), "half a character");
  });
}
