/** Owns the tests of several models on one machine: who is in memory, who waits, and that nobody is starved. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Engine, ModelInfo } from "../../src/engine/engine.ts";
import { createFleet, type Member } from "../../src/engine/fleet.ts";
import { createScriptEngine } from "../../src/engine/script.ts";
import { says } from "../http/door.ts";
import { asking } from "./asking.ts";
import { outcomeOf } from "./grammar.ts";
import { loaded, scriptedEngine } from "./llama/engine.ts";

const never = new AbortController().signal;

/** Members whose answers wait until they are let go, and what happened to them, in order. */
function crew(names: readonly string[]): {
  readonly members: readonly Member[];
  readonly story: string[];
  readonly letGo: () => void;
} {
  const story: string[] = [];
  const waiting: (() => void)[] = [];
  const members = names.map((modelId): Member => {
    let awake = false;
    const script = createScriptEngine(async function* answer() {
      awake = true;
      story.push(`${modelId} answers`);
      await new Promise<void>((resolve) => waiting.push(resolve));
      yield* says(modelId);
    });
    const info: ModelInfo = {
      id: modelId,
      contextLength: 100,
      capabilities: { images: false, reasoning: false, schemas: false },
    };
    return {
      ...script,
      generate: (request, signal) => script.generate(request, signal),
      countTokens: (request) => script.countTokens(request),
      health: () => script.health(),
      close: () => script.close(),
      models: () => Promise.resolve([info]),
      modelId,
      get awake() {
        return awake;
      },
      async sleep() {
        await Promise.resolve();
        awake = false;
        story.push(`${modelId} sleeps`);
      },
    };
  });
  return { members, story, letGo: () => waiting.splice(0).forEach((resolve) => resolve()) };
}

async function ask(fleet: Engine, model: string, signal = never): Promise<void> {
  for await (const _ of fleet.generate(asking("hi", { model }), signal));
}
const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
};

test("one sleeps for the other, who asks first is served first, and those in memory share it", async () => {
  const { members, story, letGo } = crew(["a", "b"]);
  const fleet = createFleet(members, 1);
  const asked = [ask(fleet, "a"), ask(fleet, "a"), ask(fleet, "b"), ask(fleet, "a")];
  await settle();
  assert.deepEqual(story.splice(0), ["a answers", "a answers"], "b waits for a, and the last a waits behind b");
  letGo();
  await settle();
  assert.deepEqual(story.splice(0), ["a sleeps", "b answers"]);
  letGo();
  await settle();
  assert.deepEqual(story.splice(0), ["b sleeps", "a answers"]);
  letGo();
  await Promise.all(asked);
});

test("with room for both nobody sleeps; of three the one that rested longest does", async () => {
  const { members, story, letGo } = crew(["a", "b", "c"]);
  const fleet = createFleet(members, 2);
  for (const model of ["a", "b", "a", "c", "nobody's"]) {
    const asked = ask(fleet, model);
    await settle();
    letGo();
    await asked;
  }
  assert.deepEqual(story, ["a answers", "b answers", "a answers", "b sleeps", "c answers", "a answers"]);
});

test("one who leaves the queue holds up nobody", async () => {
  const { members, story, letGo } = crew(["a", "b"]);
  const fleet = createFleet(members, 1);
  const leaving = new AbortController();
  const asked = [ask(fleet, "a"), ask(fleet, "b", leaving.signal), ask(fleet, "a")];
  await settle();
  assert.deepEqual(story.splice(0), ["a answers"]);
  leaving.abort();
  await settle();
  assert.deepEqual(story.splice(0), ["a answers"]);
  letGo();
  await Promise.all(asked);
  assert.deepEqual(
    (await fleet.models()).map(({ id }) => id),
    ["a", "b"],
  );
});

test("two real models in the memory of one", { timeout: 60_000 }, async (t: TestContext) => {
  const one = await scriptedEngine({ modelId: "one" });
  t.after(() => one.close());
  const two = await scriptedEngine({ modelId: "two", modelPath: one.path, lazy: true });
  t.after(() => two.close());
  await loaded(one.engine);
  assert.deepEqual([one.engine.awake, two.engine.awake], [true, false]);
  const fleet = createFleet([one.engine, two.engine], 1);
  assert.ok((await fleet.countTokens(asking("hi", { model: "two" }))).exact);
  assert.deepEqual([one.engine.awake, two.engine.awake], [false, true]);
  for (const model of ["one", "two", "one"]) {
    const { end } = await outcomeOf(fleet.generate(asking("hi", { model }), never));
    assert.deepEqual(end, { kind: "finish", reason: "stop" });
    assert.deepEqual([one.engine.awake, two.engine.awake], [model === "one", model === "two"]);
  }
});

test("a member that stays awake, whether its sleep does nothing or fails, holds up nobody", async () => {
  for (const sleep of [() => Promise.resolve(), () => Promise.reject(new Error("not tired"))]) {
    const { members, story, letGo } = crew(["a", "b"]);
    const [insomniac, other] = members;
    assert.ok(insomniac !== undefined && other !== undefined);
    insomniac.sleep = sleep;
    const fleet = createFleet([insomniac, other], 1);
    for (const model of ["a", "b", "a"]) {
      const asked = ask(fleet, model);
      await settle();
      letGo();
      await asked;
    }
    assert.deepEqual(story, ["a answers", "b answers", "a answers"]);
  }
});

test("a model that cannot be loaded leaves its room to the next", { timeout: 60_000 }, async (t: TestContext) => {
  const good = await scriptedEngine({ modelId: "good", lazy: true });
  t.after(() => good.close());
  const modelPath = join(dirname(good.path), "broken.gguf");
  await writeFile(modelPath, "GGUFnonsense".repeat(1000));
  const broken = await scriptedEngine({ modelId: "broken", modelPath, lazy: true });
  t.after(() => broken.close());
  const fleet = createFleet([broken.engine, good.engine], 1);
  const ends = ["broken", "good"].map(async (model) => {
    const { end } = await outcomeOf(fleet.generate(asking("hi", { model }), never));
    return end?.kind;
  });
  assert.deepEqual(await Promise.all(ends), ["fail", "finish"]);
});
