/** Owns the tests of reading an answer: each behaviour of the table, whole, byte by byte, and at any split. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as fc from "fast-check";
import type { Answer } from "../../../src/engine/chat/answer.ts";
import { ChatReader } from "../../../src/engine/chat/reader.ts";
import { readAnswer } from "../../../src/engine/chat/stream.ts";
import type { Delta } from "../../../src/engine/engine.ts";
import { type Outcome, outcomeOf } from "../grammar.ts";
import { chunk, event } from "../upstream.ts";
import { behaviours } from "./behaviours.ts";
import { done, end } from "./wire.ts";

const neverAborted = new AbortController().signal;

const hour = 3_600_000;

function read(body: Readable, type = "text/event-stream; charset=utf-8", graceMs = hour): AsyncIterable<Delta> {
  const reader = new ChatReader({
    address: "http://upstream/v1",
    redact: (text) => text,
    promptChars: () => 100,
    tokenPerChunk: true,
    onEstimate: () => undefined,
  });
  return readAnswer(answerOf(body, type), reader, graceMs, neverAborted);
}

function answerOf(body: Readable, type: string): Answer {
  return {
    status: 200,
    headers: { "content-type": type },
    read: (reader) => {
      body
        .on("data", (bytes: Buffer) => reader.data(bytes))
        .on("end", () => reader.end())
        .on("error", (error) => reader.broke(error))
        .on("close", () => reader.broke(new Error("it was closed")));
    },
    pause: () => body.pause(),
    resume: () => body.resume(),
    leave: () => body.destroy(),
    skipRest: () => body.resume(),
  };
}

const streamOf = (sent: readonly unknown[]): Buffer =>
  Buffer.from(sent.map((part) => (typeof part === "string" ? part : event(part))).join(""));
const progress = (processed: number): string => event({ choices: [], prompt_progress: { total: 20, processed } });
const whole = (bytes: Buffer): Readable => Readable.from([bytes], { objectMode: false });

async function collect(deltas: AsyncIterable<Delta>): Promise<Delta[]> {
  const collected: Delta[] = [];
  for await (const delta of deltas) collected.push(delta);
  return collected;
}

function brief({ items, end }: Outcome): string[] {
  const lines = items.map(({ item, text, closed }) => {
    const name = item.type === "call" ? `call ${item.name}` : item.type;
    return `${name}${closed ? "" : " (cut)"}: ${text}`;
  });
  return [...lines, end?.kind === "fail" ? `fail ${end.failure.code}` : String(end?.reason)];
}

function usageOf({ usage }: Outcome): string | undefined {
  if (usage === null) return undefined;
  return `${usage.estimated ? "~" : ""}${usage.input}/${usage.cached}/${usage.output}/${usage.reasoning}`;
}

for (const { title, sent, means, usage } of behaviours) {
  test(`upstream: ${title}`, async () => {
    const bytes = streamOf(sent);
    const outcome = await outcomeOf(read(whole(bytes)));
    assert.deepEqual(brief(outcome), means);
    if (usage !== undefined) assert.equal(usageOf(outcome), usage);
    const crumbs = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    assert.deepEqual(await outcomeOf(read(Readable.from(crumbs, { objectMode: false }))), outcome);
  });
}

/** `deltas`, with neighbours that are text of one item as one: what one read of the socket brings is one delta. */
function joined(deltas: readonly Delta[]): readonly Delta[] {
  const list: Delta[] = [];
  for (const delta of deltas) {
    const last = list.at(-1);
    const same = last?.kind === "text" && delta.kind === "text" && last.key === delta.key;
    if (!same || last.logprobs || delta.logprobs) list.push(delta);
    else list[list.length - 1] = { ...last, text: last.text + delta.text };
  }
  return list;
}

test("upstream: what one read brings is one delta", async () => {
  const bytes = streamOf([chunk({ content: "Hel" }), chunk({ content: "lo" }), end("stop"), done]);
  const texts = (await collect(read(whole(bytes)))).filter(({ kind }) => kind === "text");
  assert.deepEqual(texts, [{ kind: "text", key: 0, text: "Hello" }]);
});

test("upstream: chunk boundaries never change the deltas", async () => {
  const split = fc.tuple(fc.constantFrom(...behaviours), fc.array(fc.nat(2000), { maxLength: 8 }));
  await fc.assert(
    fc.asyncProperty(split, async ([{ sent }, cuts]) => {
      const bytes = streamOf(sent);
      const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
      const pieces = edges.slice(1).map((edge, at) => bytes.subarray(edges[at], edge));
      const body = Readable.from(pieces.filter(({ length }) => length > 0));
      const deltas = await collect(read(body));
      for (const delta of deltas) assert.ok(delta.kind !== "text" || delta.text.isWellFormed());
      assert.deepEqual(joined(deltas), joined(await collect(read(whole(bytes)))));
    }),
    { numRuns: 300 },
  );
});

