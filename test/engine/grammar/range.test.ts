/** Owns the tests of what schemas say of single values - bounds, formats, names of members - with llama.cpp as the judge. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RuleBook } from "../../../src/engine/grammar/rules.ts";
import { dump } from "../../../src/engine/grammar/notations.ts";
import { schemaExpression } from "../../../src/engine/grammar/schema.ts";
import { formatChecks } from "./formats.ts";
import { judge } from "./judge.ts";

function accepting(schema: unknown): Promise<(text: string) => boolean> {
  const rules = new RuleBook();
  const root = schemaExpression(schema, rules);
  return judge(`root ::= ${root}\n${rules.toString()}`);
}

const hundredths = fc.integer({ min: -3_000, max: 3_000 }).map((value) => value / 100);
const near = fc.oneof(hundredths, fc.integer({ min: -30, max: 30 }), fc.maxSafeInteger());
const words = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] as const;
const bounds = fc.dictionary(fc.constantFrom(...words), near);

function isWithin(value: number, schema: Readonly<Record<string, number>>): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
  return minimum <= value && value <= maximum && exclusiveMinimum < value && value < exclusiveMaximum;
}

for (const type of ["integer", "number"] as const) {
  test(`${type}s between bounds are written, others are not`, async () => {
    const value = type === "integer" ? near.map(Math.round) : near;
    await fc.assert(
      fc.asyncProperty(bounds, fc.array(value, { minLength: 1 }), async (schema, values) => {
        const step = type === "integer" ? 1 : 0.01;
        const ends = Object.values(schema).flatMap((end) =>
          [end - step, end, end + step].map((one) => Number(one.toFixed(2))),
        );
        const all = [...values, ...(type === "integer" ? ends.map(Math.round) : ends)].map((one) => one + 0);
        // Where nothing fits there is nothing to write, and any number of the type is.
        fc.pre(all.some((one) => isWithin(one, schema)));
        const accepts = await accepting({ type, ...schema });
        for (const one of all)
          assert.equal(accepts(String(one)), isWithin(one, schema), `${one} in ${JSON.stringify(schema)}`);
      }),
      { numRuns: 150 },
    );
  });
}

test("bounds as OpenAPI 3.0 has them, very small and very large ones, and none that fits", async () => {
  const open = await accepting({ type: "number", minimum: 0, exclusiveMinimum: true });
  assert.ok(open("0.001") && open("7") && !open("0") && !open("0.0") && !open("-1"));
  const tiny = await accepting({ type: "number", minimum: 1e-7, maximum: 2.5e21 });
  assert.ok(
    tiny("0.0000001") && tiny("2500000000000000000000") && !tiny("0.00000009") && !tiny("2500000000000000000000.1"),
  );
  for (const impossible of [{ minimum: 2, maximum: 1 }, { minimum: 1e300 }]) {
    assert.ok((await accepting({ type: "integer", ...impossible }))("5"));
  }
  const huge = await accepting({ type: "number", maximum: 1e300, minimum: -1e300 });
  assert.ok(huge("5") && huge("-123456789.5"));
});

const examples: Readonly<Record<string, { readonly good: readonly string[]; readonly bad: readonly string[] }>> = {
  "date-time": {
    good: ["2026-11-23T13:18:51Z", "2024-02-29T23:59:59.999+05:30"],
    bad: ["2026-11-23", "2026-11-23T24:00:00Z"],
  },
  date: { good: ["2000-02-29", "2026-12-31"], bad: ["1900-02-29", "2026-04-31", "2026-13-01", "26-01-01"] },
  time: { good: ["00:00:00Z", "09:30:00.5-08:00"], bad: ["9:30", "09:30:00", "09:60:00Z"] },
  duration: { good: ["P3D", "P1Y2M3DT4H5M6S", "PT0S", "P4W"], bad: ["P", "P1DT", "P1Y1D", "3D"] },
  email: { good: ["a@b.org", "first.last+tag@mail.example.com"], bad: ["a@", "@b.org", "a b@c.org", "a@-b.org"] },
  hostname: { good: ["localhost", "a-b.example.com"], bad: ["", "-a.org", "a_b", "a..b"] },
  ipv4: { good: ["0.0.0.0", "192.168.255.1"], bad: ["256.1.1.1", "1.2.3", "01.2.3.4"] },
  ipv6: { good: ["::", "::1", "fe80::1:2", "1:2:3:4:5:6:7:8", "1::"], bad: ["1:2", ":::", "1::2::3", "12345::"] },
  uuid: { good: ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"], bad: ["6ba7b8109dad11d180b400c04fd430c8", ""] },
};

for (const [format, { good, bad }] of Object.entries(examples)) {
  test(`format: ${format}`, async () => {
    const accepts = await accepting({ format });
    for (const text of good) assert.ok(accepts(dump(text)) && formatChecks[format]?.(text), `refused ${text}`);
    for (const text of bad) assert.ok(!accepts(dump(text)) && !formatChecks[format]?.(text), `accepted ${text}`);
  });
}

test("a further member is none of those that are named, however it is spelled", async () => {
  const properties = {
    a: { type: "integer" },
    ab: { type: "integer" },
    "": { type: "integer" },
    'q"': { type: "integer" },
  };
  const accepts = await accepting({ type: "object", properties, additionalProperties: { type: "string" } });
  for (const name of ["b", "abc", "aa", "q", "é", "x\n"]) assert.ok(accepts(dump({ [name]: "x" })), name);
  for (const name of Object.keys(properties)) {
    assert.ok(accepts(dump({ [name]: 1 })), name);
    assert.ok(!accepts(dump({ [name]: "x" })), name);
    assert.ok(!accepts(dump({ [name]: 1, zz: "x" }).replace("zz", JSON.stringify(name).slice(1, -1))), name);
  }
  assert.ok(!accepts(String.raw`{"\u0061": "x"}`) && !accepts(String.raw`{"a\u0062": "x"}`));
});

test("a character in a string is a whole one, and counts as one", async () => {
  const accepts = await accepting({ type: "string", minLength: 2, maxLength: 2 });
  assert.ok(accepts('"🙂é"') && accepts(String.raw`"\ud83d\ude42\u00e9"`));
  assert.ok(!accepts(String.raw`"\ud83d\ude42"`) && !accepts(String.raw`"\ud83da"`) && !accepts(String.raw`"a\ude42"`));
});

test("null where OpenAPI says nullable, and values of the named type only", async () => {
  const nullable = await accepting({ allOf: [{ type: "string", nullable: true }, { minLength: 1 }] });
  assert.ok(nullable("null") && nullable('"a"') && !nullable('""'));
  const both = await accepting({ allOf: [{ type: "string", nullable: true }, { type: "string" }] });
  assert.ok(both('"a"') && !both("null"));
  const typed = await accepting({ type: ["string", "null"], enum: ["a", 1, null] });
  assert.ok(typed("null") && typed('"a"') && !typed("1"));
});
