/** Owns the tests of grammars against llama.cpp itself: what fits a schema is accepted, what does not is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { literal, RuleBook, textUntil } from "../../../src/engine/grammar/rules.ts";
import { dump } from "../../../src/engine/grammar/notations.ts";
import { schemaExpression } from "../../../src/engine/grammar/schema.ts";
import { judge } from "./judge.ts";

function schemaGrammar(schema: unknown): string {
  const rules = new RuleBook();
  const root = schemaExpression(schema, rules);
  return `root ::= ${root}\n${rules.toString()}`;
}

interface Example {
  readonly schema: unknown;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

const any = [null, true, -1.5e3, 'é"\\\n', [], [1, ["a"]], {}, { a: { b: [] } }];

const examples: Readonly<Record<string, Example>> = {
  "no schema": { schema: undefined, good: any, bad: [] },
  true: { schema: true, good: any, bad: [] },
  "any object": { schema: { type: "object" }, good: [{}, { a: [1] }], bad: [[], 1, "a"] },
  scalars: {
    schema: { type: "array", items: { type: ["integer", "boolean", "null"] } },
    good: [[1, true, null], [], [-20, 0, false]],
    bad: [[1.5], ["a"], [{}]],
  },
  numbers: { schema: { type: "number" }, good: [0, -1, 1.25, 1e21, -3e-7], bad: ["1", null] },
  "numbers from zero": { schema: { type: "integer", minimum: 0 }, good: [0, 17], bad: [-1, 0.5] },
  "members in their order, optional ones left out": {
    schema: {
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "integer" }, c: { type: "integer" }, d: { type: "integer" } },
      required: ["b"],
    },
    good: [{ b: 1 }, { a: 1, b: 2 }, { b: 1, d: 2 }, { a: 1, b: 1, c: 1, d: 1 }],
    bad: [{}, { a: 1 }, { b: 1, a: 1 }, { b: 1, e: 1 }, { b: "1" }, { b: 1, c: null }],
  },
  "only optional members": {
    schema: { type: "object", properties: { a: { type: "null" }, b: { type: "null" } } },
    good: [{}, { a: null }, { b: null }, { a: null, b: null }],
    bad: [{ c: null }],
  },
  "further members": {
    schema: { type: "object", properties: { a: { const: 1 } }, additionalProperties: { type: "string" } },
    good: [{}, { a: 1 }, { a: 1, x: "y", z: "" }, { x: "y" }],
    bad: [{ a: 1, x: 2 }],
  },
  "a map": {
    schema: { type: "object", additionalProperties: { type: "integer" } },
    good: [{}, { x: 1, y: 2 }],
    bad: [{ x: "1" }],
  },
  "no members": {
    schema: { type: "object", properties: {}, additionalProperties: false },
    good: [{}],
    bad: [{ a: 1 }],
  },
  "enum and const": {
    schema: { type: "object", properties: { a: { enum: ["x", 1, null, { k: [1, 2] }] }, b: { const: 'q"\\' } } },
    good: [{ a: "x", b: 'q"\\' }, { a: 1 }, { a: null }, { a: { k: [1, 2] } }],
    bad: [{ a: "y" }, { b: "q" }],
  },
  anyOf: {
    schema: {
      anyOf: [{ type: "string" }, { type: "object", properties: { a: { type: "boolean" } }, required: ["a"] }],
    },
    good: ["a", { a: true }],
    bad: [1, {}, null],
  },
  allOf: {
    schema: {
      allOf: [
        { type: "object", properties: { a: { type: "integer" } }, required: ["a"] },
        { properties: { b: { type: "string" } }, required: ["b"] },
      ],
    },
    good: [{ a: 1, b: "x" }],
    bad: [{ a: 1 }, { b: "x" }],
  },
  "an empty list of types": {
    schema: { type: "object", properties: { a: { type: [] } }, required: ["a"] },
    good: [{ a: 1 }, { a: {} }],
    bad: [{}],
  },
  "choices beside members of their own": {
    schema: {
      type: "object",
      properties: { a: { type: "integer" } },
      required: ["a"],
      anyOf: [
        { properties: { b: { const: 1 } }, required: ["b"] },
        { properties: { c: { const: 2 } }, required: ["c"] },
      ],
    },
    good: [
      { a: 1, b: 1 },
      { a: 1, c: 2 },
    ],
    bad: [{ b: 1 }, { a: 1 }, { a: 1, b: 1, c: 2 }, "a"],
  },
  "a sum with a reference": {
    schema: {
      $defs: { base: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] } },
      allOf: [{ $ref: "#/$defs/base" }, { properties: { b: { type: "string" } }, required: ["b"] }],
    },
    good: [{ a: 1, b: "x" }],
    bad: [{ a: 1 }, { b: "x" }],
  },
  "a reference and more beside it": {
    schema: {
      $defs: { base: { type: ["object", "null"], properties: { a: { type: "number" } } } },
      $ref: "#/$defs/base",
      description: "x",
      type: "object",
      properties: { a: { type: "integer", minimum: 0 } },
      required: ["a"],
    },
    good: [{ a: 1 }],
    bad: [{}, { a: -1 }, { a: 1.5 }, null],
  },
  "sums that refer to themselves": {
    schema: {
      $defs: {
        node: {
          type: "object",
          properties: { left: { $ref: "#/$defs/node", required: ["v"] }, v: { type: "integer" } },
          allOf: [{ $ref: "#/$defs/node" }],
        },
      },
      $ref: "#/$defs/node",
    },
    good: [{}, { v: 1 }, { left: { left: { v: 1 }, v: 2 } }],
    bad: [{ left: {} }, { left: { left: {}, v: 1 } }],
  },
  "sums of choices": {
    schema: {
      allOf: [
        { anyOf: [{ type: "integer" }, { type: "string" }, { type: "null" }] },
        { anyOf: [{ type: "number" }, { type: "null" }] },
      ],
    },
    good: [1, null],
    bad: [1.5],
  },
  "sums of more choices than a grammar can hold": {
    schema: {
      allOf: Array.from({ length: 40 }, (_, list) => ({
        anyOf: Array.from({ length: 10 }, (_, choice) => ({ required: [`a${list}${choice}`] })),
      })),
      type: "object",
    },
    good: [{ a00: 1, a10: 2 }],
    bad: [{ b: 1 }, 1],
  },
  "more members than a grammar can hold": {
    schema: { type: "object", required: Array.from({ length: 50_000 }, (_, index) => `r${index}`) },
    good: [{ a: 1 }],
    bad: [[]],
  },
  "required members of which nothing is said": {
    schema: {
      type: "object",
      properties: { a: { type: "integer" } },
      required: ["a", "b"],
      additionalProperties: false,
    },
    good: [{ a: 1, b: [true] }],
    bad: [{ a: 1 }, { b: 1 }, { a: 1, b: 1, c: 1 }],
  },
  "required members of any object": {
    schema: { type: "object", required: ["a"] },
    good: [{ a: 1 }, { a: null, b: 1 }],
    bad: [{}, { b: 1 }],
  },
  "references, recursive too": {
    schema: {
      $defs: {
        "a/b": { type: "object", properties: { next: { anyOf: [{ $ref: "#/$defs/a~1b" }, { type: "null" }] } } },
      },
      $ref: "#/$defs/a~1b",
    },
    good: [{}, { next: null }, { next: { next: { next: null } } }],
    bad: [{ next: 1 }, null],
  },
  "a reference to itself, and to nothing": {
    schema: { type: "array", items: { $ref: "#/nowhere" }, $defs: { x: { $ref: "#/$defs/x" } } },
    good: [[], any],
    bad: [{}],
  },
  "bounded arrays": {
    schema: { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 3 },
    good: [
      [1, 2],
      [1, 2, 3],
    ],
    bad: [[], [1], [1, 2, 3, 4]],
  },
  "empty arrays": { schema: { type: "array", items: {}, maxItems: 0 }, good: [[]], bad: [[1]] },
  "bounded strings": {
    schema: { type: "string", minLength: 2, maxLength: 3 },
    good: ["ab", "äöü", '\n"'],
    bad: ["a", "abcd"],
  },
  "bounds too wide for a grammar": {
    schema: { type: "string", maxLength: 1_000_000 },
    good: ["", "a".repeat(3000)],
    bad: [1],
  },
  "types that are not named": {
    schema: { properties: { a: { items: { minLength: 1 } } }, required: ["a"] },
    good: [{ a: ["x"] }],
    bad: [{ a: [""] }, { a: 1 }, []],
  },
};

for (const [name, { schema, good, bad }] of Object.entries(examples)) {
  test(`schema: ${name}`, async () => {
    const accepts = await judge(schemaGrammar(schema));
    for (const value of good) assert.ok(accepts(dump(value)), `refused ${dump(value)}`);
    for (const value of bad) assert.ok(!accepts(dump(value)), `accepted ${dump(value)}`);
    for (const text of ["", " {}", "{} ", '{"a":1}', "{", "01", '"\n"']) assert.ok(!accepts(text), `accepted ${text}`);
  });
}

/** A schema with a value that fits it. */
interface Fitting {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

const fitting = fc.letrec<{ node: Fitting }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.string({ unit: "grapheme" }).map((value) => ({ schema: { type: "string" }, value })),
    fc.integer().map((value) => ({ schema: { type: "integer" }, value })),
    fc.jsonValue({ maxDepth: 1 }).map((value) => ({ schema: {}, value: JSON.parse(JSON.stringify(value)) as unknown })),
    fc.array(tie("node"), { maxLength: 3 }).map((nodes) => ({
      schema: { type: "array", items: { anyOf: [...nodes.map(({ schema }) => schema), { type: "null" }] } },
      value: nodes.map(({ value }) => value),
    })),
    fc
      .array(fc.tuple(fc.string({ minLength: 1 }), tie("node"), fc.boolean(), fc.boolean()), { maxLength: 4 })
      .map((members) => new Map(members.map((member) => [`k${member[0]}`, member])))
      .map((members) => {
        const all = [...members];
        return {
          schema: {
            type: "object",
            properties: Object.fromEntries(all.map(([name, [, node]]) => [name, node.schema])),
            required: all.filter(([, [, , required]]) => required).map(([name]) => name),
          },
          value: Object.fromEntries(
            all.filter(([, [, , required, there]]) => required || there).map(([name, [, node]]) => [name, node.value]),
          ),
        };
      }),
  ),
})).node;

test("whatever fits a schema can be written", async () => {
  await fc.assert(
    fc.asyncProperty(fitting, async ({ schema, value }) => {
      const accepts = await judge(schemaGrammar(schema));
      assert.ok(accepts(dump(value)), `${JSON.stringify(schema)} refuses ${dump(value)}`);
    }),
    {
      numRuns: 200,
      examples: [1e16, 2 ** 63, -1e20].map((value): [Fitting] => [{ schema: { type: "integer" }, value }]),
    },
  );
});

test("literals are what they spell", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", minLength: 1 }), async (text) => {
      fc.pre(!text.includes("\0"));
      assert.ok((await judge(`root ::= ${literal(text)}\n`))(text));
    }),
  );
});

test("text until a mark ends with its first occurrence", async () => {
  const rules = new RuleBook();
  const accepts = await judge(`root ::= ${textUntil("</think>", rules.add("end", '"!"'), rules)}\n${rules.toString()}`);
  for (const text of ["", "a", "<", "</", "</think", "<</think", "a</thin</thi\n"]) {
    assert.ok(accepts(`${text}</think>!`), text);
    assert.ok(!accepts(`${text}!`), text);
  }
  assert.ok(!accepts("</think></think>!"));
});
