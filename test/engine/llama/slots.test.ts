/** Owns the tests of the choice of a slot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseSlot, commonPrefix } from "../../../src/engine/llama/slots.ts";

const slot = (
  name: string,
  tokens: readonly number[],
  used: number,
): { name: string; tokens: readonly number[]; used: number } => ({
  name,
  tokens,
  used,
});

test("the slot that has read most of the prompt is taken", () => {
  const slots = [slot("a", [1, 2], 1), slot("b", [1, 2, 3, 9], 3), slot("c", [], 0)];
  assert.equal(chooseSlot(slots, [1, 2, 3, 4])?.name, "b");
});

test("among equals the one that was not used for longest is taken", () => {
  const slots = [slot("a", [1, 5], 2), slot("b", [1, 6], 1), slot("c", [1, 7], 3)];
  assert.equal(chooseSlot(slots, [1, 2])?.name, "b");
  assert.equal(chooseSlot(slots, [8])?.name, "b");
});

test("without an idle slot there is none", () => {
  assert.equal(chooseSlot([], [1]), null);
});

test("the common prefix ends with the shorter text or at the first difference", () => {
  assert.equal(commonPrefix([1, 2, 3], [1, 2]), 2);
  assert.equal(commonPrefix([1, 2, 3], [1, 4, 3]), 1);
  assert.equal(commonPrefix([], []), 0);
});
