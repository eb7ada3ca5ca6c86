/** Owns the tests of how turns end: cut, failed, refused by a template, abandoned, or lost by the store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delta, Engine, Failure } from "../../src/engine/engine.ts";
import { createScriptEngine } from "../../src/engine/script.ts";
import { ApiError } from "../../src/errors.ts";
import { limits } from "../../src/limits.ts";
import { silentLog } from "../../src/log.ts";
import { checkEvents } from "../../src/spec/check/check.ts";
import type { Event, LifecycleEvent } from "../../src/spec/events.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { makeLine, play } from "./line.ts";

const tools = [{ type: "function", name: "f", parameters: { type: "object" } }];
const finish = (reason: "stop" | "length" | "content_filter"): Delta => ({ kind: "finish", reason });
const fail = (code: Failure["code"]): Delta => ({ kind: "fail", failure: { code, message: `it was ${code}` } });
const say = (key: number, text: string): Delta[] => [
  { kind: "open", key, item: { type: "message" } },
  { kind: "text", key, text },
];
const call = (key: number, text: string): Delta[] => [
  { kind: "open", key, item: { type: "call", name: "f" } },
  { kind: "text", key, text },
];
const close = (key: number): Delta => ({ kind: "close", key });

function lastOf(events: readonly Event[]): LifecycleEvent {
  const last = events.at(-1);
  assert(last && "response" in last);
  return last;
}

test("a message cut by length is incomplete, and so is the response", async () => {
  const { events } = await play(
    makeLine(() => [...say(0, "half a"), finish("length")]),
    { input: "x" },
  );
  const { type, response } = lastOf(events);
  assert.equal(type, "response.incomplete");
  assert.deepEqual(response.incomplete_details, { reason: "max_output_tokens" });
  assert.equal(response.output[0]?.["status"], "incomplete");
  assert.equal(response.output_text, "half a");
});

test("a call cut by length is never completed, and nothing follows it", async () => {
  const steps = [...call(0, '{"a":1}'), close(0), ...call(1, '{"a":'), ...call(2, "{"), finish("length")];
  const { response } = lastOf(
    (
      await play(
        makeLine(() => steps),
        { input: "x", tools },
      )
    ).events,
  );
  assert.equal(response.status, "incomplete");
  assert.deepEqual(
    response.output.map((item) => [item["status"], item["arguments"]]),
    [
      ["completed", '{"a":1}'],
      ["incomplete", '{"a":'],
    ],
  );
});

test("arguments that are no JSON object fail the response instead of the next turn", async () => {
  const { events, outcome } = await play(
    makeLine(() => [...call(0, "[1"), close(0), finish("stop")]),
    { input: "x", tools },
  );
  assert.equal(lastOf(events).response.status, "failed");
  assert.equal(outcome.kind, "failed");
  assert.match(lastOf(events).response.error?.message ?? "", /'f'.*do not fit/);
});

test("arguments that are almost JSON leave as JSON", async () => {
  const { events } = await play(
    makeLine(() => [...call(0, "{'a': True,}"), close(0), finish("stop")]),
    { input: "x", tools },
  );
  assert.equal(lastOf(events).response.output[0]?.["arguments"], '{"a":true}');
});

test("empty arguments are an empty object where the schema asks for nothing", async () => {
  const { events } = await play(
    makeLine(() => [...call(0, ""), close(0), finish("stop")]),
    { input: "x", tools },
  );
  assert.equal(lastOf(events).response.output[0]?.["arguments"], "{}");
});

test("a call of something that is not on offer is text", async () => {
  const steps: Delta[] = [{ kind: "open", key: 0, item: { type: "call", name: "rm" } }, close(0), finish("stop")];
  const { response } = lastOf(
    (
      await play(
        makeLine(() => steps),
        { input: "x", tools },
      )
    ).events,
  );
  assert.deepEqual([response.status, response.output_text], ["completed", "rm()"]);
});

test("tool_choice required without a call is a failure, not a silent answer", async () => {
  const steps = [...say(0, "no"), close(0), finish("stop")];
  const { response } = lastOf(
    (
      await play(
        makeLine(() => steps),
        { input: "x", tools, tool_choice: "required" },
      )
    ).events,
  );
  assert.equal(response.status, "failed");
});

test("a failure in mid-message closes it, then response.failed is last", async () => {
  const { events, outcome } = await play(
    makeLine(() => [...say(0, "half"), fail("upstream_error")]),
    { input: "x" },
  );
  assert.equal(lastOf(events).type, "response.failed");
  assert.deepEqual(lastOf(events).response.error, { code: "server_error", message: "it was upstream_error" });
  assert(outcome.kind === "failed");
  assert.equal(outcome.error.row.status, 502);
  assert.equal(lastOf(events).response.output[0]?.["status"], "incomplete");
});

test("an engine that throws or just ends is a failure of this response only", async () => {
  for (const script of [
    (): Delta[] => [],
    (): Delta[] => {
      throw new Error("a secret path");
    },
  ]) {
    const { events } = await play(makeLine(script), { input: "x" });
    const { response } = lastOf(events);
    assert.equal(response.status, "failed");
    assert.doesNotMatch(response.error?.message ?? "", /secret/);
  }
});

test("an answer beyond all bounds ends, and the engine with it", async () => {
  let asked = 0;
  const endless = (open: Delta, text: string): Engine => ({
    ...createScriptEngine(() => []),
    async *generate() {
      yield open;
      for (; ; asked += text.length) yield { kind: "text", key: 0, text };
    },
  });
  const large = "x".repeat(1024 * 1024);
  const message = await play(makeLine(endless({ kind: "open", key: 0, item: { type: "message" } }, large)), {
    input: "x",
  });
  assert.deepEqual(lastOf(message.events).response.incomplete_details, { reason: "max_output_tokens" });
  const arguments_ = await play(makeLine(endless({ kind: "open", key: 0, item: { type: "call", name: "f" } }, large)), {
    input: "x",
    tools,
  });
  assert.equal(lastOf(arguments_.events).response.status, "failed");
  assert.ok(asked < 2 * limits.answerChars);
});

test("white space without end is held as cheaply as any text", async () => {
  const line = makeLine(() => [
    { kind: "open", key: 0, item: { type: "message" } },
    ...Array.from({ length: 200_000 }, (): Delta => ({ kind: "text", key: 0, text: "\n" })),
    { kind: "text", key: 0, text: "there" },
    close(0),
    finish("stop"),
  ]);
  const { events } = await play(line, { input: "x" });
  assert.equal(lastOf(events).response.output_text.trim(), "there");
});

test("a mistake of this program ends the response as failed, and by the rules", async () => {
  const seal = {
    open: () => null,
    close: (): string => {
      throw new RangeError("a mistake");
    },
  };
  const complaints: string[] = [];
  const log = {
    ...silentLog,
    error: (message: string, fields = {}) => complaints.push(message + JSON.stringify(fields)),
  };
  const thought: Delta[] = [
    { kind: "open", key: 0, item: { type: "reasoning" } },
    { kind: "text", key: 0, text: "hm" },
    close(0),
  ];
  const line = makeLine(() => [...thought, ...say(1, "so"), close(1), finish("stop")], { seal, log });
  const { events, outcome } = await play(line, { input: "x", store: false });
  const { response } = lastOf(events);
  assert.equal(response.status, "failed");
  assert.deepEqual([response.error?.code, response.output[0]?.["status"]], ["server_error", "incomplete"]);
  assert.deepEqual(checkEvents(events), []);
  assert.equal(outcome.kind, "failed");
  assert.match(complaints.join(), /a mistake/);
});

test("when the client is gone the stream just ends, and nothing is stored", async () => {
  const store = createMemoryStore();
  const controller = new AbortController();
  const line = makeLine(
    function* () {
      yield* say(0, "half");
      controller.abort();
      yield { kind: "text", key: 0, text: "more" };
      yield finish("stop");
    },
    { store },
  );
  const { events, outcome } = await play(line, { input: "x" }, controller.signal);
  assert.equal(outcome.kind, "gone");
  assert(events[0] && "response" in events[0]);
  assert.equal(await store.get(events[0].response.id), null);
});

test("a shutdown ends the stream with a proper response.failed", async () => {
  const controller = new AbortController();
  const line = makeLine(function* () {
    yield* say(0, "half");
    controller.abort(new ApiError("server_shutting_down", "The server is shutting down."));
    yield { kind: "text", key: 0, text: "more" };
  });
  const { events } = await play(line, { input: "x" }, controller.signal);
  assert.equal(lastOf(events).type, "response.failed");
  assert.equal(lastOf(events).response.output[0]?.["status"], "incomplete");
});

test("a response is stored before its end is announced, and fails when it cannot be stored", async () => {
  const memory = createMemoryStore();
  const steps = [...say(0, "hi"), close(0), finish("stop")];
  const line = makeLine(() => steps, { store: memory });
  const { response } = lastOf((await play(line, { input: "x" })).events);
  assert.deepEqual((await memory.get(response.id))?.response, response);

  const broken = { ...memory, append: () => Promise.reject(new Error("disk full")) };
  const failed = lastOf(
    (
      await play(
        makeLine(() => steps, { store: broken }),
        { input: "x" },
      )
    ).events,
  );
  assert.equal(failed.type, "response.failed");
});

test("thinking streams as summary when one is asked for, and its raw text follows whole", async () => {
  const steps: Delta[] = [
    { kind: "open", key: 0, item: { type: "reasoning" } },
    { kind: "text", key: 0, text: "first " },
    { kind: "text", key: 0, text: "second" },
    close(0),
    ...say(1, "hi"),
    close(1),
    finish("stop"),
  ];
  const asked = { input: "x", reasoning: { summary: "auto" } };
  const { events } = await play(
    makeLine(() => steps),
    asked,
  );
  const deltas = events.flatMap((event) => ("delta" in event ? [`${event.type} ${event.delta}`] : []));
  assert.deepEqual(deltas, [
    "response.reasoning_summary_text.delta first ",
    "response.reasoning_summary_text.delta second",
    "response.reasoning_text.delta first second",
    "response.output_text.delta hi",
  ]);
  const [reasoning] = lastOf(events).response.output;
  assert.deepEqual(reasoning?.["summary"], [{ type: "summary_text", text: "first second" }]);
});
