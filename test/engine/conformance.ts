/** Owns the engine conformance suite: the contract of `src/engine/engine.ts` as scenarios that every engine must pass. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Engine, EngineMessage, EngineRequest, EngineTool, JsonSchema } from "../../src/engine/engine.ts";
import { asking, poll, user, weather } from "./asking.ts";
import { type Outcome, outcomeOf } from "./grammar.ts";

/** Whether `value` fits `schema`, as far as the suite's own schemas go. */
function fits(value: unknown, schema: JsonSchema): boolean {
  const {
    type,
    enum: values,
    properties = {},
  } = schema as {
    type: string;
    enum?: readonly unknown[];
    properties?: Readonly<Record<string, JsonSchema>>;
  };
  if (values && !values.includes(value)) return false;
  if (type !== "object") return typeof value === type;
  if (typeof value !== "object" || value === null) return false;
  const fields = Object.entries(value);
  return (
    fields.length === Object.keys(properties).length &&
    fields.every(([name, inner]) => properties[name] !== undefined && fits(inner, properties[name]))
  );
}

const neverAborted = new AbortController().signal;
const types = (outcome: Outcome): string[] => outcome.items.map(({ item }) => item.type);
const textOf = (outcome: Outcome, type: string): string =>
  outcome.items.flatMap(({ item, text }) => (item.type === type ? [text] : [])).join("");
/** What was said, without the ids that an engine may draw at random. */
const contentOf = (outcome: Outcome): unknown[] =>
  outcome.items.map(({ item, text, closed }) => [item.type, item.type === "call" ? item.name : null, text, closed]);
const stopped = (outcome: Outcome): void => assert.deepEqual(outcome.end, { kind: "finish", reason: "stop" });

/** The outcome's calls, each complete: closed, of an offered tool, with arguments that fit. */
function callsOf(outcome: Outcome, offered: readonly EngineTool[]): string[] {
  return outcome.items.flatMap(({ item, text, closed }) => {
    if (item.type !== "call") return [];
    const tool = offered.find(({ name }) => name === item.name);
    assert.ok(tool, `${item.name} was not offered`);
    assert.ok(closed && fits(JSON.parse(text), tool.parameters), `arguments of ${item.name}: ${text}`);
    return [item.name];
  });
}

type Run = (request: EngineRequest) => Promise<Outcome>;

interface Scenario {
  readonly title: string;
  readonly check: (run: Run, engine: Engine) => Promise<void>;
}

const answers: readonly Scenario[] = [
  {
    title: "a plain prompt gets one message, stop, and true usage",
    async check(run) {
      const outcome = await run(asking("hello"));
      assert.deepEqual(types(outcome), ["message"]);
      assert.ok(textOf(outcome, "message").length > 0);
      stopped(outcome);
      assert.ok(outcome.usage && outcome.usage.input > 0 && outcome.usage.output > 0);
    },
  },
  {
    title: "thinking is a reasoning item before the message, without its tags",
    async check(run) {
      const outcome = await run(asking("[[think]]"));
      assert.deepEqual(types(outcome), ["reasoning", "message"]);
      assert.ok(textOf(outcome, "reasoning").trim().length > 0);
      assert.ok(textOf(outcome, "message").trim().length > 0);
      assert.doesNotMatch(outcome.items.map(({ text }) => text).join(""), /<\/?think>/);
      stopped(outcome);
    },
  },
  {
    title: "json_schema gives text that parses and fits",
    async check(run) {
      const schema = poll.parameters;
      const format = { type: "json_schema", name: "poll", schema, strict: true } as const;
      const outcome = await run(asking("hello", { format, maxTokens: 4096 }));
      assert.ok(fits(JSON.parse(textOf(outcome, "message")), schema));
      stopped(outcome);
    },
  },
  {
    title: "maxTokens ends an endless answer with length, its item cut",
    async check(run) {
      const outcome = await run(asking("[[long]]", { maxTokens: 16 }));
      assert.deepEqual(outcome.end, { kind: "finish", reason: "length" });
      assert.equal(outcome.items.at(-1)?.closed, false);
      assert.ok(outcome.usage && outcome.usage.output <= 16);
    },
  },
  {
    title: "a prompt larger than the context fails before anything else is said",
    async check(run, engine) {
      const [model] = await engine.models();
      assert.ok(model?.contextLength, "the suite needs a model of known context");
      const outcome = await run(asking("x".repeat(model.contextLength + 64)));
      assert.deepEqual(outcome.items, []);
      assert.ok(outcome.end?.kind === "fail");
      assert.equal(outcome.end.failure.code, "context_length_exceeded");
    },
  },
];

