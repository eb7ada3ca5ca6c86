/**
 * Owns the matrix: every sample at every position of a thread, on every engine. No thread may die, no known item may get
 * lost, and no prompt may begin otherwise than the one before.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { createChatEngine } from "../../src/engine/chat/chat.ts";
import type { EngineRequest } from "../../src/engine/engine.ts";
import { createScriptEngine } from "../../src/engine/script.ts";
import { silentLog } from "../../src/log.ts";
import { at } from "../../src/spec/json.ts";
import { loaded, scriptedEngine } from "../engine/llama/engine.ts";
import { identities, scriptedServer, startUpstream } from "../engine/upstream.ts";
import { openTestDoor, says, type TestDoor } from "../http/door.ts";
import type { Sample } from "./sample.ts";
import { samples } from "./samples.ts";
import { violations } from "./strict.ts";
import { all, carryOn, positions, tapped, thread } from "./thread.ts";

/** A door, what stands behind it, and a look at what the last turn asked of it. */
interface Stand {
  readonly door: TestDoor;
  /** Throws where that breaks a rule; null where nobody can look. */
  readonly seen: () => string | null;
  /** Threads at a time: one, where somebody looks. */
  readonly width: number;
}

const stands = {
  script: async (t) => {
    const { engine, asked } = tapped(createScriptEngine(() => says("Understood.")));
    const door = await openTestDoor(t, engine);
    return { door, seen: () => promptOf(asked.at(-1)), width: 1 };
  },
  chat: async (t) => {
    const upstream = await startUpstream(scriptedServer(identities["vllm"] ?? {}));
    const engine = createChatEngine({ baseUrl: upstream.url, apiKey: null, dialect: "vllm", log: silentLog });
    t.after(async () => {
      await engine.close();
      await upstream.close();
    });
    const seen = (): string => {
      const body = upstream.received.findLast(({ path }) => path === "/v1/chat/completions")?.body;
      assert.deepEqual(violations(body), []);
      return JSON.stringify([at(body, "messages"), at(body, "tools")]);
    };
    return { door: await openTestDoor(t, engine), seen, width: 1 };
  },
  llama: async (t) => {
    const made = await scriptedEngine();
    t.after(() => made.close());
    await loaded(made.engine);
    return { door: await openTestDoor(t, made.engine), seen: () => null, width: 4 };
  },
} as const satisfies Record<string, (t: TestContext) => Promise<Stand>>;

const nameOf = ({ name }: Sample): string => name;
const itemsOf = ({ items }: Sample): readonly unknown[] => items;

for (const [place, position] of positions.entries()) {
  test(`script: each sample as the ${position} of a thread that goes on`, async (t) => {
    const { engine, asked } = tapped(createScriptEngine(() => says("Understood.")));
    const door = await openTestDoor(t, engine);
    await all(samples, 1, nameOf, async (sample) => {
      const places = positions.map((_, index) => (index === place ? sample.items : []));
      await carryOn(door, thread(...places), () => check([sample], promptOf(asked.at(-1))));
      const turns = asked.splice(0);
      // An input that ends with the assistant's own words or calls has the answer for their continuation.
      if (position !== "last") checkBeginnings(turns);
    });
    assert.deepEqual(door.complaints, []);
  });
}

/** As many threads as samples, in which each sample stands first, in the middle and last once. */
const shared = samples.map((_, index) => positions.map((_, place) => sampleAt(index + place)));
const namesOf = (group: readonly Sample[]): string => group.map(nameOf).join(" + ");

for (const name of ["chat", "llama"] as const) {
  test(`${name}: every sample at every position, three to a thread that goes on`, async (t) => {
    const { door, seen, width } = await stands[name](t);
    await all(shared, width, namesOf, (group) =>
      carryOn(door, thread(...group.map(itemsOf)), () => check(group, seen())),
    );
    assert.deepEqual(door.complaints, []);
  });
}

for (const [name, open] of Object.entries(stands)) {
  test(`${name}: all samples in one thread that goes on`, async (t) => {
    const { door, seen } = await open(t);
    await carryOn(door, samples.flatMap(itemsOf), () => check(samples, seen()));
    assert.deepEqual(door.complaints, []);
  });
}

function sampleAt(index: number): Sample {
  const sample = samples[index % samples.length];
  assert(sample);
  return sample;
}

function promptOf(request: EngineRequest | undefined): string {
  return JSON.stringify([request?.messages, request?.tools]);
}

/** Every word that must reach the model has, and none that must not. */
function check(group: readonly Sample[], prompt: string | null): void {
  if (prompt === null) return;
  const lost = group.flatMap(({ markers }) => markers.filter((word) => !prompt.includes(word)));
  const leaked = group.flatMap(({ hidden }) => hidden.filter((word) => prompt.includes(word)));
  assert(lost.length === 0, `the model does not see ${lost.join(", ")}`);
  assert(leaked.length === 0, `the model sees ${leaked.join(", ")}`);
}

/** The prompt of each turn begins that of the next, whatever stood in it: caches depend on it. */
function checkBeginnings(turns: readonly EngineRequest[]): void {
  for (const [index, { messages }] of turns.entries()) {
    const earlier = turns[index - 1]?.messages ?? [];
    assert(isDeepStrictEqual(messages.slice(0, earlier.length), earlier), `turn ${index + 1} begins otherwise`);
  }
}

test("a sample says what a model must see of it, or why that is nothing", () => {
  const odd = samples.filter(({ markers, silent }) => (markers.length === 0) === (silent === null));
  assert.deepEqual(odd, []);
});
