/** Owns the tests of slots on disk: what was read of a thread is there again after its model was unloaded, and only there. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { EngineRequest, Usage } from "../../../src/engine/engine.ts";
import type { LlamaOptions } from "../../../src/engine/llama/host.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { asking, user } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";
import { loaded, type MadeEngine, withEngine } from "./engine.ts";
import { tinyKinds, writeTinyModel } from "./tiny.ts";

const never = new AbortController().signal;
const long = "word ".repeat(60);

let folder: string;
let options: Partial<LlamaOptions>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "antiphon-saved-"));
  const modelPath = join(folder, "scripted.gguf");
  await writeScriptedModel(modelPath);
  options = { modelPath, contextSize: 1024, slots: 2, save: { root: join(folder, "slots"), bytes: 2 ** 30 } };
});
after(() => rm(folder, { recursive: true }));

/** What lies in the folder of saved slots, at any depth. */
async function onDisk(): Promise<readonly string[]> {
  return readdir(join(folder, "slots"), { recursive: true }).catch(() => []);
}

/** The size of a slot's state on disk. */
async function bytesOfOne(): Promise<number> {
  const file = (await onDisk()).find((name) => basename(name) === "0");
  assert.ok(file);
  return (await stat(join(folder, "slots", file))).size;
}

async function ask({ engine }: MadeEngine, request: EngineRequest): Promise<Usage> {
  const { usage, end } = await outcomeOf(engine.generate(request, AbortSignal.timeout(60_000)));
  assert.equal(end?.kind, "finish");
  assert.ok(usage);
  return usage;
}

const first = (affinity: string): EngineRequest => asking([user(affinity), user(long)], { affinity });
const short = (request: EngineRequest): EngineRequest => ({ ...request, maxTokens: 20 });
const second = (affinity: string): EngineRequest => asking([user(affinity), user(long), user("more")], { affinity });

suite("slots on disk", { timeout: 120_000 }, () => {
  test("a thread goes on where it was when its model was unloaded, and when the server was stopped", async () => {
    await withEngine(options, async (made) => {
      const read = [await ask(made, first("a")), await ask(made, first("b"))];
      assert.deepEqual(
        read.map(({ cached }) => cached),
        [0, 0],
      );
      await made.engine.sleep();
      assert.equal((await onDisk()).length, 4);
      assert.ok((await ask(made, second("a"))).cached >= (read[0]?.input ?? 0) - 1);
      assert.deepEqual(await onDisk(), []);
    });
    await withEngine(options, async (made) => {
      for (const affinity of ["a", "b"]) {
        const { input, cached } = await ask(made, second(affinity));
        assert.ok(cached > input / 2, `${affinity}: ${cached} of ${input}`);
      }
    });
  });

  test("where there is room for one, it is the slot used last", async () => {
    const bytes = 1.5 * (await bytesOfOne());
    await withEngine({ ...options, save: { root: join(folder, "slots"), bytes } }, async (made) => {
      await ask(made, first("c"));
      await ask(made, first("d"));
      await made.engine.sleep();
      assert.equal((await onDisk()).length, 3);
      assert.equal((await ask(made, second("c"))).cached, 0);
    });
    await withEngine(options, async (made) => {
      assert.ok((await ask(made, second("c"))).cached > 0);
    });
  });

  test("another context, too little room, or nothing read: nothing is taken or left", async () => {
    await rm(join(folder, "slots"), { recursive: true, force: true });
    await withEngine(options, async (made) => {
      await ask(made, first("e"));
    });
    const saved = await onDisk();
    assert.equal(saved.length, 3);
    await withEngine({ ...options, contextSize: 2048 }, async (made) => {
      await loaded(made.engine);
      assert.deepEqual(new Set(await onDisk()), new Set(saved));
    });
    assert.deepEqual(new Set(await onDisk()), new Set(saved));
    await withEngine({ ...options, save: { root: join(folder, "slots"), bytes: 100 } }, async (made) => {
      assert.ok((await ask(made, second("e"))).cached > 0);
    });
    assert.deepEqual(await onDisk(), []);
  });

  test("what another model saved longest ago makes room", async () => {
    await withEngine({ ...options, contextSize: 768 }, async (made) => void (await ask(made, first("f"))));
    const [old] = await onDisk();
    assert.ok(old);
    const save = { root: join(folder, "slots"), bytes: 1.5 * (await bytesOfOne()) };
    await withEngine({ ...options, save }, async (made) => void (await ask(made, first("f"))));
    const now = await onDisk();
    assert.equal(now.length, 3);
    assert.ok(!now.includes(old));
  });

  test("a state that was cut is read anew, and deleted", async () => {
    await withEngine(options, async (made) => void (await ask(made, first("g"))));
    const state = (await onDisk()).find((name) => basename(name) === "0");
    assert.ok(state);
    await truncate(join(folder, "slots", state), 5_000);
    await withEngine(options, async (made) => {
      assert.equal((await ask(made, second("g"))).cached, 0);
      assert.deepEqual(await onDisk(), []);
    });
  });

  test("a process that is killed leaves nothing, and what it took back is gone with it", async () => {
    await withEngine(options, async (made) => {
      await ask(made, first("h"));
      await made.engine.sleep();
      assert.ok((await ask(made, second("h"))).cached > 0);
      process.kill(made.engine.pid ?? 0, "SIGKILL");
      assert.equal((await ask(made, second("h"))).cached, 0);
    });
  });

  test("who asks while slots are being saved waits for them, and so does closing", async () => {
    await withEngine(options, async (made) => {
      await ask(made, first("k"));
      const asleep = made.engine.sleep();
      assert.ok((await ask(made, second("k"))).cached > 300);
      await asleep;
      const again = made.engine.sleep();
      await made.engine.close();
      await again;
      assert.ok((await onDisk()).length > 0);
    });
  });

  test("without the setting nothing is saved", async () => {
    await rm(join(folder, "slots"), { recursive: true, force: true });
    await withEngine({ ...options, save: null }, async (made) => void (await ask(made, first("i"))));
    assert.deepEqual(await onDisk(), []);
  });

  for (const kind of tinyKinds) {
    test(`${kind}, which cannot forget, goes on from the end of the prompt`, async () => {
      const modelPath = join(folder, `${kind}.gguf`);
      await writeTinyModel(kind, modelPath);
      await withEngine({ ...options, modelPath }, async (made) => {
        const before = await outcomeOf(made.engine.generate(short(first("j")), never));
        await made.engine.sleep();
        const restored = await outcomeOf(made.engine.generate(short(second("j")), never));
        const [known, cached] = [before.usage?.input ?? 0, restored.usage?.cached ?? 0];
        assert.ok(cached >= known - 16 && known > 300, `${cached} of ${known}`);
        // A state that is not what it was would say something else.
        process.kill(made.engine.pid ?? 0, "SIGKILL");
        const anew = await outcomeOf(made.engine.generate(short(second("j")), never));
        assert.equal(anew.usage?.cached, 0);
        assert.deepEqual(restored.items, anew.items);
      });
    });
  }
});
