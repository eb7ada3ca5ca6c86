/** Owns the tests of the engine process's life: loading, crashes, crowds, slow readers, broken files. */
import assert from "node:assert/strict";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Delta, EngineMessage, EngineRequest, Usage } from "../../../src/engine/engine.ts";
import type { LlamaOptions } from "../../../src/engine/llama/host.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { asking, poll, user, weather } from "../asking.ts";
import { type Outcome, outcomeOf } from "../grammar.ts";
import { loaded, scriptedEngine, withEngine, type MadeEngine } from "./engine.ts";

const never = new AbortController().signal;
const hello = "Hello from the tiny scripted model; it always gives this same answer and then it stops.";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "antiphon-life-"));
});
after(() => rm(folder, { recursive: true }));

/** Text of an answer's message. */
async function say(made: MadeEngine, request: EngineRequest): Promise<string> {
  const { items, end } = await outcomeOf(made.engine.generate(request, never));
  assert.equal(end?.kind === "fail" ? end.failure.message : null, null);
  return items.flatMap(({ item, text }) => (item.type === "message" ? [text] : [])).join("");
}

async function usageOf(made: MadeEngine, request: EngineRequest): Promise<Usage> {
  const { usage } = await outcomeOf(made.engine.generate(request, never));
  assert.ok(usage);
  return usage;
}

/** A request that is answered without end, of as many tokens more as `filler` says. */
const endless = (filler: number): EngineRequest => asking(`[[long]]${"x".repeat(filler)}`);

suite("life of the engine process", { timeout: 120_000 }, () => {
  test("a request that comes while the model loads is told so, and answered", () =>
    withEngine({}, async (made) => {
      assert.equal((await made.engine.health()).state, "loading");
      const deltas: Delta[] = [];
      for await (const delta of made.engine.generate(asking("hi"), never)) deltas.push(delta);
      assert.equal(deltas[0]?.kind === "progress" ? deltas[0].stage : null, "loading");
      assert.equal(deltas.at(-1)?.kind, "finish");
      assert.equal((await made.engine.health()).state, "ready");
    }));

  test("kill -9 in mid-stream fails this request, and the next one is served by a new process", () =>
    withEngine({}, async (made) => {
      const { engine } = made;
      let pid: number | null = null;
      const seen: Delta[] = [];
      for await (const delta of engine.generate(asking("[[long]]"), never)) {
        seen.push(delta);
        if (delta.kind === "text" && pid === null) {
          ({ pid } = engine);
          assert.ok(pid !== null);
          process.kill(pid, "SIGKILL");
        }
      }
      const last = seen.at(-1);
      assert.equal(last?.kind === "fail" ? last.failure.code : null, "engine_crashed");
      assert.equal(await say(made, asking("hi")), hello);
      assert.notEqual(engine.pid, pid);
    }));

  test("a request that the dying process never heard of is asked again of the next one", () =>
    withEngine({}, async (made) => {
      await loaded(made.engine);
      process.kill(made.engine.pid ?? 0, "SIGKILL");
      assert.equal(await say(made, asking("hi")), hello);
    }));

  test("an idle model is unloaded, and loaded again by the next request, which waits for it", () =>
    withEngine({ idleMs: 50 }, async (made) => {
      const { engine } = made;
      await loaded(engine);
      const { pid } = engine;
      const [known] = await engine.models();
      while (engine.pid !== null) await sleep(10);
      assert.match((await engine.health()).detail ?? "", /unloaded/);
      assert.deepEqual(await engine.models(), [known]);
      const deltas: Delta[] = [];
      for await (const delta of engine.generate(asking("hi"), never)) deltas.push(delta);
      assert.equal(deltas.at(-1)?.kind, "finish");
      assert.ok(!deltas.some((delta) => delta.kind === "progress" && delta.stage === "loading"));
      assert.notEqual(engine.pid, pid);
      while (engine.pid !== null) await sleep(10);
      assert.ok((await engine.countTokens(asking("hi"))).exact);
    }));

  test("a model that is used is not unloaded", () =>
    withEngine({ idleMs: 20 }, async ({ engine }) => {
      await loaded(engine);
      const { pid } = engine;
      const stop = new AbortController();
      let pieces = 0;
      for await (const delta of engine.generate(asking("[[long]]"), stop.signal)) {
        if (delta.kind !== "text") continue;
        assert.equal(engine.pid, pid);
        pieces += 1;
        await sleep(5);
        if (pieces === 30) stop.abort();
      }
      assert.equal(pieces, 30);
    }));

  test("closing fails what is under way and leaves no process", () =>
    withEngine({}, async ({ engine }) => {
      let pid: number | null = null;
      let closing: Promise<void> | null = null;
      let last: Delta | null = null;
      for await (const delta of engine.generate(asking("[[long]]"), never)) {
        last = delta;
        if (delta.kind !== "text" || closing !== null) continue;
        ({ pid } = engine);
        closing = engine.close();
      }
      await closing;
      assert.equal(last?.kind, "fail");
      assert.throws(() => process.kill(pid ?? 0, 0), { code: "ESRCH" });
      assert.equal((await engine.health()).state, "down");
    }));

  test("a missing file, a broken one and a package that cannot be had are told, to requests too", async () => {
    const broken = join(folder, "broken.gguf");
    const cut = join(folder, "cut.gguf");
    await writeFile(broken, "<html>no model</html>");
    await writeScriptedModel(cut);
    await truncate(cut, 200_000);
    const failing: readonly Partial<LlamaOptions>[] = [
      { modelPath: join(folder, "missing.gguf") },
      { modelPath: broken },
      { modelPath: cut },
      { packageFolder: () => Promise.reject(new Error("no network")) },
    ];
    for (const options of failing) {
      await withEngine(options, async ({ engine }) => {
        const { items, end } = await outcomeOf(engine.generate(asking("hi"), never));
        assert.deepEqual(items, []);
        assert.ok(end?.kind === "fail");
        assert.doesNotMatch(end.failure.message, /antiphon-life/, "a path");
        const health = await engine.health();
        assert.equal(health.state, "down");
        assert.notEqual(health.detail, null);
        await assert.rejects(engine.countTokens(asking("hi")));
      });
    }
  });
});

