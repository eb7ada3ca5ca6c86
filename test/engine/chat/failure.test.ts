/** Owns the table of refusals: what servers answer when something is wrong, and the code a client gets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { broken, refusal, refusalIn, retryAfterIn } from "../../../src/engine/chat/failure.ts";
import { ownWords } from "../../../src/engine/chat/words.ts";
import type { Failure } from "../../../src/engine/engine.ts";

const rows: readonly (readonly [who: string, status: number, text: string, code: Failure["code"]])[] = [
  [
    "llama-server, context",
    400,
    '{"error":{"code":400,"message":"request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}',
    "context_length_exceeded",
  ],
  [
    "OpenAI, context",
    400,
    '{"error":{"message":"This model\'s maximum context length is 8192 tokens. However, your messages resulted in 8227 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}',
    "context_length_exceeded",
  ],
  [
    "vLLM, context",
    400,
    '{"object":"error","message":"This model\'s maximum context length is 131072 tokens. However, you requested 351430 tokens.","code":400}',
    "context_length_exceeded",
  ],
  [
    "vLLM, no room for an answer",
    400,
    '{"object":"error","message":"max_tokens must be at least 1, got -186.","type":"BadRequestError","param":null,"code":400}',
    "context_length_exceeded",
  ],
  [
    "SGLang, context",
    400,
    '{"message":"The input (9000 tokens) is longer than the model\'s context length (4096 tokens)."}',
    "context_length_exceeded",
  ],
  [
    "LM Studio, context",
    400,
    '{"error":"Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens."}',
    "context_length_exceeded",
  ],
  [
    "Ollama, context",
    400,
    '{"error":{"message":"the input length exceeds the context length"}}',
    "context_length_exceeded",
  ],
  [
    "Qwen3.5 template",
    500,
    '{"error":{"code":500,"message":"System message must be at the beginning.","type":"server_error"}}',
    "template",
  ],
  [
    "Mistral template",
    400,
    '{"error":{"message":"After the optional system message, conversation roles must alternate user/assistant/user/assistant/..."}}',
    "template",
  ],
  ["gemma-2 template", 400, '{"error":{"message":"System role not supported"}}', "template"],
  [
    "any template",
    500,
    '{"error":{"message":"jinja2.exceptions.UndefinedError: dict object has no element 0"}}',
    "template",
  ],
  [
    "broken history",
    500,
    '{"error":{"message":"Failed to parse tool call arguments as JSON: unexpected end"}}',
    "template",
  ],
  [
    "a bad schema is no template failure",
    400,
    '{"error":{"message":"Unable to generate parser for this template. Automatic parser generation failed: JSON schema conversion failed"}}',
    "invalid_prompt",
  ],
  ["any other 400", 400, '{"error":{"message":"temperature must be positive"}}', "invalid_prompt"],
  ["pydantic", 422, '{"detail":[{"loc":["body","seed"],"msg":"Input should be an integer"}]}', "invalid_prompt"],
  ["wrong key", 401, '{"error":{"message":"Incorrect API key provided: sk-abc***xyz"}}', "upstream_refused"],
  ["forbidden", 403, "", "upstream_refused"],
  ["no such model", 404, '{"error":{"message":"model \'qwen9\' not found, try pulling it first"}}', "upstream_refused"],
  ["a method that is not allowed", 405, "", "upstream_refused"],
  ["rate", 429, '{"error":{"message":"Rate limit reached"}}', "rate_limit_exceeded"],
  [
    "quota",
    429,
    '{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}',
    "insufficient_quota",
  ],
  [
    "loading",
    503,
    '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}',
    "server_is_overloaded",
  ],
  ["a proxy's page", 502, "<html>Bad Gateway</html>", "upstream_error"],
  ["a proxy's timeout", 504, "", "upstream_timeout"],
  ["a moved server", 308, "", "upstream_refused"],
  ["a broken server", 500, '{"errors":[]}', "upstream_error"],
];

const address = "http://upstream/v1";
const refused = (status: number, text: string, retryAfterSeconds: number | null = null): Failure =>
  refusal({ status, words: ownWords(text), retryAfterSeconds }, address);

for (const [who, status, text, code] of rows) {
  test(`refusal: ${who}`, () => {
    const failure = refused(status, text);
    assert.equal(failure.code, code);
    assert.ok(failure.message.startsWith("The upstream at http://upstream/v1 "), failure.message);
    assert.ok(failure.message.includes(`(HTTP ${status})`), failure.message);
  });
}

test("refusal: a refused key is never quoted, not even masked", () => {
  assert.doesNotMatch(refused(401, '{"error":{"message":"bad key sk-abc***"}}').message, /sk-/);
});

test("refusal: an endless page is cut", () => {
  assert.ok(refused(500, "x".repeat(1_000_000)).message.length < 1000);
});

/** What a client wrote, with words that mean something where a server says them. */
const secret = "SECRET jinja, context_length_exceeded, insufficient_quota";
const fields = { type: "literal_error", loc: ["body", "stop"], msg: "Input should be a string", input: secret };
const repr = `[{'type': 'literal_error', 'loc': ('body', 'stop'), 'msg': 'Input should be a string', 'input': '${secret}'}]`;

