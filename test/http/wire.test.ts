/** Owns the tests of streams on connections that are not as usual: without chunks, pipelined, and read slowly. */
import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { dial, endOf, head, openTestDoor, says } from "./door.ts";

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
