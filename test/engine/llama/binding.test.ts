/** Owns the test that slots sample one after the other, without which answers may mix. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Context, sampleInTurn, type Sequence } from "../../../src/engine/llama/binding.ts";
import { Runtime } from "../../../src/engine/llama/runtime.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { enginePackage } from "./engine.ts";

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

test("the slots of a loaded model sample one after the other too", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "antiphon-binding-"));
  try {
    const modelPath = join(folder, "scripted.gguf");
    await writeScriptedModel(modelPath);
    const options = {
      packageFolder: await enginePackage(),
      modelPath,
      modelFiles: [modelPath],
      contextSize: 512,
      threads: 1,
      slots: 2,
      gpu: false,
      save: null,
      restore: false,
    };
    const { sequences } = await Runtime.load(options, () => undefined);
    assert.equal(sequences.length, 2);
    for (const { context } of sequences as readonly (Sequence & { readonly context: Context })[]) {
      assert.ok(context._ctx && Object.hasOwn(context._ctx, "sampleToken"), "sampling is that of the package");
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
