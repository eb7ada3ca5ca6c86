/** Owns the proof of streams as they run: many at once, slow readers, clients that leave, and shutdown. */
import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { Script } from "../../src/engine/script.ts";
import { dial, endless, endOf, errorOf, head, json, openTestDoor, says, send, until } from "./door.ts";

const streamed = '{"input":"hi","stream":true}';

interface Held {
  readonly script: Script;
  readonly release: () => void;
  readonly started: Promise<void>;
  /** How many of its answers were aborted. */
  readonly aborted: () => number;
}

/** A model that answers nothing until `release` is called. */
function held(): Held {
  const begin = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let aborted = 0;
  async function* script(...[, signal]: Parameters<Script>): AsyncGenerator<ReturnType<typeof says>[number]> {
    begin.resolve();
    const stop = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => {
      aborted += 1;
      stop.resolve();
    });
    await Promise.race([gate.promise, stop.promise]);
    if (!signal.aborted) yield* says("ok");
  }
  return { script, release: () => gate.resolve(), started: begin.promise, aborted: () => aborted };
}

test("headers and the first two events leave before the engine says anything; comments fill its silence", async (t) => {
  const { script, release } = held();
  const door = await openTestDoor(t, script, { commentMs: 5 });
  const answer = await door.ask(streamed);
  let body = "";
  for await (const chunk of answer.body ?? []) {
    body += Buffer.from(chunk).toString();
    if (body.includes(": waiting\n\n: waiting\n\n")) release();
  }
  assert.ok(body.startsWith("event: response.created\n"));
  assert.equal(endOf(body).type, "response.completed");
});

for (const stream of [true, false]) {
  test(`a client that leaves aborts the engine (stream: ${stream})`, async (t) => {
    const { script, started, aborted } = held();
    const door = await openTestDoor(t, script);
    const leaving = new AbortController();
    const asked = fetch(`${door.address}/v1/responses`, {
      method: "POST",
      body: JSON.stringify({ input: "hi", stream }),
      signal: leaving.signal,
    }).then((answer) => answer.text());
    await started;
    leaving.abort();
    await assert.rejects(asked);
    await until(() => aborted() === 1);
    assert.deepEqual(door.complaints, []);
  });
}

test("a connection that is reset in mid-stream is seen by the engine", async (t) => {
  const seen = { started: 0, pieces: 0, ended: 0 };
  const door = await openTestDoor(t, endless(seen));
  const socket = dial(door);
  socket.write(head(streamed.length) + streamed);
  await until(() => socket.bytesRead > 5_000);
  socket.resetAndDestroy();
  await until(() => seen.ended === 1);
  assert.deepEqual(door.complaints, []);
});

test("a client that stays but takes nothing is cut off, and the engine is free", async (t) => {
  const ended = Promise.withResolvers<void>();
  const door = await openTestDoor(
    t,
    async function* script(_request, signal) {
      yield { kind: "open", key: 0, item: { type: "message" } };
      while (!signal.aborted) yield { kind: "text", key: 0, text: "x".repeat(64 * 1024) };
      ended.resolve();
    },
    { stalledMs: 200 },
  );
  const socket = dial(door).pause();
  t.after(() => socket.destroy());
  socket.write(head(streamed.length) + streamed);
  await ended.promise;
});

test("the engine does not run ahead of a client that does not read", async (t) => {
  let pieces = 0;
  let ended = false;
  const piece = "x".repeat(64 * 1024);
  const door = await openTestDoor(t, async function* script() {
    try {
      yield { kind: "open", key: 0, item: { type: "message" } };
      for (; pieces < 400; pieces += 1) yield { kind: "text", key: 0, text: piece };
      yield { kind: "close", key: 0 };
      yield { kind: "finish", reason: "stop" };
    } finally {
      ended = true;
    }
  });
  const socket = dial(door);
  socket.write(head(streamed.length, "connection: close") + streamed);
  await until(() => socket.bytesRead > 0);
  socket.pause();
  let before = -1;
  // The kernel's buffers fill, then nothing moves any more.
  while (before !== pieces) {
    before = pieces;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(pieces < 300, `${pieces} pieces were made for nobody`);
  let received = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) received += chunk.length;
  assert.ok(received > 400 * piece.length);
  assert.ok(ended);
  assert.deepEqual(door.complaints, []);
});

