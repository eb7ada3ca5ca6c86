/** Owns the test of where a text stops being JSON: V8 is asked whether it does, and where it knows, where. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { faultIn } from "../../src/http/json-fault.ts";

/** What V8 says against `text`; null where it is JSON. */
function complaint(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (thrown) {
    return String(thrown);
  }
}

const piece = fc.oneof(fc.constantFrom(..."{}[]\",:\\0-1.eE+tfn \n\t\u0001x'".split("")), fc.string({ maxLength: 3 }));

test("a text is faulty where V8 refuses it, at the place that V8 names", () => {
  const mutated = fc
    .tuple(fc.json({ maxDepth: 4 }), fc.nat(), fc.nat({ max: 3 }), piece)
    .map(([json, at, cut, put]) => {
      const start = at % (json.length + 1);
      return json.slice(0, start) + put + json.slice(start + cut);
    });
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.json(),
        fc.string(),
        fc.array(piece).map((list) => list.join("")),
      ),
      (text) => {
        const said = complaint(text);
        const fault = faultIn(text);
        assert.equal(fault === null, said === null, `${said}`);
        const position = / at position (\d+)/.exec(said ?? "")?.[1];
        if (position !== undefined) assert.equal(fault?.at, Number(position), `${said}`);
      },
    ),
    { numRuns: 5_000 },
  );
});

const cases: readonly (readonly [string, number, string])[] = [
  ["", 0, "a value"],
  ["{input: 1}", 1, "a name in double quotes or '}'"],
  ["{'a': 1}", 1, "a name in double quotes or '}'"],
  ['{"a":1,}', 7, "a name in double quotes"],
  ['{"a" 1}', 5, "':'"],
  ['{"a":1 "b":2}', 7, "',' or '}'"],
  ["[1 2]", 3, "',' or ']'"],
  ["[1,]", 3, "a value"],
  ["[nul]", 4, "'null'"],
  ["[-]", 2, "a digit"],
  ['"a\nb"', 2, "an escaped control character"],
  [String.raw`"\x"`, 2, String.raw`an escape such as \n or \\`],
  ['"a', 2, `the '"' that ends a text`],
  [String.raw`"\u12x"`, 5, String.raw`an escape such as \n or \\`],
  ["{} {}", 3, "the end"],
];

for (const [text, at, expected] of cases) {
  test(`${JSON.stringify(text)}: ${expected} at ${at}`, () => {
    const fault = faultIn(text);
    assert.equal(fault?.expected, expected);
    assert.notEqual(complaint(text), null);
    assert.equal(fault.at, at);
  });
}

test("a long text and a deep one are walked to their end", () => {
  const length = 4_000_000;
  assert.equal(faultIn(`{"a":"${"x".repeat(length)}"`)?.at, length + 7);
  assert.equal(faultIn("[".repeat(length))?.at, length);
  assert.equal(faultIn("7".repeat(length)), null);
});
