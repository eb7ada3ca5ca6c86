/** Owns the tests of slots on disk: what was read of a thread is there again after its model was unloaded, and nothing else. */
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, before, beforeEach, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineRequest } from "../../../src/engine/engine.ts";
import { createFleet } from "../../../src/engine/fleet.ts";
import type { LlamaOptions } from "../../../src/engine/llama/host.ts";
import { createLog } from "../../../src/log.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { asking, user } from "../asking.ts";
import { type Outcome, outcomeOf } from "../grammar.ts";
import { enginePackage, loaded, type MadeEngine, scriptedEngine, withEngine } from "./engine.ts";
import { tinyKinds, writeTinyModel } from "./tiny.ts";

const never = new AbortController().signal;
const long = "word ".repeat(60);
const enough = 2 ** 30;

let folder: string;
/** Of an engine whose slots lie in `folder`. */
let options: Partial<LlamaOptions> & { readonly modelPath: string };

before(enginePackage);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "antiphon-saved-"));
  const modelPath = join(folder, "scripted.gguf");
  await writeScriptedModel(modelPath);
  options = { modelPath, contextSize: 1024, slots: 2, save: { root: join(folder, "slots"), bytes: enough } };
});
afterEach(() => rm(folder, { recursive: true }));

const within = (bytes: number): Partial<LlamaOptions> => ({ ...options, save: { root: join(folder, "slots"), bytes } });

/** What lies in the folder of saved slots, at any depth. */
async function onDisk(): Promise<readonly string[]> {
  return readdir(join(folder, "slots"), { recursive: true }).catch(() => []);
}

/** Where the state of the slot used last lies. */
async function stateFile(): Promise<string> {
  const file = (await onDisk()).find((name) => basename(name) === "0");
  assert.ok(file);
  return join(folder, "slots", file);
}

async function ask({ engine }: MadeEngine, request: EngineRequest): Promise<Outcome & { readonly cached: number }> {
  const outcome = await outcomeOf(engine.generate(request, never));
  assert.equal(outcome.end?.kind, "finish");
  assert.ok(outcome.usage);
  return { ...outcome, cached: outcome.usage.cached };
}

function kill({ engine }: MadeEngine, signal: NodeJS.Signals): void {
  assert.ok(engine.pid);
  process.kill(engine.pid, signal);
}

/** The first turn of a thread, of 310 tokens or so, and the next. */
const first = (affinity: string): EngineRequest => asking([user(affinity), user(long)], { affinity, maxTokens: 20 });
const second = (affinity: string): EngineRequest =>
  asking([user(affinity), user(long), user("more")], { affinity, maxTokens: 20 });
const known = 300;

/** Reads the first turn of each thread, and saves. */
function saveThreads(how: Partial<LlamaOptions>, ...names: readonly string[]): Promise<void> {
  return withEngine(how, async (made) => {
    for (const name of names) assert.equal((await ask(made, first(name))).cached, 0);
  });
}

