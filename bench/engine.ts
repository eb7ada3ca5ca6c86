/**
 * Owns the comparison of the embedded engine with llama-server on the same weights, threads and prompts, each through its own
 * HTTP API: reading, writing, four streams at once, and how soon the second turn of a thread answers.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { report, type Row, spread, sum } from "./figures.ts";
import { Gauged, ready } from "./gauged.ts";
import { startLlamaServer, weightsOf } from "./llama-server.ts";
import { writeRandomModel } from "./random-model.ts";

const { values } = parseArgs({
  options: {
    /** As `antiphon serve` takes it; 0.3 billion random weights otherwise. */
    model: { type: "string" },
    "llama-server": { type: "string", default: process.env["LLAMA_SERVER"] ?? "" },
    rounds: { type: "string", default: "3" },
    /** Of the prompt that is read, about; a character is a token of the random model. */
    characters: { type: "string", default: "2000" },
    tokens: { type: "string", default: "64" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const answerTokens = Number(values.tokens);
const streams = 4;

interface Message {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** An API: where and how it is asked, and where its answers tell what we need. */
interface Api {
  readonly path: string;
  readonly body: (messages: readonly Message[], tokens: number) => object;
  /** One piece of the answer's text, in JSON. */
  readonly piece: RegExp;
  readonly counts: Readonly<Record<"input" | "output" | "cached", RegExp>>;
}

const responses: Api = {
  path: "/v1/responses",
  body: (input, max_output_tokens) => ({ input, max_output_tokens, temperature: 0, store: false, stream: true }),
  piece: /"type":"response\.output_text\.delta".*?"delta":("(?:[^"\\]|\\.)*")/g,
  counts: { input: /"input_tokens":(\d+)/, output: /"output_tokens":(\d+)/, cached: /"cached_tokens":(\d+)/ },
};

const chat: Api = {
  path: "/v1/chat/completions",
  body: (messages, max_tokens) => {
    const counting = { stream: true, stream_options: { include_usage: true } };
    return { messages, max_tokens, temperature: 0, ...counting };
  },
  piece: /"content":("(?:[^"\\]|\\.)*")/g,
  counts: { input: /"prompt_tokens":(\d+)/, output: /"completion_tokens":(\d+)/, cached: /"cached_tokens":(\d+)/ },
};

/** Times in milliseconds. */
interface Answer {
  readonly text: string;
  readonly toFirst: number;
  readonly fromFirst: number;
  readonly input: number;
  readonly output: number;
  readonly cached: number;
}

interface Server {
  readonly name: "llama-server" | "antiphon";
  readonly origin: string;
  readonly api: Api;
}

async function ask({ name, origin, api }: Server, messages: readonly Message[], tokens: number): Promise<Answer> {
  const began = performance.now();
  const answer = await fetch(origin + api.path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(api.body(messages, tokens)),
  });
  let told = "";
  let first = Number.NaN;
  const decoder = new TextDecoder();
  for await (const bytes of answer.body ?? []) {
    told += decoder.decode(bytes, { stream: true });
    if (Number.isNaN(first) && told.search(api.piece) >= 0) first = performance.now();
  }
  const ended = performance.now();
  if (Number.isNaN(first)) throw new Error(`${name} answered without text: ${told.slice(-1_000)}`);
  const text = [...told.matchAll(api.piece)].map(([, json = '""']) => JSON.parse(json) as string).join("");
  // Only the last event has the counts: before it they are zero, or not there.
  const end = told.slice(told.lastIndexOf("data: {"));
  const count = (what: keyof Api["counts"]): number => Number(api.counts[what].exec(end)?.[1] ?? 0);
  const counts = { input: count("input"), output: count("output"), cached: count("cached") };
  return { text, toFirst: first - began, fromFirst: ended - first, ...counts };
}

/** What was measured, of whom, in each round. */
const measured = new Map<string, Record<Server["name"], number[]>>();

function note(what: string, { name }: Server, value: number): void {
  const of = measured.get(what) ?? { "llama-server": [], antiphon: [] };
  of[name].push(value);
  measured.set(what, of);
}

let prompts = 0;

/** A prompt that has not been read before, not even its beginning. */
function fresh(characters: number): Message {
  prompts += 1;
  return { role: "user", content: `${prompts}. ${"Tell me of the fox. ".repeat(characters / 20)}` };
}

async function measure(server: Server): Promise<void> {
  const first = [fresh(Number(values.characters))];
  const one = await ask(server, first, answerTokens);
  note("reading", server, (one.input / one.toFirst) * 1000);
  note("writing", server, ((one.output - 1) / one.fromFirst) * 1000);
  const again: Message[] = [...first, { role: "assistant", content: one.text }, { role: "user", content: "And then?" }];
  const second = await ask(server, again, 2);
  note("turn 2", server, second.toFirst);
  note("turn 2 cached", server, second.cached / second.input);
  const began = performance.now();
  const many = await Promise.all(Array.from({ length: streams }, () => ask(server, [fresh(20)], answerTokens)));
  note("streams", server, (sum(many.map(({ output }) => output)) / (performance.now() - began)) * 1000);
}

function row(name: string, what: string, unit: string, better?: "more" | "less"): Row {
  const values = measured.get(what) ?? { "llama-server": [], antiphon: [] };
  const figures = { "llama-server": spread(values["llama-server"]), antiphon: spread(values.antiphon) };
  const value = figures.antiphon.median / figures["llama-server"].median;
  return { name, unit, figures, ...(better && { verdict: { value, aim: 1, better } }) };
}

async function compare(model: string): Promise<void> {
  const slots = String(streams);
  const words = ["serve", "--model", model, "--port", "0", "--threads", "1", "--slots", slots, "--ctx", "8192"];
  await using ours = await Gauged.start("../src/main.ts", [...words, "--log-level", "error"]);
  await ready(ours.origin);
  const room = ["--parallel", slots, "--ctx-size", String(8192 * streams)];
  await using theirs = await startLlamaServer(values["llama-server"], model, room);
  const servers: readonly Server[] = [
    { name: "llama-server", origin: theirs.address, api: chat },
    { name: "antiphon", origin: ours.origin, api: responses },
  ];
  for (const server of servers) await ask(server, [fresh(200)], 8);
  for (let done = 0; done < rounds; done += 1) for (const server of servers) await measure(server);
}

/** Compares on the model that was named, or on random weights that are written for the occasion. */
async function run(): Promise<void> {
  if (values.model !== undefined) return compare(await weightsOf(values.model));
  const folder = await mkdtemp(join(tmpdir(), "antiphon-engine-"));
  try {
    const random = join(folder, "random.gguf");
    await writeRandomModel(random);
    await compare(random);
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (values["llama-server"] === "") {
  process.stderr.write("llama-server not found: name it with --llama-server or LLAMA_SERVER.\n");
  process.exitCode = 1;
} else {
  await run();
  const rows = [
    row("Reading a prompt, to llama-server", "reading", "tokens/s", "more"),
    row("Writing, to llama-server", "writing", "tokens/s", "more"),
    row(`Writing ${streams} streams, to llama-server`, "streams", "tokens/s", "more"),
    row("Turn 2, to its first token, to llama-server", "turn 2", "ms", "less"),
    row("Turn 2, share of the prompt found in the cache", "turn 2 cached", ""),
  ];
  const model = values.model ?? "Random weights";
  report(`${model}, one thread: medians of ${rounds} rounds (least to most)`, rows, values.json);
}
