/** Owns the tests of `check-stream`: what it says of right, broken and foreign streams, from files, pipes and servers. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { type CheckOptions, checkStream } from "../src/check-stream.ts";
import { limits } from "../src/limits.ts";
import { openTestDoor, says } from "./http/door.ts";
import { startProgram } from "./main/program.ts";
import { llamaServer } from "./spec/llama-server.ts";

interface Told {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

/** What the command says of `body` on its standard input, or of what `options` name. */
async function tell(body: string, options: Partial<CheckOptions> = {}): Promise<Told> {
  let out = "";
  let errors = "";
  const io = {
    input: Readable.from([Buffer.from(body)]),
    out: { write: (text: string) => (out += text) },
    errors: { write: (text: string) => (errors += text) },
  };
  const code = await checkStream(
    { source: "-", body: null, key: null, dialect: "openai" as const, json: false, ...options },
    io,
  );
  return { code, out, errors };
}

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "antiphon-check-"));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

/** A right stream, as this program sends it. */
async function ours(t: TestContext): Promise<string> {
  const door = await openTestDoor(t, () => says("Hel", "lo"));
  return (await door.ask({ input: "x", stream: true })).text();
}

interface Rule {
  readonly number: number;
  readonly rule: string;
  readonly breaks: readonly string[];
  readonly count: number;
  readonly places: readonly {
    readonly event: number;
    readonly line: number;
    readonly type: string;
    readonly found: string;
  }[];
}

async function brokenIn(body: string, options: Partial<CheckOptions> = {}): Promise<readonly Rule[]> {
  const { out } = await tell(body, { ...options, json: true });
  return (JSON.parse(out) as { readonly broken: readonly Rule[] }).broken;
}

const numbers = (rules: readonly Rule[]): readonly number[] => rules.map(({ number }) => number);

test("a right stream breaks no rule, read from a server, a file, and standard input", async (t) => {
  const body = await ours(t);
  const file = join(folder(t), "ours.sse");
  writeFileSync(file, body);
  assert.deepEqual(await tell("", { source: file }), {
    code: 0,
    out: `${file}: 10 events, no rule is broken\n`,
    errors: "",
  });
  assert.equal((await tell(body)).out, "standard input: 10 events, no rule is broken\n");
  const door = await openTestDoor(t, () => says("Hello"), { apiKeys: ["secret"] });
  for (const path of ["", "/", "/v1", "/v1/responses"]) {
    const source = door.address + path;
    assert.equal((await tell("", { source, key: "secret" })).out, `${source}: 9 events, no rule is broken\n`);
  }
  const refused = await tell("", { source: door.address });
  assert.equal(refused.code, 2);
  assert.match(refused.errors, /cannot be checked: the server answers 401: .*invalid_api_key/);
});

