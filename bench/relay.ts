/**
 * Owns the price of the way through us: a relay of an upstream's streams, held against the bare minimum of one in the same
 * run. In a flood we join the tokens that one read brings, and the floor does not. Upstream, floor, and our server are processes of their own; the load comes from this one.
 */
import { parseArgs } from "node:util";
import { quantile, report, type Row, type Spread, spread } from "./figures.ts";
import { Gauged } from "./gauged.ts";
import { type Ask, askMany, chat, responses, type Target, type Took } from "./relay/load.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    /** Of paced streams, in each round. */
    seconds: { type: "string", default: "5" },
    /** Ours, as it is published. */
    program: { type: "string", default: "../dist/main.js" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);

/** Tokens of an answer in a flood, and how many answers each stream takes. */
const flood = { model: "flood", tokens: 500, stream: true } as const satisfies Ask;
const answersPerStream = 4;
const drip = { ...flood, model: "drip" } as const satisfies Ask;
const paced = { model: "paced", tokens: 50 * Number(values.seconds), stream: true } as const satisfies Ask;
const short = { model: "flood", tokens: 16 } as const;
/** One after the other, of each kind and in each round. */
const singles = 100;
/** Before anything counts: so many that no compiler of the engine has work left. */
const warmUps = 256;
const manyStreams = 64;

type Name = "upstream" | "floor" | "antiphon";
type Relay = Exclude<Name, "upstream">;
const relays = ["floor", "antiphon"] as const satisfies readonly Relay[];

await using upstream = await Gauged.start("relay/upstream.ts");
await using floor = await Gauged.start("relay/floor.ts", [upstream.origin]);
const way = ["--upstream", upstream.origin, "--dialect", "generic"];
const words = ["serve", "--port", "0", "--log-level", "error", ...way];
await using antiphon = await Gauged.start(values.program, words);
const programs = { floor, antiphon } as const satisfies Record<Relay, Gauged>;
const targets: Readonly<Record<Name, Target>> = {
  upstream: chat(upstream.origin),
  floor: responses(floor.origin),
  antiphon: responses(antiphon.origin),
};

/** Values of each round by what was measured and of whom. */
const measured = new Map<string, Map<Name, number[]>>();

function note(what: string, who: Name, value: number): void {
  const of = measured.get(what) ?? new Map<Name, number[]>();
  measured.set(what, of.set(who, [...(of.get(who) ?? []), value]));
}

function noted(what: string, who: Name): Spread {
  return spread(measured.get(what)?.get(who) ?? []);
}

const milliseconds = (took: readonly Took[], what: keyof Took): number =>
  quantile(
    took.map((each) => each[what]),
    0.5,
  );

/** One request after the other: what a relay adds to each. */
async function latency(): Promise<void> {
  for (const who of ["upstream", ...relays] as const) {
    note("whole", who, milliseconds(await askMany(targets[who], { ...short, stream: false }, 1, singles), "whole"));
    const streamed = await askMany(targets[who], { ...short, stream: true }, 1, singles);
    note("first event", who, milliseconds(streamed, "firstByte"));
    note("first token", who, milliseconds(streamed, "firstToken"));
  }
  for (const what of ["whole", "first event", "first token"]) {
    for (const who of relays) note(`added ${what}`, who, last(what, who) - last(what, "upstream"));
  }
}

function last(what: string, who: Name): number {
  return measured.get(what)?.get(who)?.at(-1) ?? Number.NaN;
}

/** Runs `work` and notes what a token of it costs `who`. */
async function gauged(name: string, who: Relay, work: () => Promise<readonly Took[]>, what: Ask): Promise<void> {
  const before = await programs[who].used();
  const began = performance.now();
  const took = await work();
  const seconds = (performance.now() - began) / 1000;
  const { cpuMicroseconds } = await programs[who].used();
  const tokens = took.length * what.tokens;
  note(`${name} cpu`, who, (cpuMicroseconds - before.cpuMicroseconds) / tokens);
  note(`${name} speed`, who, tokens / seconds);
  note(`${name} bytes`, who, took.reduce((sum, { bytes }) => sum + bytes, 0) / tokens);
  const wholes = took.map(({ whole }) => whole);
  note(`${name} tail`, who, quantile(wholes, 0.99) / quantile(wholes, 0.5));
}

const floodSizes = [1, 8, 32, manyStreams] as const;

async function round(): Promise<void> {
  await latency();
  for (const who of relays) {
    for (const streams of floodSizes) {
      const work = (): Promise<Took[]> => askMany(targets[who], flood, streams, streams * answersPerStream);
      await gauged(`flood ${streams}`, who, work, flood);
    }
    const work = (): Promise<Took[]> => askMany(targets[who], drip, manyStreams, manyStreams * answersPerStream);
    await gauged("drip", who, work, drip);
    await gauged("paced", who, () => askMany(targets[who], paced, manyStreams, manyStreams), paced);
  }
}

async function warmUp(): Promise<void> {
  for (const who of ["upstream", ...relays] as const) {
    await askMany(targets[who], drip, manyStreams, warmUps);
    await askMany(targets[who], { ...short, stream: false }, manyStreams, warmUps);
    await askMany(targets[who], paced, manyStreams, manyStreams);
  }
}

/** A row that compares us with the floor. */
function compared(name: string, what: string, unit: string, aim: number): Row {
  const figures = { floor: noted(what, "floor"), antiphon: noted(what, "antiphon") };
  return {
    name,
    unit,
    figures,
    verdict: { value: figures.antiphon.median / figures.floor.median, aim, better: "less" },
  };
}

/** A row that only tells, or holds our own figure against an aim. */
function told(name: string, what: string, unit: string, aim: number | null = null): Row {
  const figures = { floor: noted(what, "floor"), antiphon: noted(what, "antiphon") };
  return {
    name,
    unit,
    figures,
    ...(aim !== null && { verdict: { value: figures.antiphon.median, aim, better: "less" } }),
  };
}

await warmUp();
for (let done = 0; done < rounds; done += 1) await round();
for (const who of relays) note("peak", who, (await programs[who].used()).peakMiB);
report(
  `Relay of an upstream's streams: medians of ${rounds} rounds (least to most)`,
  [
    ...floodSizes.map((streams) => told(`Speed, flood of ${streams}`, `flood ${streams} speed`, "tokens/s")),
    compared(`CPU per token, flood of ${manyStreams}, to the floor`, `flood ${manyStreams} cpu`, "us", 2),
    compared(`CPU per token, ${manyStreams} streams of single tokens, to the floor`, "drip cpu", "us", 2),
    compared(`CPU per token, ${manyStreams} streams of 50 tokens/s, to the floor`, "paced cpu", "us", 1.3),
    compared("Added to a whole answer that is not streamed, to the floor", "added whole", "ms", 1.5),
    compared("Added to the first event, to the floor", "added first event", "ms", 1.5),
    compared("Added to the first token, to the floor", "added first token", "ms", 1.5),
    told(`p99 to p50 of whole answers, flood of ${manyStreams}`, `flood ${manyStreams} tail`, "", 2),
    told("Bytes per token", "paced bytes", "", 330),
    told("Peak of memory", "peak", "MiB", 150),
  ],
  values.json,
);
