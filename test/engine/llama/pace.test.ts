/** Owns the tests of the pace: the engine writes a little ahead of its reader, and no further. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Inbox } from "../../../src/engine/llama/inbox.ts";
import { Job } from "../../../src/engine/llama/job.ts";
import { limits } from "../../../src/limits.ts";
import { asking } from "../asking.ts";

const newJob = (): Job => new Job(1, asking("x"), [1], false);

/** Writes until `job` is cancelled; returns how many pieces were written so far. */
function write(job: Job): () => number {
  let pieces = 0;
  void (async () => {
    while (!job.cancelled) {
      await job.advance();
      pieces += 1;
    }
  })();
  return () => pieces;
}

test("a writer stops when its reader is too far behind, and goes on when pieces are confirmed", async () => {
  const job = newJob();
  const written = write(job);
  await turn();
  assert.equal(written(), limits.engineAhead);
  job.confirm(limits.engineConfirm);
  await turn();
  assert.equal(written(), limits.engineAhead + limits.engineConfirm);
  job.cancel();
});

test("a writer that waits hears a cancel", async () => {
  const job = newJob();
  write(job);
  await turn();
  let ended = false;
  void job.advance().then(() => {
    ended = true;
  });
  await turn();
  assert.ok(!ended);
  job.cancel();
  await turn();
  assert.ok(ended);
});

test("an inbox confirms in groups what was taken, and is empty once stopped", async () => {
  const confirmed: number[] = [];
  const inbox = new Inbox((pieces) => confirmed.push(pieces));
  for (let piece = 0; piece < limits.engineConfirm * 2 + 1; piece += 1) inbox.push({ type: "piece", id: 1, text: "a" });
  for (let piece = 0; piece < limits.engineConfirm * 2; piece += 1) assert.equal((await inbox.take())?.type, "piece");
  assert.deepEqual(confirmed, [limits.engineConfirm, limits.engineConfirm]);
  const waiting = new Inbox(() => undefined);
  const next = waiting.take();
  waiting.stop();
  assert.equal(await next, null);
  inbox.stop();
  assert.equal(await inbox.take(), null);
});