suite("work of the engine process", { timeout: 120_000 }, () => {
  let made: MadeEngine;
  before(async () => {
    made = await scriptedEngine();
    await loaded(made.engine);
  });
  after(() => made.close());

  test("32 streams on 4 slots, 20 of them cancelled at random: each of the others is whole and its own", async () => {
    const prompts = ["hi", "[[think]]", "[[tool]]", "[[long]]"] as const;
    /** Some have words of their own to say, the long ones a length of their own. */
    const request = (index: number): EngineRequest => {
      const schema = { const: `The answer of stream ${index}, and of no other one.` };
      const own = { format: { type: "json_schema", name: "own", schema, strict: true } } as const;
      return asking(`${prompts[index % 4] ?? ""} ${"x".repeat(index * 40)}`, {
        tools: [poll],
        maxTokens: 60 + index,
        ...(index % 4 === 0 ? own : {}),
      });
    };
    const order = Array.from({ length: 32 }, (_, index) => ({ index, rank: Math.random() }));
    const cancelled = new Set(
      order
        .sort((a, b) => a.rank - b.rank)
        .slice(0, 20)
        .map(({ index }) => index),
    );
    const alone = new Map<number, Outcome>();
    for (const { index } of order.filter((one) => !cancelled.has(one.index)))
      alone.set(index, await outcomeOf(made.engine.generate(request(index), never)));
    const outcomes = await Promise.all(
      Array.from({ length: 32 }, async (_, index) => {
        if (!cancelled.has(index)) return outcomeOf(made.engine.generate(request(index), never));
        const abort = new AbortController();
        let left = Math.floor(Math.random() * 40);
        for await (const { kind } of made.engine.generate(request(index), abort.signal)) {
          assert.ok(!abort.signal.aborted, `${kind} after the abort`);
          if (left === 0) abort.abort();
          left -= 1;
        }
        return null;
      }),
    );
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome === null) continue;
      const { items, end } = alone.get(index) ?? {};
      assert.deepEqual(outcome.items, items);
      assert.deepEqual(outcome.end, end);
    }
    assert.equal(await say(made, asking("hi")), hello);
  });

  test("the next turn of a thread reads only what is new", async () => {
    const thread: EngineMessage[] = [user(`[[tool]] ${"context ".repeat(100)}`)];
    const first = await usageOf(made, asking(thread, { tools: [weather] }));
    const args = '{"city": "Paris"}';
    thread.push({
      role: "assistant",
      content: "",
      reasoning: null,
      calls: [{ id: "c", name: "get_weather", arguments: args }],
    });
    thread.push({ role: "tool", callId: "c", name: "get_weather", content: [{ type: "text", text: "12 degrees" }] });
    const second = await usageOf(made, asking(thread, { tools: [weather] }));
    assert.ok(second.cached >= first.input, `${second.cached} of ${first.input} tokens`);
    assert.ok(second.cached < second.input);
  });

  test("a reader that is slow is waited for, and an abort meanwhile is honoured", async () => {
    const abort = new AbortController();
    let texts = 0;
    for await (const delta of made.engine.generate(asking("[[long]]"), abort.signal)) {
      if (delta.kind === "text") texts += 1;
      if (texts === 2) await sleep(300);
      if (texts > 200) abort.abort();
    }
    assert.equal(texts, 201);
    assert.equal(await say(made, asking("hi")), hello);
  });

  test("usage counts what was read and written, thinking apart", async () => {
    const usage = await usageOf(made, asking("[[think]] now"));
    const { input, exact } = await made.engine.countTokens(asking("[[think]] now"));
    assert.ok(exact);
    assert.equal(usage.input, input);
    assert.ok(usage.reasoning > 0 && usage.reasoning < usage.output && !usage.estimated);
  });

  test("effort none leaves the thinking out", async () => {
    const { items } = await outcomeOf(made.engine.generate(asking("[[think]]", { effort: "none" }), never));
    assert.deepEqual(
      items.map(({ item, text }) => [item.type, text]),
      [["message", "My considered reply is forty-two."]],
    );
  });

  test("however wild the sampling, a finished call is one of an offered tool, with arguments that fit", async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const sampling = { temperature: 30, topP: 1, presencePenalty: null, frequencyPenalty: null, seed };
      const request = asking("hi", { tools: [poll], toolChoice: "required", sampling, maxTokens: 400, effort: "none" });
      const { items, end } = await outcomeOf(
        made.engine.generate({ ...request, extra: { top_k: 0, min_p: 0 } }, never),
      );
      assert.ok(end?.kind === "finish");
      for (const { item, text, closed } of items) {
        assert.deepEqual(item, { type: "call", name: "answer_poll" });
        if (closed) assert.match(text, /^\{"choice": "(?:yes|no)", "sure": (?:true|false)\}$/);
      }
    }
  });

  test("a format may be thought about first", async () => {
    const format = { type: "json_schema", name: "p", schema: poll.parameters, strict: true } as const;
    const { items, end } = await outcomeOf(made.engine.generate(asking("[[think]]", { format }), never));
    assert.deepEqual(end, { kind: "finish", reason: "stop" });
    assert.deepEqual(
      items.map(({ item }) => item.type),
      ["reasoning", "message"],
    );
    assert.equal(typeof (JSON.parse(items[1]?.text ?? "") as { sure: unknown }).sure, "boolean");
  });

  test("a prompt that fills the context to the last tokens ends with length", async () => {
    await withEngine({ contextSize: 512, slots: 1 }, async (small) => {
      await loaded(small.engine);
      const [model] = await small.engine.models();
      const room = (model?.contextLength ?? 0) - (await small.engine.countTokens(endless(0))).input;
      const full = await outcomeOf(small.engine.generate(endless(room - 3), never));
      assert.deepEqual(full.end, { kind: "finish", reason: "length" });
      assert.equal(full.usage?.output, 3);
      const over = await outcomeOf(small.engine.generate(endless(room), never));
      assert.ok(over.end?.kind === "fail");
      assert.equal(over.end.failure.code, "context_length_exceeded");
      assert.match(over.end.failure.message, new RegExp(`${model?.contextLength} tokens.* ${model?.contextLength}`));
      assert.equal((await outcomeOf(small.engine.generate(asking("hi"), never))).end?.kind, "finish");
    });
  });
});
