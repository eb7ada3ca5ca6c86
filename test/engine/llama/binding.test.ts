/** Owns the test that slots sample one after the other, without which answers may mix. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Context, sampleInTurn } from "../../../src/engine/llama/binding.ts";

const getSequence: Context["getSequence"] = () => assert.fail("no sequence is asked for");

test("slots sample one after the other, and one that fails stops no other", async () => {
  let running = 0;
  let most = 0;
  /** Sampling that takes a while, and fails for a negative index. */
  class Native {
    async sampleToken(index: unknown): Promise<unknown> {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
      if (Number(index) < 0) throw new Error("no logits");
      return index;
    }
  }
  Object.freeze(Native.prototype);
  const native = new Native();
  sampleInTurn({ _ctx: native, getSequence });
  const sampled = await Promise.allSettled([1, -1, 2, 3].map((index) => native.sampleToken(index)));
  assert.deepEqual(
    sampled.map((result) => (result.status === "fulfilled" ? result.value : "failed")),
    [1, "failed", 2, 3],
  );
  assert.equal(most, 1);
});

test("a package that hides its native context is refused", () => {
  assert.throws(() => sampleInTurn({ getSequence }), /not the pinned one/);
});
