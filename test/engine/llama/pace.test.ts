/** Owns the tests of the pace: the engine writes a little ahead of its reader, and no further. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { plainForm } from "../../../src/engine/format/forms.ts";
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
      await job.caughtUp();
      if (!job.cancelled) job.advance();
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
  void job.caughtUp().then(() => {
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

test("an inbox keeps the last of the progress that nobody took", async () => {
  const inbox = new Inbox(() => undefined);
  for (let ahead = 1000; ahead > 0; ahead -= 1) inbox.push({ type: "queued", id: 1, ahead });
  for (let done = 0; done <= 1000; done += 1) inbox.push({ type: "prefill", id: 1, done, total: 1000 });
  inbox.push({ type: "started", id: 1, thinking: false, form: plainForm });
  assert.deepEqual(await inbox.take(), { type: "prefill", id: 1, done: 1000, total: 1000 });
  assert.equal((await inbox.take())?.type, "started");
});

test("a job is told its place at once, and then where that says something new", () => {
  const job = newJob();
  const told = Array.from({ length: 1000 }, (_, index) => 1000 - index).filter((place) => job.movedTo(place));
  assert.equal(told[0], 1000);
  assert.deepEqual(told.slice(-8), [8, 7, 6, 5, 4, 3, 2, 1]);
  assert.ok(told.length < 60, `told ${told.length} times`);
  assert.ok(!job.movedTo(1), "it did not move");
});