suite("slots on disk", { timeout: 240_000 }, () => {
  test("threads go on where they were, after their model was unloaded and after the server was stopped", async () => {
    await withEngine(options, async (made) => {
      for (const name of ["a", "b"]) await ask(made, first(name));
      await made.engine.sleep();
      assert.equal((await onDisk()).length, 4);
      assert.ok((await ask(made, second("a"))).cached > known);
    });
    await withEngine({ ...options, contextSize: 2048 }, async (made) => {
      for (const name of ["a", "b"]) assert.ok((await ask(made, second(name))).cached > known);
    });
  });

  test("a server that is killed finds what was saved before; an engine that crashed does not meet it again", async () => {
    await saveThreads(options, "a");
    await withEngine(options, async (made) => {
      assert.ok((await ask(made, second("a"))).cached > known);
      assert.equal((await onDisk()).length, 3);
      await withEngine(options, async (other) => {
        assert.ok((await ask(other, second("a"))).cached > known);
        kill(other, "SIGKILL");
        assert.equal((await ask(other, second("a"))).cached, 0);
      });
    });
  });

  test("who leaves before anything is restored leaves it there, and so does whom too small a context refuses it", async () => {
    await saveThreads(options, "a");
    const saved = new Set(await onDisk());
    await withEngine(options, () => Promise.resolve());
    assert.deepEqual(new Set(await onDisk()), saved);
    await withEngine({ ...options, contextSize: 256 }, async (made) => void (await made.engine.settled()));
    assert.deepEqual(new Set(await onDisk()), saved);
    await withEngine(options, async (made) => assert.ok((await ask(made, second("a"))).cached > known));
  });

  test("a restored slot is its thread's, though the end of the thread was changed meanwhile", async () => {
    await saveThreads(options, "a");
    await withEngine(options, async (made) => {
      const changed = asking([user("a"), user(`${"word ".repeat(40)}changed`)], { affinity: "a" });
      assert.ok((await ask(made, changed)).cached > known / 2);
    });
  });

  test("where there is room for one, it is the slot used last; where there is none, nothing is left", async () => {
    await saveThreads(options, "a");
    const { size } = await stat(await stateFile());
    await withEngine(within(1.5 * size), async (made) => {
      await ask(made, first("b"));
      await made.engine.sleep();
      assert.equal((await onDisk()).length, 3);
    });
    await withEngine(within(size / 2), async (made) => {
      assert.ok((await ask(made, second("b"))).cached > known);
    });
    assert.deepEqual(await onDisk(), []);
  });

  test("what other models saved longest ago makes room", async () => {
    await saveThreads({ ...options, slots: 1 }, "a");
    const [oldest] = await onDisk();
    const { size } = await stat(await stateFile());
    await saveThreads({ ...options, slots: 3 }, "a");
    await saveThreads(within(2.5 * size), "a");
    const folders = (await onDisk()).filter((name) => name === basename(name));
    assert.equal(folders.length, 2);
    assert.ok(oldest !== undefined && !folders.includes(oldest));
  });

  test("a server that read nothing leaves alone what another saved", async () => {
    await withEngine(options, async (idle) => {
      await loaded(idle.engine);
      await saveThreads(options, "a");
    });
    await withEngine(options, async (made) => assert.ok((await ask(made, second("a"))).cached > known));
  });

  test("slots of weights that were replaced are not those of the new ones", async () => {
    await withEngine(options, async (made) => {
      await ask(made, first("a"));
      await cp(options.modelPath, `${options.modelPath}.new`);
      await rename(`${options.modelPath}.new`, options.modelPath);
    });
    assert.ok((await onDisk()).length > 0);
    await withEngine(options, async (made) => assert.equal((await ask(made, second("a"))).cached, 0));
  });

  test("what processes left that died while they saved is deleted once it is old, and not before", async () => {
    const left = join(folder, "slots", "0123.4567");
    await mkdir(left, { recursive: true });
    await writeFile(join(left, "0"), "part of a state");
    await saveThreads(options, "a");
    assert.ok((await onDisk()).includes(basename(left)));
    await utimes(left, 0, 0);
    await saveThreads({ ...options, slots: 1 }, "a");
    assert.ok(!(await onDisk()).includes(basename(left)));
  });

  test("a folder that cannot be used costs the slots and nothing else, and is told of", async () => {
    const lines: string[] = [];
    const log = createLog("warn", { write: (line) => lines.push(line) });
    await writeFile(join(folder, "slots"), "a file");
    await withEngine({ ...options, log }, async (made) => assert.equal((await ask(made, first("a"))).cached, 0));
    assert.match(lines.join(""), /No slot is restored.*ENOTDIR.*\n.*could not be saved.*E(?:EXIST|NOTDIR)/);
  });

  test("who asks while slots are being saved gets them, and closing waits until they are", async () => {
    await withEngine(options, async (made) => {
      await ask(made, first("a"));
      const { pid } = made.engine;
      kill(made, "SIGSTOP");
      const asleep = made.engine.sleep();
      assert.ok(pid !== null && made.engine.pid === null && made.engine.awake);
      const left = new AbortController();
      const leaving = made.engine.generate(second("a"), left.signal)[Symbol.asyncIterator]().next();
      left.abort();
      await leaving;
      let gone = false;
      const again = made.engine.sleep().then(() => (gone = true));
      await sleep(100);
      assert.equal(gone, false);
      const asked = ask(made, second("a"));
      await sleep(300);
      assert.equal(made.engine.pid, null);
      process.kill(pid, "SIGCONT");
      assert.ok((await asked).cached > known);
      await Promise.all([asleep, again]);
    });
    assert.equal((await onDisk()).length, 3);
    const made = await scriptedEngine(options);
    await ask(made, second("a"));
    const { pid } = made.engine;
    kill(made, "SIGSTOP");
    const asleep = Promise.all([made.engine.sleep(), made.engine.sleep()]);
    const closed = made.close();
    await sleep(300);
    assert.ok(pid !== null && made.engine.awake);
    process.kill(pid, "SIGCONT");
    await closed;
    assert.equal(made.engine.awake, false);
    assert.equal((await onDisk()).length, 3);
    await asleep;
  });

  test("a fleet with room for one model loads no other while the first still saves", async () => {
    const [one, other] = [await scriptedEngine({ ...options, modelId: "one" }), await scriptedEngine({ lazy: true })];
    try {
      await ask(one, first("a"));
      const { pid } = one.engine;
      kill(one, "SIGSTOP");
      void one.engine.sleep();
      const fleet = createFleet([one.engine, other.engine], 1);
      const asked = outcomeOf(fleet.generate(asking("hi", { model: "scripted" }), never));
      await sleep(300);
      assert.equal(other.engine.awake, false);
      process.kill(pid ?? assert.fail(), "SIGCONT");
      assert.equal((await asked).end?.kind, "finish");
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  for (const kind of tinyKinds) {
    test(`${kind}, which cannot forget: restored, it says what it would say anyway`, async () => {
      await writeTinyModel(kind, options.modelPath);
      await withEngine(options, async (made) => {
        await ask(made, first("a"));
        await made.engine.sleep();
        // Once more, without a request between.
        await made.engine.countTokens(first("a"));
        await made.engine.sleep();
        const restored = await ask(made, second("a"));
        assert.ok(restored.cached > known, `${restored.cached}`);
        kill(made, "SIGKILL");
        const anew = await ask(made, second("a"));
        assert.equal(anew.cached, 0);
        assert.ok(anew.items.some(({ text }) => text.length > 10));
        assert.deepEqual(restored.items, anew.items);
      });
    });

    test(`${kind}: a prompt that was left while it was read is gone on with`, async () => {
      await writeTinyModel(kind, options.modelPath);
      await withEngine({ ...options, contextSize: 8192 }, async (made) => {
        const request = asking([user("word ".repeat(1_200))], { affinity: "a", maxTokens: 1 });
        const left = new AbortController();
        let read = 0;
        for await (const delta of made.engine.generate(request, left.signal)) {
          if (delta.kind !== "progress" || delta.stage !== "prefill" || delta.done < 1_000) continue;
          read = delta.done;
          left.abort();
        }
        await made.engine.sleep();
        const { cached } = await ask(made, request);
        assert.ok(read > 0 && cached >= read - 16, `${cached} of ${read}`);
      });
    });

    test(`${kind}: a state that llama.cpp reads in part leaves nothing of it behind`, async () => {
      await writeTinyModel(kind, options.modelPath);
      const one = { ...options, slots: 1 };
      await saveThreads(one, "a");
      const file = await stateFile();
      const bytes = Math.floor(0.8 * (await stat(file)).size);
      await truncate(file, bytes);
      // As it would be where the whole file is there, and is wrong.
      const listed = [{ prompt: 310, affinity: "a", bytes }];
      await writeFile(join(file, "..", "slots.json"), JSON.stringify(listed));
      const stranger = asking("b", { maxTokens: 30 });
      await withEngine(one, async (made) => {
        const told = await ask(made, stranger);
        kill(made, "SIGKILL");
        assert.deepEqual(told.items, (await ask(made, stranger)).items);
      });
    });
  }
});
