/** Owns the proof that bodies come in as they were sent, or are refused in time, whatever a client sends. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { brotliCompressSync, constants, createGzip, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { ApiError } from "../../src/errors.ts";
import { parseJson } from "../../src/http/json.ts";
import { parseLargeJson } from "../../src/http/large-json.ts";
import { limits } from "../../src/limits.ts";
import { dial, errorOf, head, json, openTestDoor, says, send, until } from "./door.ts";

const MiB = 1024 * 1024;
const owned = (content: string): Buffer<ArrayBuffer> => {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(content));
  bytes.write(content);
  return bytes;
};

const codings: Readonly<Record<string, (body: string) => Buffer>> = {
  identity: (body) => Buffer.from(body),
  gzip: (body) => gzipSync(body),
  "x-gzip": (body) => gzipSync(body),
  GZIP: (body) => gzipSync(body),
  deflate: (body) => deflateSync(body),
  br: (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: (body) => zstdCompressSync(body),
};

for (const [coding, encode] of Object.entries(codings)) {
  test(`${coding}: a small and a large body arrive whole, a broken one is a 400`, async (t) => {
    const door = await openTestDoor(t, ({ messages }) => says(String(JSON.stringify(messages).length)));
    for (const size of [10, 6 * MiB]) {
      const input = randomBytes(size / 2).toString("hex");
      const answer = await door.ask(encode(JSON.stringify({ input })), { "content-encoding": coding });
      assert.equal(answer.status, 200);
      assert.ok(Number((await json(answer))["output_text"]) > size);
    }
    if (coding === "identity") return;
    const whole = encode(JSON.stringify({ input: randomBytes(5000).toString("hex") }));
    const broken = [Buffer.from('{"input":"hi"}'), whole.subarray(0, whole.length - 20), Buffer.alloc(0)];
    for (const body of broken) {
      const answer = await door.ask(body, { "content-encoding": coding });
      assert.equal(answer.status, 400);
      assert.ok(["invalid_value", "invalid_json"].includes((await errorOf(answer)).code));
    }
    assert.deepEqual(door.complaints, []);
  });
}

test("an unknown encoding is a 415 that names the known ones", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  for (const coding of ["compress", "gzip, gzip", "constructor", "__proto__"]) {
    const answer = await door.ask("x", { "content-encoding": coding });
    assert.equal(answer.status, 415, coding);
    assert.match((await errorOf(answer)).message, /gzip, .*zstd/);
  }
});

test("a gzip bomb is refused while it unfolds, and the connection lives on", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const zip = createGzip();
  zip.end(Buffer.alloc(70 * MiB));
  const chunks: Buffer[] = [];
  for await (const chunk of zip as AsyncIterable<Buffer>) chunks.push(chunk);
  const bomb = Buffer.concat(chunks);
  assert.ok(bomb.length < MiB);
  const answer = await door.ask(bomb, { "content-encoding": "gzip" });
  assert.equal(answer.status, 413);
  assert.equal((await errorOf(answer)).code, "request_too_large");
  assert.equal((await door.ask({ input: "hi" })).status, 200);
  assert.deepEqual(door.complaints, []);
});

test("a body that says it is too large is refused before it is sent", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const socket = dial(door);
  socket.write(head(limits.bodyBytes + 1));
  await until(() => socket.bytesRead > 0);
  assert.match(String(socket.read()), /^HTTP\/1\.1 413 /);
  socket.destroy();
});

test("a body that does not say how large it is, is refused once it is too large", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const socket = dial(door);
  socket.write("POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
  const piece = `${MiB.toString(16)}\r\n${" ".repeat(MiB)}\r\n`;
  for (let sent = 0; sent < 66 && socket.bytesRead === 0; sent += 1) {
    await new Promise((resolve) => socket.write(piece, resolve));
  }
  await until(() => socket.bytesRead > 0);
  assert.match(String(socket.read()), /^HTTP\/1\.1 413 /);
  socket.destroy();
});

test("a client that leaves in the middle of its body is no error of ours", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  for (const headers of [[], ["content-encoding: gzip"], ["content-encoding: zstd"]]) {
    const socket = dial(door);
    await new Promise((resolve) => socket.write(head(1000, ...headers) + '{"input":', resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
  }
  assert.equal((await door.ask({ input: "hi" })).status, 200);
  assert.deepEqual(door.complaints, []);
});

test("a body in single bytes arrives", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const socket = dial(door).setNoDelay();
  const body = '{"input":"hi"}';
  socket.write(head(body.length, "connection: close"));
  for (const byte of body) await new Promise((resolve) => socket.write(byte, resolve));
  assert.match(await text(socket), /^HTTP\/1\.1 200 /);
});

test("requests behind each other on one connection are each answered, also after a refusal", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const socket = dial(door);
  const body = '{"input":"hi"}';
  socket.write(head(body.length) + body + head(1) + "{" + head(body.length, "connection: close") + body);
  const statuses = [...(await text(socket)).matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
  assert.deepEqual(statuses, ["200", "400", "200"]);
});

test("what is nested too deep, or made of too much, is refused at any size", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const deep = "[".repeat(limits.jsonDepth + 1);
  const cases = [
    `{"input":${deep}`,
    `{"input":${deep}${"]".repeat(limits.jsonDepth + 1)}}`,
    `{"input":"${"x".repeat(5 * MiB)}","tools":${"[".repeat(1_000_000)}`,
    `{"input":[${"[],".repeat(limits.jsonValues)}[]]}`,
  ];
  for (const body of cases) {
    const answer = await send(door, "/v1/responses", { method: "POST", body });
    assert.equal(answer.status, 400);
    assert.match((await errorOf(answer)).message, /nested deeper|made of more/);
  }
  const quoted = JSON.stringify({ input: '"\\['.repeat(1000) });
  assert.equal((await send(door, "/v1/responses", { method: "POST", body: quoted })).status, 200);
  assert.deepEqual(door.complaints, []);
});

test("what a body is refused for does not depend on its size", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const filler = " ".repeat(limits.inlineJsonBytes);
  for (const body of ["", "{", '{"input":7}', "[1,2]", "null", '"text"', '{"a":1,}', "\uFEFF{"]) {
    const small = await send(door, "/v1/responses", { method: "POST", body });
    const large = await send(door, "/v1/responses", { method: "POST", body: body + filler });
    assert.equal(small.status, 400);
    assert.equal(large.status, 400);
    assert.equal((await errorOf(large)).code, (await errorOf(small)).code);
  }
});

test("a byte order mark in front is no mistake", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  assert.equal((await door.ask('\uFEFF{"input":"hi"}')).status, 200);
});

test("large bodies that come at once wait for each other and all arrive", async () => {
  const bodies = Array.from({ length: 6 }, (_, at) => JSON.stringify({ input: [at, "x".repeat(MiB)] }));
  const broken = assert.rejects(parseLargeJson(owned("{")), ApiError);
  const parsed = await Promise.all(bodies.map((body) => parseLargeJson(owned(body))));
  await broken;
  assert.deepEqual(
    parsed,
    bodies.map((body): unknown => JSON.parse(body)),
  );
});

test("the worker hands over exactly what JSON.parse would", async () => {
  const long = fc.array(fc.jsonValue(), { maxLength: 30 }).map((list) => Array.from({ length: 5_000 }, () => list));
  const body = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), fc.oneof(fc.jsonValue(), long), { maxKeys: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(body, async (value) => {
      const written = JSON.stringify(value);
      const parsed = await parseLargeJson(owned(written));
      // A list is refused for its type and does not travel.
      assert.deepEqual(parsed, Array.isArray(value) ? [] : JSON.parse(written));
    }),
    { numRuns: 25 },
  );
});

test("the bounds never refuse what is within them", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (written) => {
      assert.deepEqual(parseJson(Buffer.from(written)), JSON.parse(written));
    }),
    { numRuns: 500 },
  );
});
