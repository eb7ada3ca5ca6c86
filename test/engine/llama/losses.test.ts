/** Owns the test that a thread which must be read again is told to the operator, with the reason. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import { asking, user } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";
import { withEngine } from "./engine.ts";

test("a thread whose beginning changed, or whose place was taken, is told in the log", async () => {
  const told: Readonly<Record<string, unknown>>[] = [];
  const log = { ...silentLog, info: (message: string, fields = {}) => told.push({ message, ...fields }) };
  const losses = (): unknown[] =>
    told.splice(0).flatMap(({ message, why }) => (/is lost/.test(String(message)) ? [why] : []));
  await withEngine({ log, slots: 1 }, async ({ engine }) => {
    const ask = async (affinity: string, ...texts: readonly string[]): Promise<void> => {
      const { end } = await outcomeOf(
        engine.generate(asking(texts.map(user), { affinity }), AbortSignal.timeout(60_000)),
      );
      assert.equal(end?.kind, "finish");
    };
    const long = "word ".repeat(40);
    await ask("a", "one", long);
    await ask("a", "one", long, "more");
    assert.deepEqual(losses(), []);
    await ask("a", "two", long);
    assert.deepEqual(losses(), ["changed"]);
    await ask("b", "three", long);
    assert.deepEqual(losses(), []);
    await ask("a", "two", long, "more");
    assert.deepEqual(losses(), ["evicted"]);
  });
});
