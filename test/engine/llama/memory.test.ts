/** Owns the tests that a model beyond this machine's memory is refused before it is loaded. */
import assert from "node:assert/strict";
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { demandMemory, machineMemory } from "../../../src/engine/llama/memory.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { withEngine } from "./engine.ts";

const GiB = 1024 ** 3;

test("weights fit into the machine's memory and what a GPU has of its own", () => {
  for (const [bytes, gpu, refused] of [
    [16, null, null],
    [17, null, /weights take 17\.0 GiB, but this machine has 16\.0 GiB of memory\. Choose a smaller/],
    [24, { total: 8, unifiedSize: 0 }, null],
    [25, { total: 8, unifiedSize: 0 }, /has 16\.0 GiB of memory and 8\.0 GiB on its GPU\./],
    // A Mac's: the same memory twice.
    [17, { total: 12, unifiedSize: 12 }, /has 16\.0 GiB of memory\./],
  ] as const) {
    const own = gpu && { total: gpu.total * GiB, unifiedSize: gpu.unifiedSize * GiB };
    const demand = (): void => demandMemory(bytes * GiB, 16 * GiB, own);
    if (refused === null) demand();
    else assert.throws(demand, refused);
  }
});

test("this machine's memory is what there is, or less where a container is bounded", () => {
  assert.ok(machineMemory() > 0 && machineMemory() <= totalmem());
});

test("a model larger than memory is not loaded, and why is said at once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "antiphon-memory-"));
  const modelPath = join(folder, "model.gguf");
  try {
    await writeScriptedModel(modelPath);
    // Its tensors end where they did; the rest is a hole.
    await truncate(modelPath, 2 * totalmem());
    await withEngine({ modelPath }, async ({ engine }) => {
      const { state, detail } = await engine.settled();
      assert.equal(state, "down");
      assert.match(detail ?? "", /could not be loaded: The model's weights take [\d.]+ GiB/);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
