/** Owns the proof of the store in memory: the suite of all stores, and what it forgets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryStore } from "../../src/store/memory.ts";
import { message, storeConformance, turn } from "./conformance.ts";

storeConformance("memory", () => createMemoryStore());

test("beyond its capacity the oldest turn is forgotten, with its items", async () => {
  const store = createMemoryStore(2);
  for (const at of [1, 2, 3]) await store.append(turn(`resp_${at}`, [message(`msg_${at}`, "hi")]));
  assert.equal(await store.get("resp_1"), null);
  assert.equal(await store.item("msg_1"), null);
  assert.ok(await store.get("resp_2"));
  assert.ok(await store.item("msg_3"));
});

test("an item that a newer turn repeats outlives the older one", async () => {
  const store = createMemoryStore(1);
  await store.append(turn("resp_1", [message("msg_123", "old")]));
  await store.append(turn("resp_2", [message("msg_123", "new")]));
  assert.deepEqual(await store.item("msg_123"), message("msg_123", "new"));
});

test("beyond its memory the oldest turns are forgotten, but never the newest", async () => {
  const store = createMemoryStore(100, 15_000);
  for (const at of [1, 2, 3]) await store.append(turn(`resp_${at}`, [message(`msg_${at}`, "x".repeat(4_000))]));
  assert.equal(await store.get("resp_1"), null);
  assert.ok(await store.get("resp_2"));
  await store.append(turn("resp_4", [message("msg_4", "x".repeat(40_000))]));
  assert.deepEqual([await store.get("resp_2"), await store.get("resp_3")], [null, null]);
  assert.ok(await store.get("resp_4"));
});

test("items that many turns repeat are forgotten with the last of them", async () => {
  const store = createMemoryStore(3);
  for (const at of [1, 2, 3, 4]) await store.append(turn(`resp_${at}`, [message("msg_1", `${at}`)]));
  await store.delete("resp_3");
  assert.deepEqual(await store.item("msg_1"), message("msg_1", "4"));
  await store.delete("resp_4");
  assert.deepEqual(await store.item("msg_1"), message("msg_1", "2"));
  await store.delete("resp_2");
  assert.equal(await store.item("msg_1"), null);
});

test("what is kept cannot be changed by those who read it", async () => {
  const store = createMemoryStore();
  await store.append(turn("resp_1", [message("msg_1", "hi")]));
  const kept = await store.get("resp_1");
  assert.throws(() => Object.assign(kept?.input[0] ?? {}, { role: "system" }), TypeError);
  assert.deepEqual(await store.item("msg_1"), message("msg_1", "hi"));
});
