/** Owns the proof that whatever an engine does, every stream is well formed and says the same as its last Response. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { accumulateResponse } from "openai/lib/responses/ResponseAccumulator";
import type { Response as OpenAiResponse, ResponseStreamEvent } from "openai/resources/responses/responses";
import { checkBody, checkEvents } from "../../src/spec/check/check.ts";
import type { Delta } from "../../src/engine/engine.ts";
import type { Step } from "../../src/engine/script.ts";
import type { CheckContext } from "../../src/spec/check/rules.ts";
import type { Event, TerminalEvent } from "../../src/spec/events.ts";
import { isTerminal } from "../../src/spec/events.ts";
import type { Store } from "../../src/store/store.ts";
import { makeLine, play } from "./line.ts";
import { offeredNames, type Program, programs } from "./programs.ts";

const runs = 1500;

function lastOf(events: readonly Event[]): TerminalEvent {
  const last = events.at(-1);
  assert(last && isTerminal(last), `the stream ends with ${last?.type}`);
  return last;
}

function keepAlives(events: readonly Event[]): number {
  return events.filter(({ type }) => type === "response.in_progress").length - 1;
}

function contextOf({ request }: Program): CheckContext {
  const { parallel_tool_calls: parallel, reasoning } = request;
  const summary = typeof reasoning === "object" && reasoning !== null && "summary" in reasoning;
  return { tools: offeredNames, parallel: parallel !== false, summary };
}

async function eventsOf({ deltas, request }: Program, keepAliveMs = 10_000): Promise<readonly Event[]> {
  return (
    await play(
      makeLine(() => deltas, { keepAliveMs }),
      request,
    )
  ).events;
}

test(`${runs} random engine programs: every invariant holds`, async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const events = await eventsOf(program);
      const { parallel_tool_calls: parallel, reasoning } = program.request;
      const context = {
        tools: offeredNames,
        parallel: parallel !== false,
        summary: JSON.stringify(reasoning)?.includes("summary"),
      };
      assert.deepEqual(checkEvents(events, { ...context, summary: context.summary ?? false }), []);
    }),
    { numRuns: runs },
  );
});

test(`${runs} random engine programs: OpenAI's accumulator takes every event and arrives at our Response`, async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const events = await eventsOf(program);
      let snapshot: OpenAiResponse | undefined;
      for (const event of events.slice(0, -1)) {
        // The SDK's types know fewer fields and codes than the wire; its runtime is what is asked here.
        snapshot = accumulateResponse(structuredClone(event) as unknown as ResponseStreamEvent, snapshot);
      }
      const { response } = lastOf(events);
      assert.deepEqual(snapshot?.output, response.output);
      snapshot = accumulateResponse(events.at(-1) as unknown as ResponseStreamEvent, snapshot);
      assert.deepEqual(snapshot, response);
    }),
    { numRuns: runs },
  );
});

test(`${runs} random engine programs: the last Response is the sum of the events`, async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const events = await eventsOf(program);
      const { response } = lastOf(events);
      const done = events.flatMap((event) => (event.type === "response.output_item.done" ? [event.item] : []));
      assert.deepEqual(response.output, done);
      const texts = events.flatMap((event) => (event.type === "response.output_text.delta" ? [event.delta] : []));
      assert.equal(response.output_text, texts.join(""));
    }),
    { numRuns: runs },
  );
});

test("what the engine wrote arrives: prose is neither lost nor invented", async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const { deltas, request } = program;
      fc.pre(!deltas.some((delta) => delta.kind === "open" && delta.item.type === "call"));
      fc.pre(request["tool_choice"] === undefined || request["tool_choice"] === "auto");
      const keys = new Set(deltas.flatMap((d) => (d.kind === "open" && d.item.type === "message" ? [d.key] : [])));
      const written = [...keys].map((key) =>
        deltas.flatMap((d) => (d.kind === "text" && d.key === key ? [d.text] : [])).join(""),
      );
      const said = written.filter((text) => text.trim() !== "");
      fc.pre(said.length > 0);
      const { response } = lastOf(await eventsOf(program));
      assert.equal(response.output_text, said.join(""));
    }),
    { numRuns: 300 },
  );
});

test("the bytes of a stream pass the checker too", async () => {
  const [program] = fc.sample(programs, { numRuns: 1, seed: 7 });
  assert(program);
  const events = await eventsOf(program);
  const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  const checked = checkBody(`: comment\n\n${body}`);
  assert.deepEqual(checked.violations, []);
  assert.equal(checked.events.length, events.length);
});

test("the programs are worth the name: every ending, item and event family occurs among them", async () => {
  const seen = new Set<string>();
  for (const program of fc.sample(programs, { numRuns: 300, seed: 1 })) {
    for (const event of await eventsOf(program)) {
      seen.add(event.type);
      if ("item" in event) seen.add(`${event.item.type} ${String(event.item["status"])}`);
    }
  }
  const ends = ["response.completed", "response.incomplete", "response.failed"];
  const items = ["message", "reasoning", "function_call", "custom_tool_call"];
  const wanted = [...ends, ...items.flatMap((type) => [`${type} completed`, `${type} incomplete`])];
  assert.deepEqual(
    wanted.filter((name) => !seen.has(name)),
    [],
  );
});

test("keep-alives in random places take nothing back", async () => {
  await fc.assert(
    fc.asyncProperty(programs, fc.infiniteStream(fc.boolean()), async (program, coins) => {
      let wake: (() => void) | null = null;
      let silences = 0;
      // Silent until a keep-alive left: no wait here is measured in time, so a busy machine changes nothing.
      async function* script(): AsyncGenerator<Delta> {
        for (const delta of program.deltas) {
          if (coins.next().value === true) {
            silences++;
            await new Promise<void>((resolve) => (wake = resolve));
          }
          yield delta;
        }
      }
      const { events } = await play(
        makeLine(() => script(), { keepAliveMs: 10 }),
        program.request,
        undefined,
        (event) => event.type === "response.in_progress" && wake?.(),
      );
      assert.deepEqual(checkEvents(events, contextOf(program)), []);
      let snapshot: OpenAiResponse | undefined;
      for (const event of events) {
        snapshot = accumulateResponse(structuredClone(event) as unknown as ResponseStreamEvent, snapshot);
      }
      assert.deepEqual(snapshot, lastOf(events).response);
      assert.ok(keepAlives(events) >= silences, `${keepAlives(events)} keep-alives in ${silences} silences`);
    }),
    { numRuns: 30 },
  );
});

test("a stream is kept alive while its response is stored", async () => {
  const alive = Promise.withResolvers<void>();
  const line = makeLine(() => [{ kind: "finish", reason: "stop" }], { keepAliveMs: 10 });
  const append: Store["append"] = async (turn) => {
    await alive.promise;
    await line.store.append(turn);
  };
  let storing = 0;
  const { events } = await play(
    { ...line, store: { ...line.store, append } },
    { input: "x" },
    undefined,
    ({ type }) => {
      // The first opens the stream.
      if (type === "response.in_progress" && storing++ > 0) alive.resolve();
    },
  );
  assert.equal(events.at(-1)?.type, "response.completed");
});

test("a stream on which nothing leaves is kept alive, however busy the engine is", async () => {
  const held: Delta = { kind: "text", key: 0, text: " " };
  const whole: Delta = { kind: "text", key: 0, text: "}" };
  const answer: Delta = { kind: "open", key: 0, item: { type: "message" } };
  const call: Delta = { kind: "open", key: 0, item: { type: "call", name: "f" } };
  const brace: Delta = { kind: "text", key: 0, text: "{" };
  const ending: readonly Delta[] = [
    { kind: "close", key: 0 },
    { kind: "finish", reason: "stop" },
  ];
  const reading: Delta = { kind: "progress", stage: "prefill", done: 1, total: 2 };
  for (const [before, busy, after] of [
    [[], reading, [answer, whole, ...ending]],
    [[call, brace], held, [whole, ...ending]],
  ] as const) {
    const alive: Event[] = [];
    // Busy until it has been kept alive twice: no machine is too slow for that.
    async function* script(): AsyncGenerator<Step> {
      yield* before;
      while (alive.length < 3) yield* [5, busy];
      yield* after;
    }
    await play(
      makeLine(() => script(), { keepAliveMs: 50 }),
      { input: "x", tools: [{ type: "function", name: "f", parameters: { type: "object" } }] },
      undefined,
      (event) => event.type === "response.in_progress" && alive.push(event),
    );
    assert.equal(alive.length, 3);
  }
});
