/** Owns the tests of the upstream engine over real connections: streams at once, cancellations, breakdowns, and repairs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createChatEngine } from "../../../src/engine/chat/chat.ts";
import { silentLog } from "../../../src/log.ts";
import { asking } from "../asking.ts";
import {
  chunk,
  event,
  type Handler,
  identities,
  scriptedServer,
  sendJson,
  startEvents,
  startUpstream,
} from "../upstream.ts";
import { connect, failureOf, neverAborted, run, said, sendAnswer } from "./connect.ts";

/** Answers every request with one chunk, and then with silence. */
const stall: Handler = (_request, response) => {
  startEvents(response);
  response.write(event(chunk({ content: "Hel" })));
};

test("chat: an abort closes the connection", async (t) => {
  const { engine, upstream } = await connect(t, stall);
  const abort = new AbortController();
  const kinds: string[] = [];
  for await (const { kind } of engine.generate(asking("Hi"), abort.signal)) {
    kinds.push(kind);
    if (kind === "text") abort.abort();
  }
  assert.deepEqual(kinds, ["open", "text"]);
  await upstream.received[0]?.gone;
});

test("chat: leaving the loop closes the connection", async (t) => {
  const { engine, upstream } = await connect(t, stall);
  for await (const { kind } of engine.generate(asking("Hi"), neverAborted)) if (kind === "text") break;
  await upstream.received[0]?.gone;
});

test("chat: an abort before the headers closes the connection", async (t) => {
  const abort = new AbortController();
  const { engine, upstream } = await connect(t, () => abort.abort());
  for await (const delta of engine.generate(asking("Hi"), abort.signal)) assert.fail(delta.kind);
  await upstream.received[0]?.gone;
});

test("chat: an abort ends a stream whose upstream does not even say what it is", async (t) => {
  const abort = new AbortController();
  const { engine } = await connect(t, () => abort.abort(), { dialect: null, timeouts: { probeMs: 3_600_000 } });
  for await (const delta of engine.generate(asking("Hi"), abort.signal)) assert.fail(delta.kind);
});

test("chat: after an abort nothing is given on, not even what had arrived", async (t) => {
  const { engine } = await connect(t, (_request, response) => {
    startEvents(response);
    response.end(event(chunk({ content: "one" })).repeat(50) + event(chunk({}, "stop")) + event("[DONE]"));
  });
  const abort = new AbortController();
  const kinds: string[] = [];
  for await (const { kind } of engine.generate(asking("Hi"), abort.signal)) {
    kinds.push(kind);
    if (kind === "text") abort.abort();
  }
  assert.deepEqual(kinds, ["open", "text"]);
});

test("chat: 32 streams at once, each whole and its own, 20 more cancelled among them", async (t) => {
  const { engine, upstream } = await connect(t, scriptedServer(identities["vllm"] ?? {}), { dialect: "vllm" });
  const texts = Array.from({ length: 32 }, (_, stream) => `[[echo]] stream ${stream}: ${`${stream} `.repeat(40)}`);
  const whole = texts.map(async (text) => assert.equal(said(await run(engine, asking(text))), text));
  const cancelled = Array.from({ length: 20 }, async (_, stream) => {
    const abort = new AbortController();
    let left = (stream * 7) % 23;
    for await (const { kind } of engine.generate(asking("[[long]]"), abort.signal)) {
      assert.ok(kind === "open" || kind === "text", kind);
      if (left === 0) abort.abort();
      left -= 1;
    }
  });
  await Promise.all([...whole, ...cancelled]);
  const endless = upstream.received.filter(({ body }) => JSON.stringify(body).includes("[[long]]"));
  assert.equal(endless.length, 20);
  await Promise.all(endless.map(({ gone }) => gone));
});

test("chat: a connection that breaks in mid-stream", async (t) => {
  const { engine } = await connect(t, (_request, response) => {
    startEvents(response);
    response.write(event(chunk({ content: "Hel" })), () => response.destroy());
  });
  const outcome = await run(engine, asking("Hi"));
  assert.deepEqual([said(outcome), failureOf(outcome).code], ["Hel", "upstream_error"]);
});

test("chat: silence is a timeout, before the headers and after", async (t) => {
  const timeouts = { idleMs: 60, headersMs: 60 };
  for (const handler of [stall, (): void => undefined]) {
    const { engine, upstream } = await connect(t, handler, { timeouts });
    assert.equal(failureOf(await run(engine, asking("Hi"))).code, "upstream_timeout");
    await upstream.received[0]?.gone;
  }
});

test("chat: an upstream that is down is named, and used when it is back", async (t) => {
  const first = await startUpstream(() => undefined);
  await first.close();
  const engine = createChatEngine({ baseUrl: first.url, apiKey: null, dialect: null, log: silentLog });
  t.after(() => engine.close());
  const { code, message } = failureOf(await run(engine, asking("Hi")));
  assert.equal(code, "upstream_error");
  assert.match(message, new RegExp(`${first.url}/v1 refuses connections; start it`));
  assert.deepEqual(await engine.models(), []);
  assert.equal((await engine.health()).state, "down");

  const identity = identities["llama-server"] ?? {};
  const upstream = await startUpstream(scriptedServer(identity), Number(new URL(first.url).port));
  t.after(() => upstream.close());
  assert.equal((await engine.models()).length, 1);
  assert.match(said(await run(engine, asking("Hi"))), /^Hello/);
  // The dialect was found only now.
  assert.match(JSON.stringify(upstream.received.at(-1)?.body), /"cache_prompt":true/);
});

test("chat: the key is sent, and never comes back", async (t) => {
  const apiKey = "sk-very-secret";
  const { engine, upstream } = await connect(
    t,
    (_request, response) => sendJson(response, 400, { error: { message: `no luck with ${apiKey}` } }),
    { apiKey, headers: { "x-team": "blue" } },
  );
  const { message } = failureOf(await run(engine, asking("Hi")));
  assert.ok(!message.includes(apiKey) && message.includes("no luck with [key]"), message);
  const headers = upstream.received[0]?.headers;
  assert.deepEqual([headers?.authorization, headers?.["x-team"]], [`Bearer ${apiKey}`, "blue"]);
});

test("chat: a model that is loading is waited for, within bounds", async (t) => {
  let refusals = 2;
  const handler: Handler = (_request, response) => {
    refusals -= 1;
    if (refusals < 0) sendAnswer(response);
    else sendJson(response, 503, { error: { message: "Loading model", type: "unavailable_error", code: 503 } });
  };
  const { engine } = await connect(t, handler, { timeouts: { loadingPollMs: 1 } });
  const kinds: string[] = [];
  for await (const { kind } of engine.generate(asking("Hi"), neverAborted)) kinds.push(kind);
  assert.deepEqual(kinds, ["progress", "progress", "open", "text", "close", "usage", "finish"]);
  refusals = 1;
  const hasty = await connect(t, handler, { timeouts: { loadingMs: 0 } });
  assert.equal(failureOf(await run(hasty.engine, asking("Hi"))).code, "server_is_overloaded");
});

test("chat: closing the engine fails what is under way", async (t) => {
  const { engine } = await connect(t, stall);
  const deltas = engine.generate(asking("Hi"), neverAborted)[Symbol.asyncIterator]();
  await deltas.next();
  await engine.close();
  const rest: string[] = [];
  for (let next = await deltas.next(); next.done !== true; next = await deltas.next()) rest.push(next.value.kind);
  assert.equal(rest.at(-1), "fail");
  assert.match(failureOf(await run(engine, asking("Hi"))).message, /shutting down/);
});
