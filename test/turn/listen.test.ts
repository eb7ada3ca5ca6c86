/** Owns the tests of listening: how an engine that throws, never loads, or is no longer wanted is heard and left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delta } from "../../src/engine/engine.ts";
import { silentLog } from "../../src/log.ts";
import { type Ending, type Heard, listen, type OfItem } from "../../src/turn/listen.ts";

const open: Delta = { kind: "open", key: 0, item: { type: "message" } };
const text: Delta = { kind: "text", key: 0, text: "Hi" };
const finish: Delta = { kind: "finish", reason: "stop" };
const loading: Delta = { kind: "progress", stage: "loading", done: 0, total: 1 };
const { signal } = new AbortController();

/** `hear` of a source with the values `deltas`; notes whether it was left. */
function source(deltas: () => AsyncGenerator<Delta>): {
  readonly iterable: AsyncIterable<Delta>;
  readonly left: () => boolean;
} {
  let left = false;
  async function* watched(): AsyncGenerator<Delta> {
    try {
      yield* deltas();
    } finally {
      left = true;
    }
  }
  return { iterable: watched(), left: () => left };
}

function hear(
  iterable: AsyncIterable<Delta>,
  patienceMs = Infinity,
  take: (delta: OfItem) => Ending | null = () => null,
): Promise<Heard> {
  return listen(iterable, { signal, patienceMs, log: silentLog, take, room: () => null });
}

test("an engine that throws ends the answer; what was handed on stays", async () => {
  const taken: string[] = [];
  const { iterable } = source(async function* () {
    yield* [open, text];
    throw new Error("broken");
  });
  const { end } = await hear(iterable, Infinity, ({ kind }) => {
    taken.push(kind);
    return null;
  });
  assert.deepEqual([end.code, taken], ["server_error", ["open", "text"]]);
});

test("an engine that throws when it is left takes nothing from the answer", async () => {
  const deltas = [open, text, finish].values();
  const iterable: AsyncIterable<Delta> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve(deltas.next()),
      return: () => Promise.reject(new Error("broken")),
    }),
  };
  assert.deepEqual(await hear(iterable), { end: { code: "finish", reason: "stop" }, usage: null });
});

test("while there is no room, nothing more is asked for", async () => {
  let given = 0;
  const { iterable } = source(async function* () {
    for (const delta of [open, text, finish]) {
      given += 1;
      yield await Promise.resolve(delta);
    }
  });
  const reads = Promise.withResolvers<void>();
  const heard = listen(iterable, {
    signal,
    patienceMs: Infinity,
    log: silentLog,
    take: () => null,
    room: () => (given === 2 ? reads.promise : null),
  });
  for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
  assert.equal(given, 2);
  reads.resolve();
  assert.equal((await heard).end.code, "finish");
});

test("what goes wrong in taking is no fault of the engine's", async () => {
  const { iterable, left } = source(async function* () {
    yield* [open, text];
  });
  await assert.rejects(
    hear(iterable, Infinity, () => {
      throw new Error("ours");
    }),
    /ours/,
  );
  assert.ok(left());
});

test("whoever takes can end the answer: the engine is left, and is not asked for more", async () => {
  const { iterable, left } = source(async function* () {
    yield* [open, text, text, finish];
  });
  let taken = 0;
  const { end } = await hear(iterable, Infinity, () => {
    taken += 1;
    return taken === 2 ? { code: "finish", reason: "length" } : null;
  });
  assert.deepEqual([end, taken, left()], [{ code: "finish", reason: "length" }, 2, true]);
});

test("a model that is not loaded in time is given up, even by an engine that tells nothing more", async () => {
  const stop = Promise.withResolvers<void>();
  const { iterable, left } = source(async function* () {
    yield loading;
    await stop.promise;
    yield* [open, text, finish];
  });
  const { end } = await hear(iterable, 5);
  assert.deepEqual([end.code, left()], ["model_loading", false]);
  stop.resolve();
  while (!left()) await new Promise(setImmediate);
});

test("a model that was loaded in time may answer for as long as it likes", async () => {
  const { iterable } = source(async function* () {
    yield* [loading, open];
    await new Promise((resolve) => setTimeout(resolve, 30));
    yield* [text, finish];
  });
  assert.deepEqual((await hear(iterable, 5)).end, { code: "finish", reason: "stop" });
});
