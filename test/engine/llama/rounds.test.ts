/** Owns the tests of rounds: all take a step together, nobody waits for one who is gone or away, and a lone one never waits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as pause } from "node:timers/promises";
import { Rounds } from "../../../src/engine/llama/rounds.ts";

test("a step begins when all who are under way are ready for it", async () => {
  const rounds = new Rounds();
  const steps: string[] = [];
  const step = async (who: string): Promise<void> => {
    await rounds.turn();
    steps.push(who);
  };
  rounds.enter();
  assert.ok(rounds.alone);
  await step("a");
  rounds.enter();
  assert.ok(!rounds.alone);
  const first = step("a");
  await pause();
  assert.deepEqual(steps, ["a"]);
  await Promise.all([first, step("b")]);
  assert.deepEqual(steps, ["a", "a", "b"]);
});

test("nobody waits for one who left, or who waits for its reader", async () => {
  const rounds = new Rounds();
  rounds.enter();
  rounds.enter();
  const left = rounds.turn();
  rounds.leave();
  await left;
  rounds.enter();
  const reader = Promise.withResolvers<void>();
  const away = rounds.without(() => reader.promise);
  await rounds.turn();
  reader.resolve();
  await away;
  const held = rounds.turn();
  let began = false;
  void held.then(() => {
    began = true;
  });
  await pause();
  assert.ok(!began, "it is back, and waited for");
  await Promise.all([held, rounds.turn()]);
});
