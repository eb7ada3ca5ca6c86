/** Owns the tests of values against schemas: ajv says what is right. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { misfit } from "../../src/spec/fits.ts";

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(0.5, "", "a", "ab", "xyz"),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { maxKeys: 3 }),
  ),
}));

const count = fc.integer({ min: 0, max: 3 });
const { schema } = fc.letrec<{ schema: object; leaf: object }>((tie) => ({
  leaf: fc.oneof(
    fc.constant({}),
    fc.record({ type: fc.constantFrom("string", "number", "integer", "boolean", "null", "array", "object") }),
    fc.record({ type: fc.subarray(["string", "integer", "null", "array"], { minLength: 1 }) }),
    fc.record({ enum: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
    fc.record({ const: scalar }),
    fc.record({ minimum: count, exclusiveMaximum: count }, { requiredKeys: [] }),
    fc.record(
      { maximum: count, exclusiveMinimum: count, multipleOf: fc.constantFrom(1, 2, 0.5) },
      { requiredKeys: [] },
    ),
    fc.record({ minLength: count, maxLength: count, minItems: count, maxItems: count }, { requiredKeys: [] }),
    fc.record({ minProperties: count, maxProperties: count }, { requiredKeys: [] }),
    fc.constant({ $ref: "#/$defs/inner" }),
  ),
  schema: fc.oneof(
    { maxDepth: 3 },
    tie("leaf"),
    fc.record(
      { items: tie("schema"), prefixItems: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }) },
      { requiredKeys: ["items"] },
    ),
    fc.record(
      {
        properties: fc.dictionary(fc.constantFrom("a", "b"), tie("schema")),
        required: fc.subarray(["a", "b"]),
        additionalProperties: fc.oneof(fc.boolean(), tie("schema")),
      },
      { requiredKeys: [] },
    ),
    fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ oneOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
    fc.record(
      { allOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }), not: tie("schema") },
      { requiredKeys: ["allOf"] },
    ),
  ),
}));

/** ajv's verdict; null where the code breaks that it makes: it forgets to declare what it tracks for some sums of choices. */
function verdict(whole: object, given: unknown): boolean | null {
  try {
    return new Ajv2020({ strict: false, allErrors: false }).validate(whole, given);
  } catch (thrown) {
    if (thrown instanceof ReferenceError) return null;
    throw thrown;
  }
}

test("it says what ajv says", () => {
  const inner = fc.constantFrom(
    { type: "integer" },
    { enum: ["a", 1] },
    { properties: { a: { $ref: "#/$defs/inner" } }, type: "object" },
  );
  fc.assert(
    fc.property(schema, inner, value, (root, $defs, given) => {
      const whole = { ...root, $defs: { inner: $defs } };
      const fits = verdict(whole, given);
      fc.pre(fits !== null);
      assert.equal(misfit(given, whole) === null, fits, JSON.stringify([whole, given, misfit(given, whole)]));
    }),
    { numRuns: 400 },
  );
});

test("the problem has its place, for people and models", () => {
  const trip = {
    type: "object",
    properties: { days: { type: "integer", minimum: 1 }, cities: { type: "array", items: { enum: ["Rome", "Oslo"] } } },
    required: ["days", "cities"],
    additionalProperties: false,
  };
  const told: readonly (readonly [unknown, string | null])[] = [
    [{ days: 1, cities: [] }, null],
    ["Rome", "the answer must be an object"],
    [{ cities: [] }, 'the answer must have "days"'],
    [{ days: "2", cities: [] }, "/days must be an integer"],
    [{ days: 0, cities: [] }, "/days must be at least 1"],
    [{ days: 1, cities: ["Oslo", "Bonn"] }, '/cities/1 must be one of ["Rome","Oslo"]'],
    [{ days: 1, cities: [], more: 1 }, "/more must not be there"],
  ];
  for (const [given, words] of told) assert.equal(misfit(given, trip), words);
});

test("what many schemas ask of long texts is bounded, and counted in characters", () => {
  assert.match(misfit("👍👍", { minLength: 3 }) ?? "", /at least 3/);
  assert.equal(misfit("👍👍", { maxLength: 2 }), null);
  const long = "x".repeat(1_000_000);
  assert.equal(misfit(long, { allOf: [...Array.from({ length: 50_000 }, () => ({ minLength: 1 })), false] }), null);
  const choices = Array.from({ length: 5_000 }, (_, at) => at);
  assert.equal(
    misfit("a", { allOf: [...Array.from({ length: 100 }, () => ({ not: { enum: choices } })), false] }),
    null,
  );
});

test("what takes for ever, and what only an expression could tell, counts as fitting", () => {
  const doubled = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [
      `d${at}`,
      { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
    ]),
  );
  const schemas = [
    { $ref: "#/$defs/d0", $defs: { ...doubled, d40: { type: "string" } } },
    { $ref: "#" },
    { anyOf: [{ $ref: "#" }, { $ref: "#" }] },
    { type: "string", pattern: "^(a+)+$" },
    { $ref: "https://example.org/schema" },
  ];
  for (const whole of schemas) assert.equal(misfit("aaaaaaaaaaaaaaaaaaaaaaaaaaaaab", whole), null);
  assert.notEqual(misfit(1, { type: "string", pattern: "a" }), null);
});

test("a wrong leaf deep inside of choices is found", () => {
  const node = { type: "object", properties: { c: { $ref: "#/$defs/node" } }, required: ["c"] };
  const schema = {
    $ref: "#/$defs/choice",
    $defs: { choice: { anyOf: [{ type: "string" }, node] }, node: { $ref: "#/$defs/choice" } },
  };
  let value: unknown = 1;
  for (let depth = 0; depth < 20; depth += 1) value = { c: value };
  assert.notEqual(misfit(value, schema), null);
});
