/** Owns the tests of one answer's writing in a slot that is made up: its pace, and its end in the middle of a long prompt. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Sequence, Token } from "../../../src/engine/llama/binding.ts";
import { plainForm } from "../../../src/engine/format/forms.ts";
import { Job } from "../../../src/engine/llama/job.ts";
import type { Report } from "../../../src/engine/llama/protocol.ts";
import { Pulse } from "../../../src/engine/llama/pulse.ts";
import type { Runtime } from "../../../src/engine/llama/runtime.ts";
import { Rounds } from "../../../src/engine/llama/rounds.ts";
import { Stride } from "../../../src/engine/llama/stride.ts";
import { writeAnswer } from "../../../src/engine/llama/writer.ts";
import { limits } from "../../../src/limits.ts";
import { asking } from "../asking.ts";

/** A model of one token, "a", that never ends. */
const runtime = {
  defaults: {},
  stride: { tokens: () => 256, took: () => undefined },
  rounds: new Rounds(),
  guide: () => Promise.resolve(null),
  vocabulary: {
    form: plainForm,
    isMark: () => false,
    quote: (text: string) => text,
    isSilent: () => false,
    detokenize: (tokens: readonly Token[]) => "a".repeat(tokens.length),
  },
} as unknown as Runtime;

/** A slot that has read nothing; `onChunk` hears of each chunk of the prompt. */
function slot(onChunk: (tokens: number) => void = () => undefined): Sequence & { sampled: number } {
  return {
    sampled: 0,
    contextSize: 1_000_000,
    contextTokens: [],
    nextTokenIndex: 0,
    adaptStateToTokens: () => Promise.resolve(),
    clearHistory: () => Promise.resolve(),
    getRestoreToPrefixIndexEvaluationSize: () => 0,
    needsCheckpoints: false,
    takeCheckpoint: () => Promise.resolve(),
    saveStateToFile: () => Promise.resolve({ fileSize: 0 }),
    loadStateFromFile: () => Promise.resolve(),
    dispose: () => Promise.resolve(),
    async evaluateWithoutGeneratingNewTokens(tokens) {
      await turn();
      onChunk(tokens.length);
    },
    async *evaluateWithMetadata() {
      for (;;) {
        await turn();
        this.sampled += 1;
        yield { token: 1 };
      }
    },
  };
}

const jobOf = (tokens: number): Job => new Job(1, asking("x"), Array<Token>(tokens).fill(1), false);

test("nothing is sampled beyond what the reader may be behind, and a cancel ends the wait", async () => {
  const job = jobOf(2);
  const sequence = slot();
  const reports: Report[] = [];
  const written = writeAnswer({ runtime, sequence, job, report: (report) => reports.push(report) });
  const pieces = (): number => reports.filter(({ type }) => type === "piece").length;
  for (let turns = 0; turns < 4 * limits.engineAhead; turns += 1) await turn();
  assert.equal(pieces(), limits.engineAhead);
  assert.equal(sequence.sampled, limits.engineAhead + 1, "one token is held until there is room for it");
  job.confirm(limits.engineConfirm);
  for (let turns = 0; turns < 4 * limits.engineAhead; turns += 1) await turn();
  assert.equal(pieces(), limits.engineAhead + limits.engineConfirm);
  job.cancel();
  await written;
  assert.equal(pieces(), limits.engineAhead + limits.engineConfirm);
  assert.ok(reports.every(({ type }) => type !== "done"));
});

test("how long llama.cpp has been at a step is known, and nothing between steps", async () => {
  const job = jobOf(2 * runtime.stride.tokens(true));
  const gate = Promise.withResolvers<void>();
  const sequence: Sequence = { ...slot(), evaluateWithoutGeneratingNewTokens: () => gate.promise };
  assert.equal(job.stuckMs, 0);
  const written = writeAnswer({ runtime, sequence, job, report: () => undefined });
  while (job.stuckMs === 0) await turn();
  const before = job.stuckMs;
  while (job.stuckMs === before) await turn();
  job.cancel();
  gate.resolve();
  await written;
  assert.equal(job.stuckMs, 0);
});

test("a process whose step takes too long counts as hung, once", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const seen = { pings: 0, hangs: 0 };
  const pulse = new Pulse({
    ping: () => (seen.pings += 1),
    onHang: () => (seen.hangs += 1),
    pingMs: 10,
    stuckMs: 1_000,
  });
  pulse.heard(5_000);
  assert.equal(seen.hangs, 0, "there is no work");
  pulse.start();
  t.mock.timers.tick(30);
  pulse.heard(999);
  assert.deepEqual(seen, { pings: 3, hangs: 0 });
  pulse.heard(1_000);
  pulse.heard(2_000);
  t.mock.timers.tick(30);
  assert.deepEqual(seen, { pings: 3, hangs: 1 });
});

test("chunks of a prompt become as large as a moment allows", () => {
  const stride = new Stride();
  const { first, least, alone, most, ms } = limits.prefillStride;
  /** A machine that reads so many tokens in a second. */
  const read = (speed: number): number => {
    for (let step = 0; step < 20; step += 1) stride.took(stride.tokens(false), (stride.tokens(false) / speed) * 1000);
    return stride.tokens(false);
  };
  assert.equal(stride.tokens(false), first);
  assert.equal(read(1_000), ms);
  assert.equal(read(1_000_000), most);
  assert.equal(read(5), least);
  stride.took(1, 10_000);
  assert.deepEqual([stride.tokens(false), stride.tokens(true)], [least, alone]);
  stride.took(least, 0);
  assert.equal(stride.tokens(false), 2 * least, "one step does not say it all");
});

test("a prompt is read in chunks, and a cancel ends it after the chunk under way", async () => {
  const job = jobOf(10 * runtime.stride.tokens(true));
  const chunks: number[] = [];
  const sequence = slot((tokens) => {
    chunks.push(tokens);
    if (chunks.length === 2) job.cancel();
  });
  const reports: Report[] = [];
  await writeAnswer({ runtime, sequence, job, report: (report) => reports.push(report) });
  assert.deepEqual(chunks, [runtime.stride.tokens(true), runtime.stride.tokens(true)]);
  assert.equal(sequence.sampled, 0);
  assert.ok(reports.every(({ type }) => type === "prefill"));
});
