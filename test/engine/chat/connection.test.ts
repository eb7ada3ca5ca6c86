/** Owns the tests of the way to an upstream: its address as people write it, its credentials, and connections that die. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { setImmediate as turnOfLoop } from "node:timers/promises";
import { createChatEngine } from "../../../src/engine/chat/chat.ts";
import { silentLog } from "../../../src/log.ts";
import { asking } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";
import { chunk, event, type Handler, sendJson, startEvents, startUpstream } from "../upstream.ts";
import { connect, failureOf, run, said, sendAnswer } from "./connect.ts";

test("chat: base URLs as people write them", async (t) => {
  const { upstream } = await connect(t, (_request, response) => sendAnswer(response));
  const paths = { "": "/v1", "/": "/v1", "/v1": "/v1", "/v1/": "/v1", "/v1/chat/completions": "/v1" };
  const deeper = { "/proxy": "/proxy/v1", "/v1beta/openai/": "/v1beta/openai" };
  for (const [path, api] of Object.entries({ ...paths, ...deeper })) {
    const baseUrl = upstream.url + path;
    const engine = createChatEngine({ baseUrl, apiKey: null, dialect: "generic", log: silentLog });
    await run(engine, asking("Hi"));
    assert.equal(upstream.received.at(-1)?.path, `${api}/chat/completions`);
    await engine.close();
  }
  for (const baseUrl of ["", "localhost:8080", "file:///etc"]) {
    assert.throws(() => createChatEngine({ baseUrl, apiKey: null, dialect: null, log: silentLog }), /http:\/\//);
  }
});

test("chat: the query of the base URL goes with every request, and into no message", async (t) => {
  const upstream = await startUpstream((_request, response) => {
    sendJson(response, 400, { error: { message: "bad key 0123456789abcdef" } });
  });
  const query = "?api-version=2024-10-21&key=0123456789abcdef";
  const baseUrl = `${upstream.url}/openai/deployments/gpt/chat/completions${query}`;
  const engine = createChatEngine({ baseUrl, apiKey: null, dialect: "vllm", log: silentLog });
  t.after(async () => {
    await engine.close();
    await upstream.close();
  });
  const { message } = failureOf(await run(engine, asking("Hi")));
  assert.ok(!message.includes("0123456789abcdef") && !message.includes("api-version"), message);
  await engine.models();
  await engine.countTokens(asking("Hi"));
  const paths = ["/chat/completions", "/models", "/tokenize"].map((path) => `/openai/deployments/gpt${path}${query}`);
  assert.deepEqual(
    upstream.received.map(({ path }) => path),
    paths,
  );
});

test("chat: a name and password in the base URL are sent as such, and never come back", async (t) => {
  const upstream = await startUpstream(({ headers }, response) => {
    sendJson(response, 400, { error: { message: `no luck with ${headers.authorization} 50%p@ss` } });
  });
  const baseUrl = upstream.url.replace("//", "//me:50%p%40ss@");
  const engine = createChatEngine({ baseUrl, apiKey: null, dialect: "generic", log: silentLog });
  t.after(async () => {
    await engine.close();
    await upstream.close();
  });
  const { message } = failureOf(await run(engine, asking("Hi")));
  const login = Buffer.from("me:50%p@ss").toString("base64");
  assert.equal(upstream.received[0]?.headers.authorization, `Basic ${login}`);
  assert.match(message, /no luck with Basic \[key\] \[key\]$/);
  assert.throws(() => createChatEngine({ baseUrl, apiKey: "k", dialect: null, log: silentLog }), /one of them only/);
});

const hour = 3_600_000;

/** Answers the first request of each connection, and hangs up on the second; tells on how many it did. */
function hangUpOnSecond(): { handler: Handler; hangUps: () => number } {
  const seen = new WeakSet<object>();
  let hangUps = 0;
  return {
    handler(_request, response) {
      const { socket } = response;
      assert.ok(socket);
      if (seen.has(socket)) {
        hangUps += 1;
        socket.destroy();
      } else sendAnswer(response);
      seen.add(socket);
    },
    hangUps: () => hangUps,
  };
}

test("chat: a kept connection that the upstream closed meanwhile is no reason to fail", async (t) => {
  const { handler, hangUps } = hangUpOnSecond();
  const { engine, upstream } = await connect(t, handler, { timeouts: { staleMs: hour } });
  let runs = 0;
  // A connection is taken again only once its last answer was read to the end.
  for (; hangUps() === 0; runs += 1) assert.equal(said(await run(engine, asking("Hi"))), "Hi");
  assert.equal(upstream.received.length, runs + hangUps());
});

test("chat: a connection is kept where the stream ends later than its [DONE], and whoever asked is gone", async (t) => {
  const sockets = new Set<unknown>();
  const open: ServerResponse[] = [];
  const { engine } = await connect(t, (_request, response) => {
    sockets.add(response.socket);
    startEvents(response);
    response.write(event(chunk({ content: "Hi" }, "stop")) + event("[DONE]"));
    open.push(response);
  });
  let runs = 0;
  // The end may be read only after the next request was sent: that one needs a connection of its own.
  for (; sockets.size === runs; runs += 1) {
    assert.ok(runs < 50, "every run took a new connection");
    const client = new AbortController();
    assert.equal(said(await outcomeOf(engine.generate(asking("Hi"), client.signal))), "Hi");
    client.abort();
    open.pop()?.end();
    await turnOfLoop();
  }
});

test("chat: a stream that stays open after its [DONE] is closed after the grace time", async (t) => {
  const closed = Promise.withResolvers<void>();
  const { engine } = await connect(
    t,
    (_request, response) => {
      startEvents(response);
      response.write(event(chunk({ content: "Hi" }, "stop")) + event("[DONE]"));
      response.on("close", closed.resolve);
    },
    { timeouts: { graceMs: 1 } },
  );
  assert.equal(said(await run(engine, asking("Hi"))), "Hi");
  await closed.promise;
});

test("chat: an upstream that dies of a prompt does not get it twice", async (t) => {
  const { engine, upstream } = await connect(t, (_request, response) => void response.destroy(), {
    timeouts: { staleMs: hour },
  });
  assert.equal(failureOf(await run(engine, asking("Hi"))).code, "upstream_error");
  assert.equal(upstream.received.length, 1);
});

test("chat: an upstream that dies of a prompt on a kept connection does not get it twice", async (t) => {
  const { handler, hangUps } = hangUpOnSecond();
  // Any time that passes counts as reading.
  const { engine, upstream } = await connect(t, handler, { timeouts: { staleMs: 0 } });
  let outcome = await run(engine, asking("Hi"));
  let runs = 1;
  for (; outcome.end?.kind === "finish"; runs += 1) outcome = await run(engine, asking("Hi"));
  assert.equal(failureOf(outcome).code, "upstream_error");
  assert.deepEqual([upstream.received.length, hangUps()], [runs, 1]);
});