const tools: readonly Scenario[] = [
  {
    title: "a call is of the first offered tool, with arguments that fit its schema",
    async check(run) {
      for (const offered of [[weather, poll], [poll]]) {
        const outcome = await run(asking("[[tool]]", { tools: offered }));
        assert.deepEqual(callsOf(outcome, offered), [offered[0]?.name]);
        stopped(outcome);
      }
    },
  },
  {
    title: "a tool's result gets a message and no call",
    async check(run) {
      const call = { id: "call_1", name: weather.name, arguments: '{"city":"Paris"}' };
      const messages: EngineMessage[] = [
        user("[[tool]]"),
        { role: "assistant", content: "", reasoning: null, calls: [call] },
        { role: "tool", callId: call.id, name: call.name, content: [{ type: "text", text: "18 degrees" }] },
      ];
      const outcome = await run(asking(messages, { tools: [weather] }));
      assert.deepEqual(callsOf(outcome, [weather]), []);
      assert.ok(textOf(outcome, "message").length > 0);
      stopped(outcome);
    },
  },
  {
    title: "toolChoice none gives no call",
    async check(run) {
      const outcome = await run(asking("[[tool]]", { tools: [weather], toolChoice: "none" }));
      assert.deepEqual(callsOf(outcome, [weather]), []);
    },
  },
  {
    title: "toolChoice required gives a call to a prompt that wants none",
    async check(run) {
      const outcome = await run(asking("hello", { tools: [weather, poll], toolChoice: "required", maxTokens: 4096 }));
      assert.ok(callsOf(outcome, [weather, poll]).length > 0);
      stopped(outcome);
    },
  },
  {
    title: "a named toolChoice gives a call of that tool",
    async check(run) {
      const toolChoice = { names: [poll.name] };
      for (const prompt of ["hello", "[[tool]]"]) {
        const outcome = await run(asking(prompt, { tools: [weather, poll], toolChoice, maxTokens: 4096 }));
        assert.equal(callsOf(outcome, [weather, poll])[0], poll.name);
      }
    },
  },
  {
    title: "without parallel calls there is one at most",
    async check(run) {
      const outcome = await run(asking("[[tool]]", { tools: [weather, poll], parallelToolCalls: false }));
      assert.equal(callsOf(outcome, [weather, poll]).length, 1);
    },
  },
  {
    title: "a call that maxTokens cut is never closed",
    async check(run) {
      for (const maxTokens of [1, 2, 4, 16, 40, 64]) {
        const outcome = await run(asking("[[tool]]", { tools: [weather], maxTokens }));
        for (const { item, text, closed } of outcome.items) {
          if (item.type === "call" && closed) JSON.parse(text);
        }
        assert.ok(outcome.end?.kind === "finish");
        if (outcome.end.reason === "stop") assert.equal(callsOf(outcome, [weather]).length, 1);
        else assert.ok(outcome.items.at(-1)?.closed !== true);
      }
    },
  },
];

const lives: readonly Scenario[] = [
  {
    title: "an abort ends the stream within one delta, and the next request is served",
    async check(run, engine) {
      const abort = new AbortController();
      const late: string[] = [];
      for await (const { kind } of engine.generate(asking("[[long]]"), abort.signal)) {
        if (abort.signal.aborted) late.push(kind);
        else if (kind === "text") abort.abort();
      }
      assert.ok(late.length <= 1 && !late.includes("finish"), `after the abort: ${late.join(" ")}`);
      stopped(await run(asking("hello")));
    },
  },
  {
    title: "an abort before the first delta gives an empty stream",
    async check(run, engine) {
      for await (const delta of engine.generate(asking("hello"), AbortSignal.abort())) {
        assert.equal(delta.kind, "progress");
      }
      stopped(await run(asking("hello")));
    },
  },
  {
    title: "leaving the loop early frees the engine for the next request",
    async check(run, engine) {
      for (let round = 0; round < 3; round += 1) {
        for await (const delta of engine.generate(asking("[[long]]"), neverAborted)) {
          if (delta.kind === "text") break;
        }
      }
      stopped(await run(asking("hello")));
    },
  },
  {
    title: "eight streams at once each get the answer they get alone",
    async check(run) {
      const requests = [
        asking("hello"),
        asking("[[think]]"),
        asking("[[tool]]", { tools: [poll] }),
        asking("[[long]]", { maxTokens: 32 }),
      ];
      const alone: unknown[] = [];
      for (const request of requests) alone.push(contentOf(await run(request)));
      const together = await Promise.all([...requests, ...requests].map(run));
      assert.deepEqual(together.map(contentOf), [...alone, ...alone]);
    },
  },
  {
    title: "countTokens is positive and grows with the prompt",
    async check(_run, engine) {
      const small = await engine.countTokens(asking("hello"));
      const large = await engine.countTokens(asking("hello ".repeat(100)));
      assert.ok(small.input > 0 && large.input > small.input);
    },
  },
  {
    title: "models and health say that it serves",
    async check(_run, engine) {
      assert.ok((await engine.models()).length > 0);
      assert.equal((await engine.health()).state, "ready");
    },
  },
];

/** `engine`, asked for `model` whatever the request says. */
function answeringAs(engine: Engine, model: string): Engine {
  return {
    models: () => engine.models(),
    generate: (request, signal) => engine.generate({ ...request, model }, signal),
    countTokens: (request) => engine.countTokens({ ...request, model }),
    health: () => engine.health(),
    close: () => engine.close(),
  };
}

/** Registers the suite for one engine; `make` is called once, its `close` after the last scenario. */
export function engineConformance(name: string, make: () => Promise<{ engine: Engine; close(): Promise<void> }>): void {
  suite(`engine conformance: ${name}`, { timeout: 120_000 }, () => {
    let made: { engine: Engine; close(): Promise<void> } | undefined;
    let model: string | undefined;
    before(async () => {
      made = await make();
      model = (await made.engine.models())[0]?.id;
    });
    after(() => made?.close());
    for (const { title, check } of [...answers, ...tools, ...lives]) {
      test(title, async () => {
        assert.ok(made && model !== undefined);
        const engine = answeringAs(made.engine, model);
        await check((request) => outcomeOf(engine.generate(request, neverAborted)), engine);
      });
    }
  });
}