test("upstream: each text chunk is given on at once", async () => {
  const body = new Readable({ read: () => undefined });
  const deltas = read(body)[Symbol.asyncIterator]();
  body.push(event(chunk({ content: "Hel" })));
  assert.equal((await deltas.next()).value?.kind, "open");
  assert.deepEqual((await deltas.next()).value, { kind: "text", key: 0, text: "Hel" });
  await deltas.return?.();
  assert.ok(body.destroyed);
});

test("upstream: a stream is read only so far ahead of whoever takes its deltas", async () => {
  const pieces = 1000;
  let sent = 0;
  function* send(): Generator<Buffer> {
    for (; sent < pieces; sent += 1) yield streamOf([chunk({ content: "x".repeat(1000) })]);
    yield streamOf([end("stop"), done]);
  }
  const deltas = read(Readable.from(send(), { objectMode: false }));
  const { value: first } = await deltas[Symbol.asyncIterator]().next();
  assert.equal(first?.kind, "open");
  for (let turns = 0; turns < 2 * pieces; turns += 1) await setImmediate();
  assert.ok(sent < pieces / 2);
  const texts = (await collect(deltas)).map((delta) => (delta.kind === "text" ? delta.text : ""));
  assert.equal(texts.join("").length, 1000 * pieces);
});

test("upstream: prompt progress before the first word, and never after", async () => {
  const said = event(chunk({ content: "Hi" }));
  const body = whole(Buffer.from(progress(5) + progress(20) + said + progress(20) + event(end("stop")) + done));
  const deltas = await collect(read(body));
  assert.deepEqual(
    deltas.map(({ kind }) => kind),
    ["progress", "progress", "open", "text", "close", "usage", "finish"],
  );
  assert.deepEqual(deltas[0], { kind: "progress", stage: "prefill", done: 5, total: 20 });
});

const lp = (token: string): unknown => ({ token, logprob: -0.5, bytes: [...Buffer.from(token)], top_logprobs: [] });
const saidWith = (content: unknown, tokens: readonly string[], rest: object = {}): unknown => ({
  choices: [{ delta: { content, ...rest }, logprobs: { content: tokens.map(lp) } }],
});

/** The text deltas, each with the tokens whose log probabilities it brings. */
async function tokensOf(sent: readonly unknown[]): Promise<unknown[]> {
  const deltas = await collect(read(whole(streamOf([...sent, end("stop"), done]))));
  return deltas.flatMap((delta) =>
    delta.kind === "text" ? [[delta.text, (delta.logprobs ?? []).map(({ token }) => token)]] : [],
  );
}

test("upstream: logprobs come with the text they belong to", async () => {
  const content = [{ token: "Hi", logprob: -0.5, bytes: [72, 105], top_logprobs: [{ token: "Yo", logprob: -1 }] }];
  const said = { choices: [{ delta: { content: "Hi" }, logprobs: { content } }] };
  const deltas = await collect(read(whole(streamOf([said, end("stop"), done]))));
  assert.deepEqual(deltas[1], {
    kind: "text",
    key: 0,
    text: "Hi",
    logprobs: [{ token: "Hi", logprob: -0.5, bytes: [72, 105], top: [{ token: "Yo", logprob: -1, bytes: [89, 111] }] }],
  });
});

test("upstream: logprobs of text that is held back come with it", async () => {
  assert.deepEqual(await tokensOf([saidWith("<th", ["<", "th"]), saidWith("e>", ["e", ">"])]), [
    ["<the>", ["<", "th", "e", ">"]],
  ]);
  assert.deepEqual(await tokensOf([saidWith("<th", ["<", "th"])]), [["<th", ["<", "th"]]]);
  assert.deepEqual(await tokensOf([saidWith("", ["\u2190"]), saidWith("Hi", ["Hi"]), saidWith("!", ["!"])]), [
    ["Hi", ["Hi"]],
    ["!", ["!"]],
  ]);
  const call = { tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "{}" } }] };
  assert.deepEqual(await tokensOf([chunk(call), saidWith("So ", ["So", " "]), saidWith("on", ["on"])]), [
    ["{}", []],
    ["So on", ["So", " ", "on"]],
  ]);
});

