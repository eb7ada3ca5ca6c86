/**
 * Owns the prefix bench: a thread as Codex leads it, which replays its whole history in every request, against the embedded
 * engine. Each request should read only what is new; told are the tokens read and those found in the cache.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { at, countOf, type Fields, fieldsOf, listOf } from "../src/spec/json.ts";
import { writeScriptedModel } from "../src/model/scripted.ts";
import { report, type Row, spread, sum } from "./figures.ts";
import { Gauged, ready } from "./gauged.ts";

const { values } = parseArgs({
  options: {
    /** A file each, such as Qwen3.5's own; always, the scripted model's. */
    template: { type: "string", multiple: true, default: [] },
    /** `none` where a template opens the thinking itself: the scripted model can then say nothing. */
    effort: { type: "string", default: "medium" },
    requests: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
const requests = Number(values.requests);

/** Share of the prompts that requests may expect in the cache. */
const aim = 0.95;
/** Requests before which a developer message is put in, as Codex does when permissions or the folder change. */
const developerAt = new Set([7, 14]);
/** About what Codex sends: instructions and tools first, then outputs of commands. */
const instructions = "You are a coding agent. Be brief, and use the tools. ".repeat(150);
const listing = (request: number): string => `src/file-${request}.ts: 120 lines\n`.repeat(30);
const city = { city: { type: "string", description: "Name of the city" } };
const tools = [
  { type: "function", name: "get_weather", parameters: { type: "object", properties: city, required: ["city"] } },
];

interface Read {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** One request; returns the items of its answer, and its counts. */
async function request(origin: string, input: readonly object[]): Promise<{ output: readonly Fields[]; read: Read }> {
  const reasoning = { effort: values.effort };
  const body = { input, instructions, tools, reasoning, store: false, include: ["reasoning.encrypted_content"] };
  const answer = await fetch(`${origin}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", "thread-id": "bench" },
    body: JSON.stringify({ ...body, max_output_tokens: 200 }),
  });
  const response: unknown = await answer.json();
  if (!answer.ok) throw new Error(JSON.stringify(response));
  const count = (...path: readonly string[]): number => countOf(at(response, "usage", ...path)) ?? 0;
  const cached = count("input_tokens_details", "cached_tokens");
  const read = { input: count("input_tokens"), cached, output: count("output_tokens") };
  return { output: listOf(fieldsOf(response)["output"]), read };
}

const message = (role: string, text: string): object => ({ type: "message", role, content: text });

/** What a client adds to its history before request `number`: outputs of the calls it was given, or a word of the user. */
function news(number: number, answered: readonly Fields[]): readonly object[] {
  const developer = developerAt.has(number) ? [message("developer", `The folder is now /src/${number}.`)] : [];
  const outputs = answered
    .filter(({ type }) => type === "function_call")
    .map(({ call_id }) => ({ type: "function_call_output", call_id, output: listing(number) }));
  if (outputs.length > 0) return [...outputs, ...developer];
  const wish = ["[[tool]] List the files.", "[[think]] Why?", "Go on."][number % 3] ?? "";
  return [...developer, message("user", wish)];
}

/** Leads the thread; the counts of each request. */
async function lead(origin: string): Promise<readonly Read[]> {
  const history: object[] = [];
  const reads: Read[] = [];
  let answered: readonly Fields[] = [];
  for (let number = 0; number < requests; number += 1) {
    history.push(...news(number, answered));
    const { output, read } = await request(origin, history);
    history.push(...output);
    answered = output;
    reads.push(read);
  }
  return reads;
}

/** The rows of one template: what was read of all prompts, and how much of each was found again by the next request. */
function rows(name: string, reads: readonly Read[]): readonly Row[] {
  const later = reads.slice(1).map((read, index) => ({ cached: read.cached, known: reads[index]?.input ?? 0 }));
  const cached = sum(later.map((each) => each.cached));
  const shares = spread(later.map((each) => each.cached / each.known));
  const lost = spread(later.map((each) => Math.max(0, each.known - each.cached)));
  const read = spread([sum(reads.map((each) => each.input - each.cached))]);
  return [
    { name: `${name}: tokens`, unit: "", figures: { read, "from the cache": spread([cached]) } },
    { name: `${name}: known tokens that a request read again`, unit: "", figures: { antiphon: lost } },
    {
      name: `${name}: share of known tokens found in the cache, over all; below, by request`,
      unit: "",
      figures: { antiphon: shares },
      verdict: { value: cached / sum(later.map((each) => each.known)), aim, better: "more" },
    },
  ];
}

function table(name: string, reads: readonly Read[]): string {
  const lines = reads.map(({ input, cached, output }, number) => {
    const cells = [number + 1, input, cached, input - cached, output];
    return cells.map((cell) => String(cell).padStart(8)).join("");
  });
  const head = ["request", "prompt", "cached", "read", "answer"].map((cell) => cell.padStart(8)).join("");
  return `${name}\n${head}\n${lines.join("\n")}\n\n`;
}

const folder = await mkdtemp(join(tmpdir(), "antiphon-prefix-"));
try {
  const all: Row[] = [];
  for (const template of [null, ...values.template]) {
    const name = template === null ? "ChatML" : basename(template);
    const model = join(folder, `${all.length}.gguf`);
    await writeScriptedModel(model, template === null ? {} : { template: await readFile(template, "utf8") });
    const words = ["serve", "--model", model, "--port", "0", "--threads", "1", "--log-level", "error"];
    await using server = await Gauged.start("../src/main.ts", words);
    await ready(server.origin);
    const reads = await lead(server.origin);
    if (!values.json) process.stdout.write(table(name, reads));
    all.push(...rows(name, reads));
  }
  report(`A thread of ${requests} requests that replays its history`, all, values.json);
} finally {
  await rm(folder, { recursive: true });
}
