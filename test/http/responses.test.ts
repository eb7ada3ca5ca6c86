/** Owns the proof of `/responses`: one line behind the stream and the JSON, statuses, and what was stored. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createScriptEngine, type Script } from "../../src/engine/script.ts";
import type { Delta, Engine } from "../../src/engine/engine.ts";
import { ApiError, type ErrorCode, errors } from "../../src/errors.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { endOf, errorOf, json, openTestDoor, says, send } from "./door.ts";

const hello = (): Delta[] => says("Hel", "lo \u{1F600}\u2028\u0085\n");

test("a stream: framing, headers, every invariant, and the end at once", async (t) => {
  const door = await openTestDoor(t, hello);
  const answer = await door.ask({ input: "hi", stream: true });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.equal(answer.headers.get("cache-control"), "no-cache");
  assert.equal(answer.headers.get("x-accel-buffering"), "no");
  assert.equal(answer.headers.get("antiphon-model"), "script");
  assert.equal(answer.headers.get("openai-model"), null);
  assert.match(answer.headers.get("x-request-id") ?? "", /^req_/);
  const body = await answer.text();
  assert.equal(endOf(body).type, "response.completed");
  assert.match(body, /^(?:event: [a-z._]+\ndata: \{.*\}\n\n)+$/);
  assert.ok(!body.includes("[DONE]") && !body.includes("\u0085"));
});

test("JSON says what the stream says, and so does GET", async (t) => {
  const door = await openTestDoor(t, hello);
  const answer = await door.ask({ input: "hi" });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(answer.headers.get("antiphon-model"), "script");
  const body = await json(answer);
  assert.equal(body["output_text"], "Hello \u{1F600}\u2028\u0085\n");
  assert.equal(body["status"], "completed");
  const again = await fetch(`${door.address}/v1/responses/${String(body["id"])}`);
  assert.deepEqual(await json(again), body);
});

test("the answer's length cut short is incomplete, with status 200", async (t) => {
  const door = await openTestDoor(t, () => [{ kind: "finish", reason: "length" }]);
  const answer = await door.ask({ input: "hi" });
  assert.equal(answer.status, 200);
  assert.equal((await json(answer))["status"], "incomplete");
});

const failures = [
  "context_length_exceeded",
  "invalid_prompt",
  "engine_crashed",
  "upstream_error",
  "upstream_refused",
  "upstream_timeout",
  "rate_limit_exceeded",
  "insufficient_quota",
  "server_is_overloaded",
  "server_error",
] as const;
for (const code of failures) {
  test(`an engine's ${code} is a status for JSON and response.failed for a stream`, async (t) => {
    const door = await openTestDoor(t, () => [{ kind: "fail", failure: { code, message: "what happened" } }]);
    const answer = await door.ask({ input: "hi" });
    const { status, retryable } = errors[code];
    assert.equal(answer.status, status);
    assert.deepEqual(await errorOf(answer), {
      code,
      message: "what happened",
      param: code === "context_length_exceeded" ? "input" : null,
      type: errors[code].type,
    });
    assert.equal(answer.headers.get("x-should-retry"), retryable ? null : "false");
    assert.equal(answer.headers.get("retry-after") !== null, retryable && (status === 429 || status === 503));
    const stream = await door.ask({ input: "hi", stream: true });
    assert.equal(stream.status, 200);
    assert.equal(endOf(await stream.text()).type, "response.failed");
  });
}

test("an upstream's wish to be left alone reaches the client", async (t) => {
  const failure = { code: "rate_limit_exceeded", message: "busy; try again in 7s", retryAfterSeconds: 7 } as const;
  const door = await openTestDoor(t, () => [{ kind: "fail", failure }]);
  assert.equal((await door.ask({ input: "hi" })).headers.get("retry-after"), "7");
  assert.match(await (await door.ask({ input: "hi", stream: true })).text(), /try again in 7s/);
});

test("what is wrong with a request is told before a stream starts", async (t) => {
  const door = await openTestDoor(t, hello);
  const cases: readonly (readonly [unknown, ErrorCode])[] = [
    [{ input: 7, stream: true }, "invalid_value"],
    [{ input: "hi", stream: true, previous_response_id: "resp_gone" }, "previous_response_not_found"],
    [[], "invalid_type"],
    ["", "invalid_json"],
    [" \n", "invalid_json"],
    ["{", "invalid_json"],
  ];
  for (const [body, code] of cases) {
    const answer = await door.ask(body);
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get("x-should-retry"), "false");
    assert.match(answer.headers.get("x-request-id") ?? "", /^req_/);
    assert.equal((await errorOf(answer)).code, code);
  }
});

test("the client's request id is echoed where it is sane", async (t) => {
  const door = await openTestDoor(t, hello);
  const idOf = async (headers: Readonly<Record<string, string>>): Promise<string> => {
    const answer = await door.ask({ input: "hi" }, headers);
    return answer.headers.get("x-request-id") ?? "";
  };
  assert.equal(await idOf({ "x-request-id": "mine-1" }), "mine-1");
  assert.equal(await idOf({ "x-client-request-id": "mine-2" }), "mine-2");
  assert.match(await idOf({ "x-request-id": "x".repeat(10_000) }), /^req_/);
});

test("the thread is known by header, else by Codex's metadata", async (t) => {
  const seen: (string | null)[] = [];
  const script: Script = ({ affinity }) => {
    seen.push(affinity);
    return says("ok");
  };
  const door = await openTestDoor(t, script);
  const body = { input: "hi", prompt_cache_key: "session", client_metadata: { thread_id: "metadata" } };
  await door.ask(body, { "thread-id": "thread", "session-id": "session" });
  await door.ask(body, { "session-id": "session-1" });
  await door.ask(body, { "x-session-affinity": "affinity" });
  await door.ask(body);
  await door.ask({ input: "hi", prompt_cache_key: "key" });
  await door.ask({ input: "hi", client_metadata: { thread_id: 7 } });
  assert.deepEqual(seen, ["thread", "session-1", "affinity", "metadata", "key", null]);
});

test("while the model loads, streams are taken, and JSON waits for a while before it is put off", async (t) => {
  const loading: Engine = {
    ...createScriptEngine(async function* () {
      yield { kind: "progress", stage: "loading", done: 1, total: 100 };
      yield 50;
      yield* hello();
    }),
    health: () => Promise.resolve({ state: "loading", detail: "reading weights" }),
  };
  const patient = await openTestDoor(t, loading, { line: { loadingMs: 60_000 } });
  assert.equal((await patient.ask({ input: "hi" })).status, 200);
  const door = await openTestDoor(t, loading);
  const answer = await door.ask({ input: "hi" });
  assert.equal(answer.status, 503);
  assert.equal((await errorOf(answer)).code, "model_loading");
  assert.ok(Number(answer.headers.get("retry-after")) > 0);
  assert.equal((await door.ask({ input: "hi", stream: true })).status, 200);
  const health = await fetch(`${door.address}/health`);
  assert.equal(health.status, 503);
  assert.deepEqual(await json(health), { status: "loading", detail: "reading weights" });
});

test("a stored response is there until it is deleted; store: false was never there", async (t) => {
  const door = await openTestDoor(t, hello);
  const { id } = await json(await door.ask({ input: "hi" }));
  const url = `${door.address}/v1/responses/${String(id)}`;
  const streamed = await fetch(`${url}?stream=true`);
  assert.equal((await errorOf(streamed)).code, "unsupported_parameter");
  assert.deepEqual(await json(await fetch(url, { method: "DELETE" })), { id, object: "response", deleted: true });
  for (const method of ["GET", "DELETE"]) {
    const answer = await fetch(url, { method });
    assert.equal(answer.status, 404);
    assert.match((await errorOf(answer)).message, new RegExp(`'${String(id)}' not found`));
  }
  const unstored = await json(await door.ask({ input: "hi", store: false }));
  assert.equal((await fetch(`${door.address}/v1/responses/${String(unstored["id"])}`)).status, 404);
});

test("previous_response_id carries the thread on", async (t) => {
  const door = await openTestDoor(t, ({ messages }) => says(`${messages.length}`));
  const first = await json(await door.ask({ input: "one" }));
  const second = await json(await door.ask({ input: "two", previous_response_id: first["id"] }));
  assert.equal(second["output_text"], "3");
});

test("an unexpected error is a plain 500, logged, without its inside", async (t) => {
  const store = { ...createMemoryStore(), get: () => Promise.reject(new Error("secret /path")) };
  const door = await openTestDoor(t, hello, { line: { store } });
  const answer = await fetch(`${door.address}/v1/responses/resp_1`);
  assert.equal(answer.status, 500);
  assert.doesNotMatch(await answer.text(), /secret/);
  assert.match(door.complaints.join(), /secret/);
});

test("a model name that no header can carry does no harm", async (t) => {
  const engine: Engine = { ...createScriptEngine(hello), models: () => Promise.resolve([]) };
  const door = await openTestDoor(t, engine);
  for (const model of ["\u{1F600}\r\nx: y", "\ud800", "x".repeat(100_000)]) {
    assert.equal((await door.ask({ model, input: "hi", stream: true })).status, 200);
  }
  assert.deepEqual(door.complaints, []);
});

test("requests that the line refuses with its own codes keep them", async (t) => {
  const engine: Engine = {
    ...createScriptEngine(hello),
    models: () => Promise.reject(new ApiError("upstream_timeout", "too slow")),
  };
  const door = await openTestDoor(t, engine);
  assert.equal((await door.ask({ input: "hi" })).status, 504);
});

test("HEAD tells that the API is here, a WebSocket is refused with the status that Codex falls back on", async (t) => {
  const door = await openTestDoor(t, hello);
  const head = await send(door, "/v1/responses", { method: "HEAD" });
  assert.equal(head.status, 200);
  const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const answer = await send(door, "/v1/responses", {
    headers: { ...upgrade, "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" },
  });
  assert.equal(answer.status, 426);
});

test("a client that would rather speak HTTP/2 is answered in HTTP/1.1", async (t) => {
  const door = await openTestDoor(t, hello);
  const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAEAAEAAAAIAAAAA" };
  assert.equal((await send(door, "/v1/responses", { method: "POST", headers, body: '{"input":"hi"}' })).status, 200);
});