test("upstream: logprobs of thinking stay with nobody", async () => {
  const sent = [saidWith("<think>Hm", ["<think>", "Hm"]), saidWith(".</think>\n\nHi", [".", "</think>", "\n\n", "Hi"])];
  const apart = [saidWith("", ["Hm"], { reasoning_content: "Hm" }), saidWith(null, ["."], { reasoning: "." })];
  for (const thinking of [sent, [...apart, saidWith("Hi", ["Hi"])]]) {
    assert.deepEqual(await tokensOf(thinking), [
      ["Hm.", []],
      ["Hi", ["Hi"]],
    ]);
  }
});

/** A stream that stays open after `sent`. */
function open(...sent: readonly unknown[]): Readable {
  const body = new Readable({ read: () => undefined });
  body.push(streamOf(sent));
  return body;
}

test("upstream: a stream that stays open after its finish is over soon", async () => {
  const body = open(chunk({ content: "Hi" }), end("stop"));
  assert.deepEqual(brief(await outcomeOf(read(body, undefined, 1))), ["message: Hi", "stop"]);
  assert.ok(body.destroyed);
});

test("upstream: an event cut short after the finish takes nothing away", async () => {
  const body = open(chunk({ content: "Hi" }), end("stop"), 'data: {"choices":[],"usa');
  assert.deepEqual(brief(await outcomeOf(read(body, undefined, 1))), ["message: Hi", "stop"]);
});

test("upstream: fields of any type end in an answer or a failure, also in an event that only the grace time ends", async () => {
  const names = ["choices", "index", "delta", "message", "finish_reason", "logprobs", "content", "tool_calls", "usage"];
  const more = ["reasoning_content", "function_call", "function", "timings", "prompt_progress", "error", "text"];
  const { any } = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.constantFrom<unknown>(null, 5, "stop", true, ""),
      fc.array(tie("any"), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom(...names, ...more), tie("any"), { maxKeys: 3 }),
    ),
  }));
  const chunks = fc.array(fc.record({ choices: any }, { requiredKeys: [] }), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(chunks, async (sent) => {
      const bytes = streamOf(sent);
      const deltas = await collect(read(whole(bytes)));
      assert.match(deltas.at(-1)?.kind ?? "", /^(?:finish|fail)$/);
      const late = await collect(read(open(end("stop"), bytes.subarray(0, -1).toString()), undefined, 1));
      assert.match(late.at(-1)?.kind ?? "", /^(?:finish|fail)$/);
    }),
    { numRuns: 200 },
  );
});

test("upstream: a stream that stays open and chatters after its finish is over soon", async () => {
  const body = open(chunk({ content: "Hi" }), end("stop"));
  const chatter = setInterval(() => body.push(": ping\n\n"), 1);
  try {
    assert.deepEqual(brief(await outcomeOf(read(body, undefined, 20))), ["message: Hi", "stop"]);
  } finally {
    clearInterval(chatter);
  }
});

test("upstream: usage that comes late is taken", async () => {
  const body = open(chunk({ content: "Hi" }), end("stop"));
  const outcome = outcomeOf(read(body));
  void setImmediate().then(() => {
    body.push(event({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 5 } }) + done);
  });
  assert.equal(usageOf(await outcome), "10/0/5/0");
});

test("upstream: a connection that breaks after the finish takes nothing away", async () => {
  const body = open(chunk({ content: "Hi" }), end("stop"), 'data: {"choices":[],"usa');
  void setImmediate().then(() => body.destroy(new Error("reset")));
  assert.deepEqual(brief(await outcomeOf(read(body))), ["message: Hi", "stop"]);
});

test("upstream: a whole answer in one JSON body", async () => {
  const call = { id: "a", type: "function", function: { name: "f", arguments: '{"x":1}' } };
  const message = { role: "assistant", content: "<think>Hm.</think>Hi", tool_calls: [call] };
  const answer = {
    choices: [{ message, finish_reason: "tool_calls" }],
    usage: { prompt_tokens: 10, completion_tokens: 5 },
  };
  const outcome = await outcomeOf(read(whole(Buffer.from(JSON.stringify(answer))), "application/json"));
  assert.deepEqual(brief(outcome), ["reasoning: Hm.", "message: Hi", 'call f: {"x":1}', "stop"]);
  assert.equal(usageOf(outcome), "10/0/5/1");
});

for (const [title, text] of [
  ["an error under status 200", '{"error":"Unexpected endpoint or method."}'],
  ["JSON cut short", '{"choices":['],
  ["JSON of something else", "{}"],
]) {
  test(`upstream: ${title}`, async () => {
    const outcome = await outcomeOf(read(whole(Buffer.from(text ?? "")), "application/json"));
    assert.deepEqual(brief(outcome), ["fail upstream_error"]);
  });
}
