/** Owns the tests of repair: what is mended, and above all what is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { repairJson } from "../../src/turn/repair.ts";

const mended: readonly (readonly [string, string, unknown])[] = [
  ["single quotes", "{'a': 'it''s'}", { a: "it''s" }],
  ["an apostrophe in single quotes", "{'a': 'it's fine'}", { a: "it's fine" }],
  ["typographic quotes", "{\u201Ca\u201D: \u201Cb\u201D}", { a: "b" }],
  ["bare keys", "{a: 1, b-c: 2}", { a: 1, "b-c": 2 }],
  ["a comma too many", '{"a": [1, 2, ], }', { a: [1, 2] }],
  ["a comma too few", '{"a": 1 "b": 2}', { a: 1, b: 2 }],
  ["a fence", '```json\n{"a": 1}\n```', { a: 1 }],
  ["raw line breaks and tabs", '{"a": "one\ntwo\tthree"}', { a: "one\ntwo\tthree" }],
  ["words of Python", '{"a": True, "b": None, "c": False}', { a: true, b: null, c: false }],
  ["escapes that JSON does not know", String.raw`{"a": "\d+\.\w"}`, { a: String.raw`\d+\.\w` }],
  ["other control characters", '{"a": "\u0001"}', { a: "\u0001" }],
];

for (const [what, text, value] of mended) {
  test(`mends ${what}`, () => assert.deepEqual(JSON.parse(repairJson(text) ?? "null"), value));
}

for (const text of [
  "",
  "{",
  '{"a": "b',
  '{"a": [1}',
  '{"a": 1',
  '{"a" 1}',
  '{"a": 01}',
  '{"a": nothing}',
  '{"a": 1} and',
  '{"a":1}}',
]) {
  test(`leaves ${JSON.stringify(text)} alone`, () => assert.equal(repairJson(text), null));
}

const anyObject = fc.dictionary(fc.string(), fc.jsonValue());

test("a fence is found at once, whatever is in it", () => {
  const blank = " \n".repeat(500_000);
  assert.equal(repairJson(`\`\`\`json${blank}{"a":1}${blank}\`\`\``), '{"a":1}');
  assert.equal(repairJson(`\`\`\`json${blank}x`), null);
});

test("what is JSON keeps its value", () => {
  fc.assert(
    fc.property(anyObject, fc.nat(4), (value, indent) => {
      assert.deepEqual(
        JSON.parse(repairJson(JSON.stringify(value, null, indent)) ?? ""),
        JSON.parse(JSON.stringify(value)),
      );
    }),
  );
});

test("an object that was cut anywhere is never finished", () => {
  fc.assert(
    fc.property(anyObject, fc.nat(), (value, cut) => {
      const text = JSON.stringify(value);
      assert.equal(repairJson(text.slice(0, cut % text.length)), null);
    }),
    { numRuns: 2000 },
  );
});

test("whatever the text: it ends, and what comes out parses", () => {
  const pieces = fc.constantFrom("{", "}", "[", "]", ",", ":", '"', "'", "\\", "\n", "a", "1", "True", "```", " ");
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const repaired = repairJson(parts.join(""));
      if (repaired !== null) JSON.parse(repaired);
    }),
    { numRuns: 5000 },
  );
});
