/** Owns the tests of the engine over a llama-server of our own, with a stand-in for the program: its life, not its answers. */
import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createLlamaServerEngine,
  type LlamaServerEngine,
  type LlamaServerOptions,
} from "../../../src/engine/llama-server/server.ts";
import { silentLog } from "../../../src/log.ts";
import { asking } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";

const never = new AbortController().signal;

async function makeProgram(path: string): Promise<void> {
  const source = await readFile(new URL("./fake.mjs", import.meta.url), "utf8");
  await writeFile(path, `#!${process.execPath}\n${source}`);
  await chmod(path, 0o700);
}

/** The stand-in as a program of this machine, in an engine that ends with the test. */
async function start(t: TestContext, changes: Partial<LlamaServerOptions> = {}): Promise<LlamaServerEngine> {
  const folder = await mkdtemp(join(tmpdir(), "antiphon-llama-server-"));
  const program = join(folder, "llama-server.mjs");
  await makeProgram(program);
  const sizes = { contextSize: null, threads: null, slots: 2, gpu: true, words: [] };
  const names = { program, modelId: "tiny", modelPath: "/models/tiny.gguf" };
  const engine = await createLlamaServerEngine({ ...names, ...sizes, log: silentLog, ...changes });
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });
  return engine;
}

async function say(engine: LlamaServerEngine, prompt: string): Promise<string> {
  const { items, end } = await outcomeOf(engine.generate(asking(prompt), never));
  assert.deepEqual(end, { kind: "finish", reason: "stop" });
  return items.map(({ text }) => text).join("");
}

async function failure(engine: LlamaServerEngine, prompt: string): Promise<string> {
  const { end } = await outcomeOf(engine.generate(asking(prompt), never));
  return end?.kind === "fail" ? end.failure.message : "it did not fail";
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const pidIn = (text: string): number => Number(/pid (\d+)/.exec(text)?.[1]);

suite("a llama-server of our own", { timeout: 60_000 }, () => {
  test("requests wait until it listens and has loaded; then its models are told as it tells them", async (t) => {
    const engine = await start(t, { contextSize: 1024, threads: 3, gpu: false, words: ["--mmproj", "eyes.gguf"] });
    const [before] = await engine.models();
    assert.deepEqual(before, {
      id: "tiny",
      contextLength: 1024,
      capabilities: { images: false, reasoning: true, schemas: true },
    });
    const said = await say(engine, "hi");
    assert.match(said, /--model \/models\/tiny.gguf --alias tiny --parallel 2/);
    assert.match(said, /--ctx-size 2048 --threads 3 --n-gpu-layers 0 --mmproj eyes.gguf --host 127.0.0.1 --port \d+$/);
    assert.ok(!said.includes("key"), "the key is no word of the command line");
    assert.equal((await engine.settled()).state, "ready");
  });

  test("closing ends the program", async (t) => {
    const engine = await start(t);
    const pid = pidIn(await say(engine, "hi"));
    await engine.close();
    while (isAlive(pid)) await sleep(10);
  });

  test("closing ends who waits for a program that never listens", async (t) => {
    const engine = await start(t, { words: ["--mood", "deaf"] });
    const waiting = [failure(engine, "hi"), engine.settled().then(({ detail }) => detail)];
    await engine.close();
    const told = "The server is shutting down.";
    assert.deepEqual(await Promise.all(waiting), [told, told]);
  });

  test("a keeper that is killed takes its program along, and another pair serves", async (t) => {
    const engine = await start(t);
    const pid = pidIn(await say(engine, "hi"));
    process.kill(engine.pid ?? 0, "SIGKILL");
    while (isAlive(pid)) await sleep(10);
    assert.notEqual(pidIn(await say(engine, "hi")), pid);
  });

  test("a keeper that cannot be started is told, to requests too", async (t) => {
    const { execPath } = process;
    t.after(() => {
      process.execPath = execPath;
    });
    process.execPath = "/nowhere/node";
    const engine = await start(t, { program: execPath });
    assert.match((await engine.settled()).detail ?? "", /ended 3 times.*ENOENT/);
    assert.match(await failure(engine, "hi"), /ENOENT/);
  });

  test("a crash in mid-answer fails it, and the next is answered by a new process", async (t) => {
    const engine = await start(t);
    const pid = pidIn(await say(engine, "hi"));
    assert.match(await failure(engine, "crash in the middle"), /broke|closed|ended|lost/i);
    assert.notEqual(pidIn(await say(engine, "hi")), pid);
  });

  test("a request of which nothing was written is asked again, once", async (t) => {
    const engine = await start(t);
    const pid = pidIn(await say(engine, "hi"));
    process.kill(pid, "SIGKILL");
    assert.notEqual(pidIn(await say(engine, "hi")), pid);
  });

  test("one that crashes over and over is given up, with its own words", async (t) => {
    const engine = await start(t, { words: ["--mood", "broken"] });
    const { state, detail } = await engine.settled();
    assert.equal(state, "down");
    assert.match(detail ?? "", /3 times within a minute: error: the model file is broken/);
    assert.match(await failure(engine, "hi"), /the model file is broken/);
  });

  test("a program that was not there is started once it is, when somebody asks", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "antiphon-llama-server-"));
    t.after(() => rm(folder, { recursive: true }));
    const program = join(folder, "later.mjs");
    const engine = await start(t, { program, calmMs: 0 });
    assert.equal((await engine.settled()).state, "down");
    await makeProgram(program);
    assert.ok(pidIn(await say(engine, "hi")) > 0);
  });

  test("a program that is not there is said", async (t) => {
    const engine = await start(t, { program: "no-such-llama-server" });
    assert.match((await engine.settled()).detail ?? "", /no-such-llama-server was not found: .* --llama-server/);
  });
});
