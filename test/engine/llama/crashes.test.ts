/** Owns the tests of what an engine that crashes does to others, how often it is started anew, and which signals end it. */
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { rename } from "node:fs/promises";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Delta } from "../../../src/engine/engine.ts";
import { silentLog } from "../../../src/log.ts";
import { limits } from "../../../src/limits.ts";
import { asking } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";
import { enginePackage, loaded, withEngine, type MadeEngine } from "./engine.ts";

const never = new AbortController().signal;
const hello = "Hello from the tiny scripted model; it always gives this same answer and then it stops.";

async function say({ engine }: MadeEngine, prompt: string): Promise<string> {
  const { items, end } = await outcomeOf(engine.generate(asking(prompt), never));
  assert.deepEqual(end, { kind: "finish", reason: "stop" });
  return items.map(({ text }) => text).join("");
}

function kill({ engine }: MadeEngine, signal: NodeJS.Signals = "SIGKILL"): void {
  assert.ok(engine.pid !== null);
  process.kill(engine.pid, signal);
}

/** Starts an answer without end, and reads it until there is text. */
async function beginLong({ engine }: MadeEngine, signal = never): Promise<AsyncIterator<Delta>> {
  const stream = engine.generate(asking("[[long]]"), signal)[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await stream.next();
    assert.ok(done !== true);
    if (value.kind === "text") return stream;
  }
}

async function lastOf(stream: AsyncIterator<Delta>): Promise<Delta | null> {
  let last: Delta | null = null;
  for (let next = await stream.next(); next.done !== true; next = await stream.next()) last = next.value;
  return last;
}

suite("crashes", { timeout: 120_000 }, () => {
  test("a request that waits in the queue outlives a crash", () =>
    withEngine({ slots: 1 }, async (made) => {
      await loaded(made.engine);
      const long = await beginLong(made);
      const waiting = [say(made, "hi"), say(made, "hi")];
      // Once a third one is told its place, the others wait too.
      for await (const delta of made.engine.generate(asking("hi"), never)) {
        if (delta.kind === "progress" && delta.stage === "queued") break;
      }
      kill(made);
      const last = await lastOf(long);
      assert.equal(last?.kind === "fail" ? last.failure.code : null, "engine_crashed");
      assert.deepEqual(await Promise.all(waiting), [hello, hello]);
    }));

  test("a model that is put to bed while it is started anew after a crash is loaded for who waits", async () => {
    const gate = Promise.withResolvers<void>();
    const restarted = Promise.withResolvers<void>();
    let starts = 0;
    const packageFolder = async (): Promise<string> => {
      starts += 1;
      // The second start lasts beyond the bedtime of the first.
      if (starts === 2) {
        restarted.resolve();
        await gate.promise;
      }
      return enginePackage();
    };
    await withEngine({ idleMs: 300, packageFolder }, async (made) => {
      await loaded(made.engine);
      kill(made);
      await restarted.promise;
      const waiting = [say(made, "hi"), made.engine.countTokens(asking("hi"))];
      await sleep(400);
      gate.resolve();
      const [said] = await Promise.all(waiting);
      assert.equal(said, hello);
    });
  });

  test("one who waits for a model that is put to sleep before it is loaded is served", async () => {
    const gate = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    let starts = 0;
    const packageFolder = async (): Promise<string> => {
      starts += 1;
      if (starts > 1) return enginePackage();
      started.resolve();
      await gate.promise;
      throw new Error("the start that nobody waits for any more");
    };
    await withEngine({ packageFolder }, async (made) => {
      const waiting = say(made, "hi");
      const counting = made.engine.countTokens(asking("hi"));
      await started.promise;
      await made.engine.sleep();
      gate.resolve();
      assert.equal(await waiting, hello);
      assert.ok((await counting).exact);
    });
  });

  test("a process that does not answer any more is killed, and the next one serves", () =>
    withEngine({ pingMs: 20, stuckMs: 500 }, async (made) => {
      await loaded(made.engine);
      const long = await beginLong(made);
      const { pid } = made.engine;
      kill(made, "SIGSTOP");
      const last = await lastOf(long);
      assert.equal(last?.kind === "fail" ? last.failure.code : null, "engine_crashed");
      assert.equal(await say(made, "hi"), hello);
      assert.notEqual(made.engine.pid, pid);
    }));

  test("an engine that crashes over and over is given up, and says so", () =>
    withEngine({}, async (made) => {
      for (let crash = 1; crash <= limits.engineCrashes; crash += 1) {
        await loaded(made.engine);
        assert.equal(await say(made, "hi"), hello);
        const long = await beginLong(made);
        kill(made);
        const last = await lastOf(long);
        assert.equal(last?.kind === "fail" ? last.failure.code : null, "engine_crashed");
      }
      const { state, detail } = await made.engine.health();
      assert.equal(state, "down");
      assert.match(detail ?? "", /3 times within a minute \(SIGKILL\)/);
      const { end } = await outcomeOf(made.engine.generate(asking("hi"), never));
      assert.ok(end?.kind === "fail" && end.failure.message === detail);
    }));

  test("a model that cannot be loaded for a moment is tried again once it was loaded before", async () => {
    let restore: (() => void) | null = null;
    const log = { ...silentLog, error: (): void => restore?.() };
    await withEngine({ log }, async (made) => {
      await loaded(made.engine);
      await rename(made.path, `${made.path}.away`);
      let complaints = 0;
      restore = () => {
        complaints += 1;
        renameSync(`${made.path}.away`, made.path);
      };
      kill(made);
      assert.equal(await say(made, "hi"), hello);
      assert.equal(complaints, 1);
    });
  });

  test("a model that is gone for good is given up with the reason", () =>
    withEngine({}, async (made) => {
      await loaded(made.engine);
      await rename(made.path, `${made.path}.away`);
      kill(made);
      const { end } = await outcomeOf(made.engine.generate(asking("hi"), never));
      assert.match(end?.kind === "fail" ? end.failure.message : "", /does not exist/);
      assert.equal((await made.engine.health()).state, "down");
    }));

  test("an engine that was given up is started again when it is asked later", () =>
    withEngine({ calmMs: 300 }, async (made) => {
      await loaded(made.engine);
      await rename(made.path, `${made.path}.away`);
      kill(made);
      const { end } = await outcomeOf(made.engine.generate(asking("hi"), never));
      assert.ok(end?.kind === "fail");
      await rename(`${made.path}.away`, made.path);
      await sleep(300);
      assert.equal(await say(made, "hi"), hello);
    }));

  test("signals to the whole group leave the engine to the server", () =>
    withEngine({}, async (made) => {
      await loaded(made.engine);
      const abort = new AbortController();
      const long = await beginLong(made, abort.signal);
      const { pid } = made.engine;
      for (const signal of ["SIGINT", "SIGTERM"] as const) kill(made, signal);
      for (let more = 0; more < 100; more += 1) assert.ok((await long.next()).done !== true);
      abort.abort();
      assert.equal(await lastOf(long), null);
      assert.equal(await say(made, "hi"), hello);
      assert.equal(made.engine.pid, pid);
    }));
});
