/** Owns the tests of the clock: ticks come in silence, and no value is lost or changes its place for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SourceError, tick, ticking } from "../../src/turn/clock.ts";

/** Values that each wait for a tick, and come while the reader is still busy with it. */
class Slow {
  ticked: () => void = () => undefined;

  async *values(count: number): AsyncGenerator<number> {
    for (let value = 0; value < count; value += 1) {
      await new Promise<void>((resolve) => (this.ticked = resolve));
      await sleep(5);
      yield value;
    }
  }
}

test("a value that comes while a tick is dealt with is the next one", async () => {
  const values: number[] = [];
  const slow = new Slow();
  for await (const value of ticking(slow.values(8), 10, () => 0)) {
    if (value !== tick) values.push(value);
    else {
      slow.ticked();
      await sleep(20);
    }
  }
  assert.deepEqual(values, [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("an error that comes while a tick is dealt with is thrown", async () => {
  const slow = new Slow();
  async function* broken(): AsyncGenerator<number> {
    yield* slow.values(1);
    throw new Error("broken");
  }
  const seen: unknown[] = [];
  await assert.rejects(async () => {
    for await (const value of ticking(broken(), 10, () => 0)) {
      seen.push(value);
      if (value === tick) slow.ticked();
      await sleep(20);
    }
  }, SourceError);
  assert.ok(seen.includes(0));
});
