/** Owns the tests of joining two sources: the order of their values, and that both are left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { handover } from "../../src/engine/handover.ts";

const ended = { done: true, value: undefined };

/** A source of 7 without end, which tells when it was left. */
function sevens(): AsyncIterable<number> & { left: boolean } {
  const source = {
    left: false,
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: 7 }),
      return() {
        source.left = true;
        return Promise.resolve({ done: true as const, value: undefined });
      },
    }),
  };
  return source;
}

async function* opening<T>(values: readonly T[], rest: AsyncIterable<T> | null): AsyncGenerator<T, typeof rest> {
  yield* values;
  return Promise.resolve(rest);
}

test("first the opening, then the rest, which is left with the loop", async () => {
  const rest = sevens();
  const seen: number[] = [];
  for await (const value of handover(opening([1, 2], rest))) {
    seen.push(value);
    if (seen.length === 4) break;
  }
  assert.deepEqual(seen, [1, 2, 7, 7]);
  assert.ok(rest.left);
});

test("an opening without a rest is over, and stays so", async () => {
  const values = handover(opening([1], null))[Symbol.asyncIterator]();
  assert.deepEqual(await values.next(), { done: false, value: 1 });
  assert.deepEqual(await values.next(), ended);
  assert.deepEqual(await values.next(), ended);
});

test("what was left gives nothing more", async () => {
  const values = handover(opening([1, 2], sevens()))[Symbol.asyncIterator]();
  await values.next();
  await values.return?.();
  assert.deepEqual(await values.next(), ended);
});

test("a rest that comes after the loop was left is left as well", async () => {
  const rest = sevens();
  const gate = Promise.withResolvers<void>();
  const values = handover<number>(
    // oxlint-disable-next-line require-yield
    (async function* slow() {
      await gate.promise;
      return rest;
    })(),
  )[Symbol.asyncIterator]();
  const coming = values.next();
  const leaving = values.return?.();
  gate.resolve();
  assert.deepEqual(await coming, ended);
  await leaving;
  assert.ok(rest.left);
});
