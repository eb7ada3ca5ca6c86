/** Owns the table of refusals: what servers answer when something is wrong, and the code a client gets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal } from "../../../src/engine/chat/failure.ts";
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
  ["wrong key", 401, '{"error":{"message":"Incorrect API key provided: sk-abc***xyz"}}', "upstream_error"],
  ["forbidden", 403, "", "upstream_error"],
  ["no such model", 404, '{"error":{"message":"model \'qwen9\' not found, try pulling it first"}}', "upstream_error"],
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
  ["a moved server", 308, "", "upstream_error"],
];

for (const [who, status, text, code] of rows) {
  test(`refusal: ${who}`, () => {
    const failure = refusal(status, text, "http://upstream/v1");
    assert.equal(failure.code, code);
    assert.ok(failure.message.startsWith("The upstream at http://upstream/v1 "), failure.message);
    assert.ok(failure.message.includes(`(HTTP ${status})`), failure.message);
  });
}

test("refusal: a refused key is never quoted, not even masked", () => {
  assert.doesNotMatch(refusal(401, '{"error":{"message":"bad key sk-abc***"}}', "u").message, /sk-/);
});

test("refusal: an endless page is cut", () => {
  assert.ok(refusal(500, "x".repeat(1_000_000), "u").message.length < 1000);
});
