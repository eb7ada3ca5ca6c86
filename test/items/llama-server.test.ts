/**
 * Owns the proof on a real llama-server, where somebody has one: LLAMA_SERVER names the program. It comes in no package
 * registry, so that this cannot run everywhere.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createLlamaServerEngine } from "../../src/engine/llama-server/server.ts";
import { silentLog } from "../../src/log.ts";
import { writeScriptedModel } from "../../src/model/scripted.ts";
import { openTestDoor, type TestDoor } from "../http/door.ts";
import { samples } from "./samples.ts";
import { all, carryOn, positions, thread } from "./thread.ts";

const program = process.env["LLAMA_SERVER"] ?? "";
const skip = program === "" ? "LLAMA_SERVER names no program" : false;

async function open(t: TestContext): Promise<TestDoor> {
  const folder = await mkdtemp(join(tmpdir(), "antiphon-llama-server-"));
  const modelPath = join(folder, "scripted.gguf");
  await writeScriptedModel(modelPath);
  const sizes = { contextSize: 65_536, threads: 1, slots: 1, gpu: false, words: [] };
  const engine = await createLlamaServerEngine({ program, modelId: "scripted", modelPath, ...sizes, log: silentLog });
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });
  assert.deepEqual(await engine.settled(), { state: "ready", detail: null });
  return openTestDoor(t, engine);
}

for (const [place, position] of positions.entries()) {
  test(`llama-server: each sample as the ${position} of a thread that goes on`, { skip }, async (t) => {
    const door = await open(t);
    await all(
      samples,
      1,
      ({ name }) => name,
      ({ items }) => {
        const places = positions.map((_, index) => (index === place ? items : []));
        return carryOn(door, thread(...places), () => undefined);
      },
    );
    assert.deepEqual(door.complaints, []);
  });
}

test("llama-server: all samples in one thread that goes on", { skip }, async (t) => {
  const door = await open(t);
  const items = samples.flatMap((sample) => sample.items);
  await carryOn(door, items, () => undefined);
  assert.deepEqual(door.complaints, []);
});
