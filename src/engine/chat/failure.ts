/** Owns what an upstream's failure means: HTTP refusals, errors in mid-stream, and broken connections, as `Failure`. */
import { limits } from "../../limits.ts";
import { messageOf } from "../../errors.ts";
import type { Failure } from "../engine.ts";
import { codeOf } from "./connection.ts";
import { at, fieldsOf, parse, textOf } from "../../spec/json.ts";

interface Meaning {
  readonly code: Failure["code"];
  readonly pattern: RegExp;
}

/** What the words of an error body say, whatever its status; the first match counts. */
const meanings: readonly Meaning[] = [
  // A schema that llama-server cannot turn into a grammar; its text speaks of the template, which is not at fault.
  { code: "invalid_prompt", pattern: /unable to generate parser for this template|json schema conversion failed/i },
  {
    code: "context_length_exceeded",
    // In turn: llama-server, OpenAI, vLLM and its older self, SGLang, LM Studio, Ollama.
    pattern:
      /exceed_context_size|context_length_exceeded|maximum (?:context|model) length|exceeds? the (?:available |model's )?(?:maximum )?context|longer than the (?:model's )?(?:maximum )?context|context (?:the )?overflows|prompt is too long|input length .{0,40}exceeds|max_tokens must be at least 1, got -/i,
  },
  {
    code: "template",
    pattern:
      /must be at the beginning|roles? must alternate|only .{0,40}roles are supported|system role not supported|no user query|raise_exception|jinja|chat.?template|expected last role|unexpected role|after (?:the optional )?system message|failed to parse tool call arguments|tool call ids? (?:should|must|has to)|unsupported content\[\]\.type|assistant response prefill|assistant messages at the end/i,
  },
  { code: "insufficient_quota", pattern: /insufficient_quota|exceeded your current quota|insufficient balance/i },
];

/** What a status means where the words say nothing, and what the operator can do about it. */
const statuses: Readonly<Record<number, { readonly code: Failure["code"]; readonly advice: string }>> = {
  400: { code: "invalid_prompt", advice: "refused the request" },
  401: { code: "upstream_error", advice: "refused our key; set the right API key for it" },
  402: { code: "insufficient_quota", advice: "wants to be paid" },
  403: { code: "upstream_error", advice: "forbids this with our key; set an API key that may use this model" },
  404: { code: "upstream_error", advice: "does not know this model or path; check its address and its list of models" },
  408: { code: "upstream_timeout", advice: "took too long" },
  413: { code: "invalid_prompt", advice: "finds the request too large" },
  422: { code: "invalid_prompt", advice: "refused the request" },
  429: { code: "rate_limit_exceeded", advice: "limits the rate of requests; try again later" },
  503: { code: "server_is_overloaded", advice: "is busy or still loading its model; try again later" },
  504: { code: "upstream_timeout", advice: "took too long" },
  529: { code: "server_is_overloaded", advice: "is overloaded; try again later" },
};

/** Failure for an error that came as an HTTP status, or (status 0) inside a stream. `text` is free of secrets. */
export function refusal(status: number, text: string, address: string): Failure {
  const row = statuses[status];
  // An upstream that refuses a key may quote it in any form, masked or not.
  const words = status === 401 || status === 403 ? "" : text;
  const code = meanings.find(({ pattern }) => pattern.test(words))?.code ?? row?.code ?? "upstream_error";
  const advice = row?.advice ?? (status === 0 ? "failed in mid-stream" : "failed");
  const number = status === 0 ? "" : ` (HTTP ${status})`;
  const quoted = quote(words);
  return { code, message: `The upstream at ${address} ${advice}${number}${quoted === "" ? "." : `: ${quoted}`}` };
}

/** Failure for an error object of a stream or of a JSON answer; an HTTP status may stand in its `code`. */
export function refusalIn(error: unknown, address: string, redact: (text: string) => string): Failure {
  const code = fieldsOf(error)["code"];
  const status = typeof code === "number" && code >= 400 && code < 600 ? code : 0;
  return refusal(status, redact(typeof error === "string" ? error : JSON.stringify(error)), address);
}

const timeouts: Readonly<Record<string, string>> = {
  UND_ERR_HEADERS_TIMEOUT: "did not begin to answer in time",
  UND_ERR_BODY_TIMEOUT: "went silent in mid-stream",
  UND_ERR_CONNECT_TIMEOUT:
    "cannot be reached (connecting took too long); check that it runs and that the address is right",
};

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refuses connections; start it, or check the address",
  ENOTFOUND: "cannot be found; check the host name",
  EAI_AGAIN: "cannot be found for now; check the host name and the network",
  EHOSTUNREACH: "cannot be reached; check the address and the network",
  ENETUNREACH: "cannot be reached; check the address and the network",
  UND_ERR_DESTROYED: "is no longer used: this server is shutting down",
  UND_ERR_CLOSED: "is no longer used: this server is shutting down",
};

/** Failure for anything that a connection throws. */
export function broken(error: unknown, address: string): Failure {
  const code = codeOf(error);
  const late = timeouts[code];
  if (late !== undefined) return { code: "upstream_timeout", message: `The upstream at ${address} ${late}.` };
  const away = unreachable[code];
  if (away !== undefined) return { code: "upstream_error", message: `The upstream at ${address} ${away}.` };
  const why = `broke the connection (${code === "" ? messageOf(error) : code}); see its log`;
  return { code: "upstream_error", message: `The upstream at ${address} ${why}.` };
}

/** Failure for a stream that ended without saying why, or that says what no stream may. */
export function nonsense(what: string, address: string): Failure {
  return { code: "upstream_error", message: `The upstream at ${address} ${what}; see its log.` };
}

/** The message inside an error body, or the body itself, shortened. */
function quote(text: string): string {
  const body = parse(text);
  const candidates = [at(body, "error", "message"), at(body, "message"), at(body, "error"), at(body, "detail")];
  const words = (candidates.map(textOf).find((message) => message !== null) ?? text).replace(/\s+/g, " ").trim();
  return words.length > limits.upstreamQuoteChars ? `${words.slice(0, limits.upstreamQuoteChars)}...` : words;
}
