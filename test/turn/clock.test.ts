/** Owns the tests of the clock: ticks come in silence, and no value is lost or changes its place for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SourceError, tick, ticking } from "../../src/turn/clock.ts";

/** Values that come while the reader is busy with a tick, or while it waits for them. */
async function* slow(count: number, msEach: number): AsyncGenerator<number> {
  for (let value = 0; value < count; value += 1) {
    await sleep(msEach);
    yield value;
  }
}

test("a value that comes while a tick is dealt with is the next one", async () => {
  const values: number[] = [];
  let ticks = 0;
  for await (const value of ticking(slow(8, 15), 10, () => 0)) {
    if (value !== tick) values.push(value);
    else {
      ticks += 1;
      await sleep(20);
    }
  }
  assert.deepEqual(values, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.ok(ticks > 0);
});

test("an error that comes while a tick is dealt with is thrown", async () => {
  const broken = {
    async *[Symbol.asyncIterator](): AsyncGenerator<number> {
      yield* slow(1, 15);
      throw new Error("broken");
    },
  };
  const seen: unknown[] = [];
  await assert.rejects(async () => {
    for await (const value of ticking(broken, 10, () => 0)) {
      seen.push(value);
      await sleep(30);
    }
  }, SourceError);
  assert.ok(seen.includes(0));
});
