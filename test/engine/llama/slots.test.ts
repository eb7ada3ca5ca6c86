/** Owns the tests of the choice of a slot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../src/limits.ts";
import { chooseSlot, commonPrefix, type Slot, Threads } from "../../../src/engine/llama/slots.ts";

interface Named extends Slot {
  readonly name: string;
}

/** A slot whose last answer was one token, 0. */
function slot(name: string, prompt: readonly number[], used: number, affinity: string | null = null): Named {
  return { name, tokens: prompt.length === 0 ? [] : [...prompt, 0], prompt: prompt.length, used, affinity };
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);
const instructions = range(1000, 200);
const one = [...instructions, ...range(2000, 60)];
const other = [...instructions, ...range(3000, 60)];

function chosen(
  slots: readonly Named[],
  prompt: readonly number[],
  affinity: string | null = null,
): string | undefined {
  return chooseSlot(slots, { prompt, affinity })?.name;
}

test("the slot that holds the thread is taken", () => {
  const slots = [slot("a", other, 2), slot("b", one, 1), slot("c", [], 0)];
  assert.equal(chosen(slots, [...one, 7, 8, 9]), "b");
  assert.equal(chosen(slots, [...other, 7, 8, 9]), "a");
  assert.equal(chosen(slots, [...one.slice(0, -3), 7, 8, 9]), "b", "a prompt ends with marks that do not stay");
});

test("of two that hold it, the one that has read more is taken", () => {
  const slots = [slot("a", instructions, 2), slot("b", one, 1), slot("c", instructions, 0)];
  assert.equal(chosen(slots, [...one, 7]), "b");
});

test("a slot of another thread with the same instructions is left alone while another is empty or older", () => {
  assert.equal(chosen([slot("a", one, 2), slot("b", [], 0)], other), "b");
  assert.equal(chosen([slot("a", one, 2), slot("b", [5], 1)], other), "b");
  assert.equal(chosen([slot("a", one, 2, "t1"), slot("b", [], 0)], other, "t2"), "b");
  assert.equal(chosen([slot("a", one, 1), slot("b", [], 2)], other), "b", "an empty one before an old one");
});

test("the client's own thread is gone on with where its end was changed, but not where little of it stays", () => {
  const slots = [slot("a", one, 2, "t1"), slot("b", [], 0)];
  assert.equal(chosen(slots, other, "t1"), "a");
  assert.equal(chosen(slots, [...instructions.slice(0, 50), 1], "t1"), "b");
});

test("a short prompt does not take the slot of a long answer that begins alike", () => {
  const slots = [{ ...slot("a", range(1, 10), 1), tokens: range(1, 2000) }, slot("b", [], 0)];
  assert.equal(chosen(slots, [...range(1, 5), 99]), "b");
});

test("among slots that hold nothing of it the one that was not used for longest is taken", () => {
  const slots = [slot("a", one, 2), slot("b", one, 1), slot("c", one, 3)];
  assert.equal(chosen(slots, [8]), "b");
});

test("without an idle slot there is none", () => {
  assert.equal(chosen([], [1]), undefined);
});

test("the common prefix ends with the shorter text or at the first difference", () => {
  assert.equal(commonPrefix([1, 2, 3], [1, 2]), 2);
  assert.equal(commonPrefix([1, 2, 3], [1, 4, 3]), 1);
  assert.equal(commonPrefix([], []), 0);
});

test("what is lost of a thread is known, and why", () => {
  const threads = new Threads();
  const own = { ...slot("a", one, 2, "t1"), busy: false };
  const strange = { ...slot("b", other, 3, "t2"), busy: false };
  const asked = { prompt: [...one, 7, 8], affinity: "t1" };
  assert.equal(threads.lossOf(asked, strange, [strange]), null, "a thread that is new loses nothing");
  threads.note("t1", one.length);
  assert.equal(threads.lossOf(asked, own, [own, strange]), null);
  assert.equal(threads.lossOf({ ...asked, affinity: null }, strange, [strange]), null);
  const known = one.length;
  const kept = instructions.length;
  assert.deepEqual(threads.lossOf(asked, strange, [strange]), { known, kept, same: null, why: "evicted" });
  const waiting = [{ ...own, busy: true }, strange];
  assert.deepEqual(threads.lossOf(asked, strange, waiting), { known, kept, same: known, why: "busy" });
  const changed = { prompt: [...instructions.slice(0, 50), ...one.slice(51)], affinity: "t1" };
  assert.deepEqual(threads.lossOf(changed, own, [own]), { known, kept: 50, same: 50, why: "changed" });
  for (let thread = 0; thread < limits.engineThreads; thread += 1) threads.note(`other ${thread}`, 1);
  assert.equal(threads.lossOf(changed, own, [own]), null, "it is forgotten");
});
