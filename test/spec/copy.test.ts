/** Owns the tests of copying JSON. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { copyOf } from "../../src/spec/copy.ts";

test("a copy is equal, and shares nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const copy = copyOf(value);
      assert.deepEqual(copy, value);
      assert.equal(shares(copy, value), false);
    }),
  );
});

test("a field named __proto__ stays a field", () => {
  const copy = copyOf<unknown>(JSON.parse('{"__proto__": {"admin": true}}'));
  assert.equal(JSON.stringify(copy), '{"__proto__":{"admin":true}}');
  assert.equal(Object.getPrototypeOf(copy), Object.prototype);
});

/** Whether any object of `one` is the very one that stands in the same place of `other`. */
function shares(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || one === null) return false;
  const fields = Object.values(other as object);
  return one === other || Object.values(one).some((field, at) => shares(field, fields[at]));
}