test("a stream like llama-server's: each broken rule, once, with its places and the clients that fail", async () => {
  const rules = await brokenIn(llamaServer);
  const expected = [12, 26, 28, 29, 32, 33, 37, 40, 43, 44, 45, 46, 49, 51, 52, 53, 54, 55];
  assert.deepEqual(numbers(rules), expected);
  const sequence = rules.find(({ number }) => number === 12);
  assert.equal(sequence?.count, 15);
  assert.deepEqual(sequence.places[1], {
    event: 1,
    line: 4,
    type: "response.in_progress",
    found: "missing where 1 is due",
  });
  assert.ok(sequence.breaks.includes("async-openai"));
  const { code, out } = await tell(llamaServer);
  assert.equal(code, 1);
  assert.match(
    out,
    /^standard input: 15 events, 18 rules broken\n\n12 {2}sequence_number is 0, 1, 2, \.\.\. without a gap\n/,
  );
  assert.match(
    out,
    /54 {2}arguments of a completed call .*\n {4}fails: .*LangChain.*\n {4}demanded by: vLLM\n {4}event 13, line 40 \(response\.output_item\.done\): arguments that are no JSON object: \{\n/,
  );
});

/** Ways of writing a right stream that other servers have, with the rules that they break. */
const written: readonly (readonly [string, (body: string) => string, readonly number[]])[] = [
  ["comments", (body) => `: hello\n\n${body.replaceAll("\n\n", "\n: ping\n\n")}:\n`, []],
  ["CR LF", (body) => body.replaceAll("\n", "\r\n"), []],
  ["CR", (body) => body.replaceAll("\n", "\r"), []],
  ["a byte order mark", (body) => `\uFEFF${body}`, []],
  ["the headers of curl -i", (body) => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nx: y\r\n\r\n${body}`, []],
  ["more blank lines", (body) => body.replaceAll("\n\n", "\n\n\n"), []],
  ["bare data", (body) => body.replaceAll(/^event: .*\n/gm, ""), [2]],
  ["no space", (body) => body.replaceAll(/^(data|event): /gm, "$1:"), [3]],
  ["ids", (body) => body.replaceAll(/^event/gm, "id: 1\nevent"), [3]],
  ["data in two lines", (body) => body.replaceAll(/^data: \{/gm, "data: {\ndata: "), [3]],
  ["data first", (body) => body.replaceAll(/^(event.*)\n(data.*)/gm, "$2\n$1"), []],
  ["an event without data", (body) => `event: ping\n\n${body}`, [3]],
  ["[DONE]", (body) => `${body}data: [DONE]\n\n`, [4]],
  ["no last blank line", (body) => body.slice(0, -1), [3]],
  ["cut in the middle", (body) => body.slice(0, body.indexOf("event: response.output_text.done")), [14, 41]],
  ["nothing but an error", () => 'data: {"error":{"message":"x"}}\n\n', [2, 7, 8, 11, 12, 14]],
];

for (const [name, write, expected] of written) {
  test(`a stream with ${name}`, async (t) => {
    const body = write(await ours(t));
    assert.deepEqual(numbers(await brokenIn(body)), expected);
  });
}

const foreign: readonly (readonly [string, RegExp])[] = [
  [
    'data: {"id":"c","object":"chat.completion.chunk","choices":[]}\n\ndata: [DONE]\n\n',
    /this is a Chat Completions stream/,
  ],
  [': OPENROUTER PROCESSING\n\ndata: {"choices":[{"delta":{}}]}\n\n', /this is a Chat Completions stream/],
  ['event: message_start\ndata: {"type":"message_start"}\n\n', /this is an Anthropic Messages stream/],
  ['data: {"candidates":[]}\n\n', /this is a Gemini stream/],
  [
    '{"id":"resp_1","object":"response","output":[]}',
    /this is a whole Response, not a stream: ask with "stream": true/,
  ],
  ['{"id":"c","object":"chat.completion"}', /this is a Chat Completions body/],
  ['{"error":{"message":"x"}}', /this is an error/],
  ['{"model":"m","done":false}\n{"model":"m","done":true}\n', /this is Ollama's own format/],
  ["<!DOCTYPE html>\n<p>", /this is a web page/],
  ["", /it is empty/],
  [": ping\n\n: ping\n\n", /there are no events in it/],
];

for (const [body, words] of foreign) {
  test(`${JSON.stringify(body.slice(0, 40))} cannot be checked: ${words.source}`, async () => {
    const { code, out, errors } = await tell(body);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(errors, /^antiphon: - cannot be checked: /);
    assert.match(errors, words);
    const { error } = JSON.parse((await tell(body, { json: true })).out) as { readonly error: string };
    assert.match(error, words);
  });
}

test("what cannot be read says why", async (t) => {
  const made = folder(t);
  const list = join(made, "list.json");
  writeFileSync(list, "[]");
  const cases: readonly (readonly [Partial<CheckOptions>, RegExp])[] = [
    [{ source: join(made, "none") }, /none cannot be checked: there is no file .*none/],
    [{ source: made }, /EISDIR/],
    [{ source: "http://" }, /this is no URL/],
    [{ source: "http://127.0.0.1:1" }, /ECONNREFUSED/],
    [{ body: join(made, "none") }, /there is no file .*none/],
    [{ body: list }, /list\.json is no JSON object/],
  ];
  for (const [options, words] of cases) {
    const { code, errors } = await tell("", options);
    assert.equal(code, 2);
    assert.match(errors, words);
  }
});

test("the request is sent, and what it asks for is checked", async (t) => {
  const file = join(folder(t), "request.json");
  const input = "Call it.";
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const pieces: Buffer[] = [];
    incoming.on("data", (piece: Buffer) => pieces.push(piece));
    incoming.on("end", () => {
      seen.push(`${incoming.method} ${incoming.url} ${Buffer.concat(pieces).toString()}`);
      outgoing
        .writeHead(200, { "content-type": "text/plain" })
        .end(llamaServer.replace('"arguments":"{"', '"arguments":"{}"'));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/`;
  const tool = { type: "function", name: "g" };
  const asked: readonly (readonly [object, boolean])[] = [
    [{ input, tools: [tool] }, true],
    [{ input, tools: [{ ...tool, name: "f" }] }, false],
    [{ input, tools: [tool, { type: "mcp" }] }, false],
    [{ input, tools: [tool], previous_response_id: "resp_0" }, false],
    [{ input: [{ type: "additional_tools", tools: [] }], tools: [tool] }, false],
  ];
  for (const [request, broken] of asked) {
    writeFileSync(file, JSON.stringify(request));
    const rules = numbers(await brokenIn("", { source, body: file }));
    assert.equal(rules.includes(57), broken, JSON.stringify(request));
    assert.ok(rules.includes(1));
    assert.equal(seen.at(-1), `POST /api/v1/responses ${JSON.stringify({ ...request, stream: true })}`);
  }
});

test("nothing in a stream steers the terminal, or fills it", async () => {
  const hostile = `data: {"type":"\\u001b[2J\u009b${"x".repeat(5_000)}"}\n\n`;
  const { out } = await tell(hostile.repeat(500));
  assert.doesNotMatch(out.replaceAll("\n", ""), /\p{Cc}/u);
  assert.ok(out.length < 200_000, String(out.length));
  for (const { places } of await brokenIn(hostile.repeat(500))) assert.ok(places.length <= limits.checkPlaces);
});

test("the whole program: exit codes, and where the words go", async (t) => {
  const made = folder(t);
  const right = join(made, "right.sse");
  const wrong = join(made, "wrong.sse");
  writeFileSync(right, await ours(t));
  writeFileSync(wrong, llamaServer);
  const env = { ANTIPHON_HOME: made };
  const told = async (...words: readonly string[]): Promise<Told> => {
    const { code, stdout, stderr } = await startProgram(["check-stream", ...words], env).ended;
    return { code: code ?? -1, out: stdout, errors: stderr };
  };
  assert.deepEqual(await told(right), { code: 0, out: `${right}: 10 events, no rule is broken\n`, errors: "" });
  const { code, out, errors } = await told(wrong, "--json");
  assert.deepEqual([code, errors], [1, ""]);
  assert.equal((JSON.parse(out) as { readonly events: number }).events, 15);
  assert.deepEqual(await told(), { code: 2, out: "", errors: "antiphon: - cannot be checked: it is empty\n" });
});
