/**
 * Owns the matrix: every sample at every position of a thread, on every engine. No thread may die, no known item may get
 * lost, and no prompt may begin otherwise than the one before.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { EngineRequest } from "../../src/engine/engine.ts";
import { createScriptEngine } from "../../src/engine/script.ts";
import { openTestDoor, says } from "../http/door.ts";
import { rendered } from "./rendered.ts";
import type { Sample } from "./sample.ts";
import { samples } from "./samples.ts";
import { promptOf, stands } from "./stands.ts";
import { all, carryOn, positions, tapped, thread } from "./thread.ts";

const nameOf = ({ name }: Sample): string => name;
const itemsOf = ({ items }: Sample): readonly unknown[] => items;

for (const [place, position] of positions.entries()) {
  test(`script: each sample as the ${position} of a thread that goes on`, async (t) => {
    const { engine, asked } = tapped(createScriptEngine(() => says("Understood.")));
    const door = await openTestDoor(t, engine);
    await all(samples, 1, nameOf, async (sample) => {
      asked.length = 0;
      const places = positions.map((_, index) => (index === place ? sample.items : []));
      await carryOn(door, thread(...places), () => check([sample], promptOf(asked.at(-1))));
      // An input that ends with the assistant's own words or calls has the answer for their continuation.
      if (position !== "last") checkBeginnings(asked);
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

test("references stand for what was stored, in every form that clients write them", async (t) => {
  const { door, seen } = await stands.script(t);
  const fruits = [fruit("msg_a", "apple"), fruit("msg_b", "banana"), fruit("msg_c", "cherry")];
  const stored = await door.ask({ input: fruits });
  assert.equal(stored.status, 200);
  const input = [
    { type: "item_reference", id: "msg_a" },
    { id: "msg_b" },
    { type: null, id: "msg_c" },
    { role: "user", content: "And now?" },
  ];
  await carryOn(door, input, () => assert.match(seen(), /apple.*banana.*cherry.*And now/));
});

function fruit(id: string, content: string): object {
  return { type: "message", id, role: "user", content };
}

test("a sample says what a model must see of it, or why that is nothing", () => {
  const odd = samples.filter(({ markers, silent }) => (markers.length === 0) === (silent === null));
  assert.deepEqual(odd, []);
});

test("the table of what each sample is rendered as: the same each time, and nothing only where that is right", async () => {
  const table = await rendered();
  assert.deepEqual(await rendered(), table);
  const lost = samples.filter(({ name, silent }) => silent === null && table.get(name) === "nothing");
  assert.deepEqual(lost, []);
});
