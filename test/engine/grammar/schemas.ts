/** Owns random JSON Schemas of what grammars can say: the words that OpenAI's strict subset, zod and MCP servers use. */
import fc from "fast-check";

export type Schema = Readonly<Record<string, unknown>>;

const names = ["a", "ab", "abc", "b", "kind", 'q"uote', "é", "line\nbreak", "", "back\\slash"];
const patterns = [
  "^[a-z]{2,5}$",
  "\\d+",
  "^(foo|bar)-[A-Z]?$",
  "^.+$",
  "^\\S+@\\S+$",
  "x|^y$",
  "^[^\\s/]*$",
  '^"\\\\?$',
  "^\\w+(?:\\.\\w+)*$",
  "^\\u00e9{2}",
];
export const formats = ["date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

const name = fc.constantFrom(...names);
const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

/** `fields` without those that are undefined. */
function withoutHoles(fields: Readonly<Record<string, unknown>>): Schema {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Two words for the ends of a range; either may be missing. */
function bounds(low: string, high: string, value: fc.Arbitrary<number>): fc.Arbitrary<Schema> {
  return fc
    .tuple(maybe(value), maybe(value))
    .map(([one, other]) =>
      withoutHoles(
        one !== undefined && other !== undefined
          ? { [low]: Math.min(one, other), [high]: Math.max(one, other) }
          : { [low]: one, [high]: other },
      ),
    );
}

const length = fc.nat({ max: 12 });
const string = fc
  .oneof(
    fc.constant({}),
    bounds("minLength", "maxLength", length),
    fc.constantFrom(...patterns).map((pattern) => ({ pattern })),
    fc.constantFrom(...formats).map((format) => ({ format })),
  )
  .map((words) => ({ type: "string", ...words }));
const whole = fc.oneof(fc.integer({ min: -30, max: 30 }), fc.integer(), fc.maxSafeInteger());
const integer = fc
  .oneof(bounds("minimum", "maximum", whole), bounds("minimum", "exclusiveMaximum", whole).map(apart))
  .map((words) => ({ type: "integer", ...words }));
const decimal = fc.oneof(
  whole,
  fc.integer({ min: -9999, max: 9999 }).map((value) => value / 100),
  fc.constantFrom(1e-7, 2.5e21, -1e30),
);
const number = fc
  .oneof(
    bounds("minimum", "maximum", decimal),
    bounds("exclusiveMinimum", "maximum", decimal).map(apart),
    bounds("exclusiveMinimum", "exclusiveMaximum", decimal).map(apart),
  )
  .map((words) => ({ type: "number", ...words }));

/** An open range that holds something. */
function apart(range: Schema): Schema {
  const [low, high] = Object.values(range);
  return low === high && low !== undefined ? {} : range;
}

const constant = fc.oneof(
  fc.string({ unit: fc.constantFrom(...Array.from('abz019 ~\\"/\n\té日')) }),
  fc.integer(),
  fc.constantFrom(null, true, 1.5, [1, {}], { a: [] }),
);
const scalar = fc.oneof(
  string,
  integer,
  number,
  fc.constantFrom({ type: "boolean" }, { type: "null" }, { type: ["string", "null"] }, { type: ["number", "boolean"] }),
  constant.map((value) => ({ const: value })),
  fc.uniqueArray(constant, { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
  fc.constant({ type: ["string", "null"], enum: ["a", 1, null] }),
  string.map((schema) => ({ ...schema, nullable: true })),
);

/** Members by name, and which of them are required. */
function members(node: fc.Arbitrary<Schema>, from: fc.Arbitrary<string> = name): fc.Arbitrary<Schema> {
  return fc.uniqueArray(fc.tuple(from, node, fc.boolean()), { maxLength: 4, selector: ([one]) => one }).map((all) => ({
    type: "object",
    properties: Object.fromEntries(all.map(([one, schema]) => [one, schema])),
    required: all.filter(([, , required]) => required).map(([one]) => one),
  }));
}

const choices = (node: fc.Arbitrary<Schema>): fc.Arbitrary<readonly Schema[]> =>
  fc.array(node, { minLength: 1, maxLength: 3 });
const tagged = (schema: Schema, tag: string): Schema => ({
  ...schema,
  properties: { ...(schema["properties"] as Schema), kind: { const: tag } },
  required: [...new Set([...(schema["required"] as readonly string[]), "kind"])],
});

const { node } = fc.letrec<{ node: Schema }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    { arbitrary: scalar, weight: 6 },
    {
      arbitrary: fc
        .tuple(members(tie("node")), maybe(fc.oneof(fc.boolean(), tie("node"))))
        .map(([schema, more]) => withoutHoles({ ...schema, additionalProperties: more })),
      weight: 4,
    },
    {
      arbitrary: fc
        .tuple(tie("node"), bounds("minItems", "maxItems", fc.nat({ max: 4 })))
        .map(([items, words]) => ({ type: "array", items, ...words })),
      weight: 3,
    },
    choices(tie("node")).map((anyOf) => ({ anyOf: [...anyOf, { type: "null" }] })),
    choices(members(tie("node"))).map((all) => ({ oneOf: all.map((schema, index) => tagged(schema, `k${index}`)) })),
    fc
      .tuple(members(tie("node"), fc.constantFrom("a", "b")), members(tie("node"), fc.constantFrom("c", "d")))
      .map((allOf) => ({ allOf })),
    fc
      .tuple(members(tie("node"), fc.constantFrom("a", "b", "c")), members(tie("node"), fc.constantFrom("d", "e")))
      .map(([own, other]) => ({ ...own, anyOf: [other, { required: ["f"] }] })),
    fc.constantFrom({ $ref: "#/$defs/leaf" }, { $ref: "#/$defs/tree" }, { $ref: "#/$defs/list", description: "x" }),
    members(tie("node"), fc.constantFrom("left", "a", "b")).map((schema) => ({ $ref: "#/$defs/named", ...schema })),
  ),
}));

const tree = {
  type: "object",
  properties: {
    left: { anyOf: [{ $ref: "#/$defs/tree" }, { type: "null" }] },
    rest: { type: "array", items: { $ref: "#/$defs/tree" }, maxItems: 2 },
    value: { $ref: "#/$defs/leaf" },
  },
  required: ["left", "value"],
  additionalProperties: false,
};
const list = {
  anyOf: [{ type: "null" }, { type: "array", items: { $ref: "#/$defs/list" }, minItems: 1, maxItems: 2 }],
};
const named = { type: "object", properties: { name: { type: "string", minLength: 1 } }, required: ["name"] };

/** A schema that stands alone, with what it refers to. */
export const schemas: fc.Arbitrary<Schema> = fc
  .tuple(node, scalar)
  .map(([schema, leaf]) => ({ ...schema, $defs: { leaf, tree, list, named } }));
