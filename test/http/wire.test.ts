/** Owns the tests of streams on connections that are not as usual: without chunks, pipelined, and read slowly. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { Script } from "../../src/engine/script.ts";
import { dial, endOf, head, openTestDoor, says, until } from "./door.ts";

const hour = 3_600_000;
const streamed = '{"input":"hi","stream":true}';

test("a client of HTTP/1.0 gets a stream without chunks, which ends with the connection", async (t) => {
  const door = await openTestDoor(t, () => says("Hello"));
  const socket = dial(door);
  socket.write(head(streamed.length).replace("HTTP/1.1", "HTTP/1.0") + streamed);
  const answer = await text(socket);
  assert.ok(!answer.toLowerCase().includes("transfer-encoding"));
  assert.equal(endOf(answer.slice(answer.indexOf("\r\n\r\n") + 4)).type, "response.completed");
});

test("streams that are asked for at once on one connection come one after the other, each whole", async (t) => {
  const door = await openTestDoor(t, () => says("Hello"));
  const socket = dial(door);
  socket.write((head(streamed.length) + streamed).repeat(2) + head(streamed.length, "connection: close") + streamed);
  const answers = (await text(socket)).split("HTTP/1.1 200 OK\r\n").slice(1);
  assert.equal(answers.length, 3);
  for (const answer of answers) {
    const [, ...lines] = answer
      .split("\r\n\r\n")
      .slice(1)
      .join("\r\n\r\n")
      .split(/^[0-9a-f]+\r\n/m);
    assert.equal(endOf(lines.map((chunk) => chunk.slice(0, -2)).join("")).type, "response.completed");
  }
});

test("a client that takes nothing of an answer that is whole is left", async (t) => {
  const { promise: signal, resolve } = Promise.withResolvers<AbortSignal>();
  const script: Script = (_request, aborted) => {
    resolve(aborted);
    return says("x".repeat(12_000_000));
  };
  const door = await openTestDoor(t, script, { stalledMs: 100 });
  const socket = dial(door).pause();
  const asked = '{"input":"hi"}';
  socket.write(head(asked.length) + asked);
  const request = await signal;
  // Whether the client was left, or has all: the request is over.
  await until(() => request.aborted);
  let taken = 0;
  for await (const bytes of socket) taken += (bytes as Buffer).length;
  assert.ok(taken < 12_000_000);
});

test("a client that still reads an answer gets all of it while the server shuts down", async (t) => {
  const said = "x".repeat(12_000_000);
  const door = await openTestDoor(t, () => says(said), { shutdownMs: hour });
  const socket = dial(door);
  const asked = '{"input":"hi"}';
  socket.write(head(asked.length, "connection: close") + asked);
  const [first] = (await once(socket, "data")) as [Buffer];
  socket.pause();
  const closed = door.close();
  const answer = first.toString() + (await text(socket));
  const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))) as Readonly<Record<string, unknown>>;
  assert.equal(body["output_text"], said);
  await closed;
});

test("what comes behind a stream on its connection may take its time", async (t) => {
  let asked = 0;
  const door = await openTestDoor(
    t,
    async function* script() {
      asked += 1;
      yield asked === 1 ? 1 : 600;
      yield* says("Hello");
    },
    { stalledMs: 200 },
  );
  const socket = dial(door);
  const last = '{"input":"hi"}';
  socket.write(head(streamed.length) + streamed + head(last.length, "connection: close") + last);
  const answers = (await text(socket)).split("HTTP/1.1 200 OK\r\n").slice(1);
  assert.equal(answers.length, 2);
  assert.match(answers[1] ?? "", /"status":"completed"/);
});

test("characters of several bytes are counted as bytes", async (t) => {
  const said = "Grüße, 世界 🌍\u2028";
  const door = await openTestDoor(t, () => says(said));
  const answer = await door.ask(streamed);
  assert.equal(endOf(await answer.text()).response.output_text, said);
});

test("an answer of which all leaves at once is whole for a client that begins to read late", async (t) => {
  const pieces = 2_000;
  const json = `"${"x".repeat(1_000)}"`;
  const door = await openTestDoor(t, () => [
    { kind: "open", key: 0, item: { type: "message" } },
    ...Array.from({ length: pieces }, (_, at) => ({
      kind: "text" as const,
      key: 0,
      text: `${at === 0 ? '{"list":[' : ""}${json}${at === pieces - 1 ? "]}" : ","}`,
    })),
    { kind: "close", key: 0 },
    { kind: "finish", reason: "stop" },
  ]);
  const held = { input: "hi", stream: true, text: { format: { type: "json_object" } } };
  const answer = await door.ask(held);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const body = await answer.text();
  assert.equal(
    endOf(body).response.output_text?.length,
    pieces * (json.length + 1) + '{"list":['.length + "]}".length - 1,
  );
});