for (const [who, body] of [
  ["FastAPI", { detail: [fields] }],
  ["FastAPI, further fields", { detail: [{ ...fields, ctx: { expected: secret } }], body: secret }],
  ["Mistral", { object: "error", message: { detail: [fields] }, type: "invalid_request_error" }],
  ["vLLM", { error: { message: `1 validation error: ${repr} ${repr}`, type: "Bad Request", code: 400 } }],
  ["pydantic as text", { message: `stop\n  Input should be a string [type=string_type, input_value='${secret}']` }],
  ["any field but a message", { error: { message: "Input should be a string", request: secret } }],
] as const) {
  test(`refusal: the request that a server quotes is neither read nor told: ${who}`, () => {
    const { code, message } = refused(400, JSON.stringify(body));
    assert.equal(code, "invalid_prompt");
    assert.doesNotMatch(message, /SECRET/);
    assert.match(message, /Input should be a string/);
  });
}

test("refusal: a body that was cut tells nothing", () => {
  const { code, message } = refused(422, JSON.stringify({ detail: [fields] }).slice(0, -3));
  assert.equal(code, "invalid_prompt");
  assert.doesNotMatch(message, /SECRET/);
});

test("refusal: the field at fault is named", () => {
  assert.match(refused(422, JSON.stringify({ detail: [fields] })).message, /: stop: Input should be a string$/);
});

test("refusal: complaints that say nothing are left out", () => {
  const detail = [{ loc: ["body", "stop"] }, {}, fields, null];
  assert.match(refused(422, JSON.stringify({ detail })).message, /\): stop: Input should be a string$/);
});

test("refusal: a body nested without end is no reason to fall", () => {
  assert.equal(refused(500, '{"error":'.repeat(50_000) + '"x"' + "}".repeat(50_000)).code, "upstream_error");
});

test("refusal: how long to wait is told in Codex's words", () => {
  const busy = refused(429, '{"error":{"message":"Rate limit reached"}}', 7);
  assert.equal(busy.retryAfterSeconds, 7);
  assert.match(busy.message, /try again in 7s/);
  assert.match(refused(503, "", 30).message, /try again in 30s/);
  assert.ok(!("retryAfterSeconds" in refused(429, "")));
  for (const status of [400, 401, 402]) assert.doesNotMatch(refused(status, "", 7).message, /try again/);
});

test("retry-after: seconds, milliseconds, dates, and nonsense", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  const date = "Sun, 22 Nov 2026 12:00:09 GMT";
  const cases = [
    [{ "retry-after": "7" }, 7],
    [{ "retry-after": "0.2" }, 1],
    [{ "retry-after": "0" }, 1],
    [{ "retry-after-ms": "1200", "retry-after": "9" }, 2],
    [{ "retry-after": date }, 9],
    [{ "retry-after": "Sun, 22 Nov 2026 11:00:00 GMT" }, 1],
    [{ "retry-after": "soon" }, null],
    [{ "retry-after": "-3" }, null],
    [{ "retry-after": "9".repeat(400) }, null],
    [{ "retry-after": ["4", "5"] }, 4],
    [{}, null],
  ] as const;
  for (const [headers, seconds] of cases) assert.equal(retryAfterIn(headers as never, now), seconds);
});

const redact = (text: string): string => text.replaceAll("key-1", "[key]");

test("refusal in a stream: what the error object says, under its own status", () => {
  const failure = refusalIn({ code: 429, message: "slow down, key-1", request: secret }, address, redact);
  assert.equal(failure.code, "rate_limit_exceeded");
  assert.match(failure.message, /: slow down, \[key\]$/);
  assert.equal(refusalIn("llama runner process has terminated", address, redact).code, "upstream_error");
});

test("broken: a code that only looks known is not", () => {
  for (const code of ["constructor", "toString", "__proto__"]) {
    const failure = broken(Object.assign(new Error("x"), { code }), address);
    assert.deepEqual([failure.code, failure.message.includes(`(${code})`)], ["upstream_error", true]);
  }
});