test("32 streams at once, each whole and its own, while 20 others are cancelled at random", async (t) => {
  const begun = new Set<string>();
  let cancelled = 0;
  const door = await openTestDoor(t, async function* script({ messages }, signal) {
    const name = /(?:stream|victim)-\d+/.exec(JSON.stringify(messages[0]))?.[0] ?? "nobody";
    const length = name.startsWith("victim") ? Infinity : 50;
    begun.add(name);
    yield { kind: "open", key: 0, item: { type: "message" } };
    for (let at = 0; at < length && !signal.aborted; at += 1) {
      yield { kind: "text", key: 0, text: `${name}/${at} ` };
      yield 1;
    }
    if (signal.aborted) cancelled += 1;
    yield { kind: "close", key: 0 };
    yield { kind: "finish", reason: "stop" };
  });
  const whole = Array.from({ length: 32 }, async (_, index) => {
    const answer = await door.ask({ input: `stream-${index}`, stream: true });
    const wanted = Array.from({ length: 50 }, (_, at) => `stream-${index}/${at} `).join("");
    assert.equal(endOf(await answer.text()).response.output_text, wanted);
  });
  const victims = Array.from({ length: 20 }, async (_, index) => {
    const leaving = new AbortController();
    const asked = fetch(`${door.address}/v1/responses`, {
      method: "POST",
      body: JSON.stringify({ input: `victim-${index}`, stream: index % 4 > 0 }),
      signal: leaving.signal,
    }).then((answer) => answer.text());
    void until(() => begun.has(`victim-${index}`)).then(() => setTimeout(() => leaving.abort(), Math.random() * 60));
    await assert.rejects(asked);
  });
  await Promise.all([...whole, ...victims]);
  await until(() => cancelled === 20);
  assert.deepEqual(door.complaints, []);
});

test("shutdown lets a running stream finish within its time", async (t) => {
  const { script, release, started } = held();
  const door = await openTestDoor(t, script, { shutdownMs: 60_000 });
  const answer = await door.ask(streamed);
  await started;
  const closed = door.close();
  await assert.rejects(fetch(`${door.address}/health`));
  release();
  assert.equal(endOf(await answer.text()).type, "response.completed");
  await closed;
});

test("shutdown ends a stream without end with response.failed", async (t) => {
  const seen = { started: 0, pieces: 0, ended: 0 };
  const door = await openTestDoor(t, endless(seen), { shutdownMs: 30 });
  const [stream, plain] = [door.ask(streamed), door.ask({ input: "hi" })];
  const answer = await stream;
  await until(() => seen.started === 2 && seen.pieces > 2);
  const closed = door.close();
  const last = endOf(await answer.text());
  assert.equal(last.type, "response.failed");
  assert.deepEqual(last.response.error, { code: "server_error", message: "The server is shutting down." });
  const refused = await plain;
  assert.equal(refused.status, 503);
  assert.equal((await errorOf(refused)).code, "server_shutting_down");
  await closed;
  await door.close();
});

test("a connection kept open is refused during shutdown, and does not hold it up", async (t) => {
  const { script, release, started } = held();
  const door = await openTestDoor(t, script, { shutdownMs: 60_000 });
  const answer = await door.ask(streamed);
  await started;
  const [open, idle] = [dial(door), dial(door)];
  open.write(head(13, "expect: 100-continue"));
  await until(() => open.bytesRead > 0);
  const closed = door.close();
  // Its first request is under way, so the connection outlives the beginning of the shutdown.
  open.write('{"input":  7}GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const statuses = [...(await text(open)).matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
  assert.deepEqual(statuses, ["100", "400", "503"]);
  release();
  assert.equal(endOf(await answer.text()).type, "response.completed");
  await closed;
  assert.equal(await text(idle), "");
});

test("a client that does not read cannot hold up the shutdown", async (t) => {
  const piece = "x".repeat(64 * 1024);
  const door = await openTestDoor(t, function* script() {
    yield { kind: "open", key: 0, item: { type: "message" } };
    for (;;) yield { kind: "text", key: 0, text: piece };
  });
  const socket = dial(door);
  socket.write(head(streamed.length) + streamed);
  await until(() => socket.bytesRead > 0);
  socket.pause();
  await door.close();
  socket.destroy();
});

test("an engine that breaks the stream's rules cuts the connection and is logged, and others go on", async (t) => {
  const door = await openTestDoor(t, ({ messages }) => {
    if (JSON.stringify(messages).includes("break")) throw new Error("a bug");
    return says("ok");
  });
  const answer = await door.ask({ input: "break", stream: true });
  assert.equal(endOf(await answer.text()).type, "response.failed");
  assert.match(door.complaints.join(), /a bug/);
  assert.equal((await json(await door.ask({ input: "hi" })))["output_text"], "ok");
  assert.equal((await send(door, "/health")).status, 200);
});
