/** Owns the failures of upstreams that answer no stream at all: errors of HTTP, and pages that are none. */
import { answer, json, type Row } from "./row.ts";

const page = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>";
const html = "text/html; charset=utf-8";
const failed = "failed server_error";

/** What servers say when the context is full. */
const overflows: Readonly<Record<string, unknown>> = {
  "llama-server": {
    error: {
      code: 400,
      message: "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it",
      type: "exceed_context_size_error",
      n_prompt_tokens: 9000,
      n_ctx: 4096,
    },
  },
  vLLM: {
    error: {
      message:
        "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens in the messages, Please reduce the length of the messages.",
      type: "BadRequestError",
      param: null,
      code: 400,
    },
  },
  SGLang: {
    object: "error",
    message: "The input (9000 tokens) is longer than the model's context length (4096 tokens).",
    type: "BadRequestError",
    code: 400,
  },
  "LM Studio": {
    error:
      "The number of tokens to keep from the initial prompt is greater than the context length: context overflows.",
  },
};

export const refusalRows: readonly Row[] = [
  ...Object.entries(overflows).map(([server, body]): Row => ({
    title: `a full context (${server})`,
    answers: [json(400, body)],
    means: ["failed context_length_exceeded"],
    refusal: "context_length_exceeded",
  })),
  {
    title: "an HTML page with status 200",
    answers: [answer(200, html, page)],
    means: [failed],
    refusal: "upstream_error",
  },
  {
    title: "an HTML page with status 502",
    answers: [answer(502, html, page)],
    means: [failed],
    refusal: "upstream_error",
  },
  {
    title: "status 500",
    answers: [json(500, { error: { message: "boom", code: 500 } })],
    means: [failed],
    refusal: "upstream_error",
  },
  {
    title: "status 503, with a time to wait",
    answers: [json(503, { error: "busy" }, { "retry-after": "7" })],
    means: [failed],
    refusal: "server_is_overloaded",
    wait: "7",
  },
  {
    title: "status 429, with a time to wait",
    answers: [json(429, { error: { message: "slow down" } }, { "retry-after": "7" })],
    means: ["failed rate_limit_exceeded"],
    refusal: "rate_limit_exceeded",
    wait: "7",
  },
  {
    title: "a key that is refused",
    answers: [json(401, { error: { message: "Invalid API key" } })],
    means: ["failed invalid_prompt"],
    refusal: "upstream_refused",
  },
  {
    title: "a model that is unknown",
    answers: [json(404, { error: { message: "model 'x' not found" } })],
    means: ["failed invalid_prompt"],
    refusal: "upstream_refused",
  },
  {
    title: "a chat template that takes no prompt of ours",
    answers: [json(400, { error: { message: "Jinja Exception: Conversation roles must alternate" } })],
    means: ["failed invalid_prompt"],
    refusal: "invalid_prompt",
  },
  {
    title: "an error with status 200",
    answers: [json(200, { error: "Unexpected endpoint or method." })],
    means: [failed],
    refusal: "upstream_error",
  },
  {
    title: "JSON cut short",
    answers: [answer(200, "application/json", '{"choices":[{"message":{"content":"Hel')],
    means: [failed],
    refusal: "upstream_error",
  },
];
