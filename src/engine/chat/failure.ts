/** Owns what an upstream's failure means: HTTP refusals, errors in mid-stream, and broken connections, as `Failure`. */
import type { IncomingHttpHeaders } from "node:http";
import { limits } from "../../limits.ts";
import { messageOf } from "../../errors.ts";
import type { Failure } from "../engine.ts";
import { codeOf } from "./connection.ts";
import { fieldsOf } from "../../spec/json.ts";
import { type Words, wordsIn } from "./words.ts";

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
  401: { code: "upstream_refused", advice: "wants an API key that it knows; set one with --upstream-key-file" },
  402: { code: "insufficient_quota", advice: "wants to be paid" },
  403: {
    code: "upstream_refused",
    advice: "forbids this; set the key of somebody who may use this model with --upstream-key-file",
  },
  404: {
    code: "upstream_refused",
    advice: "does not know this model or path; check its address and its list of models",
  },
  408: { code: "upstream_timeout", advice: "took too long" },
  409: { code: "upstream_error", advice: "is in a state that does not allow this now" },
  413: { code: "invalid_prompt", advice: "finds the request too large" },
  422: { code: "invalid_prompt", advice: "refused the request" },
  425: { code: "upstream_error", advice: "finds it too early" },
  429: { code: "rate_limit_exceeded", advice: "limits the rate of requests" },
  503: { code: "server_is_overloaded", advice: "is busy or still loading its model" },
  504: { code: "upstream_timeout", advice: "took too long" },
  529: { code: "server_is_overloaded", advice: "is overloaded" },
};
const passing: ReadonlySet<Failure["code"]> = new Set([
  "rate_limit_exceeded",
  "server_is_overloaded",
  "upstream_error",
  "upstream_timeout",
]);

/** An upstream's refusal: an HTTP status, or 0 for one in mid-stream, with words that are free of secrets. */
export interface Refusal {
  readonly status: number;
  readonly words: Words;
  /** As the upstream asked; null where it did not. */
  readonly retryAfterSeconds: number | null;
}

/** Failure for a refusal. */
export function refusal({ status, words, retryAfterSeconds }: Refusal, address: string): Failure {
  const row = statuses[status];
  // An upstream that refuses a key may quote it in any form, masked or not.
  const { message, all } = status === 401 || status === 403 ? { message: "", all: "" } : words;
  const code = meanings.find(({ pattern }) => pattern.test(all))?.code ?? row?.code ?? unknownStatus(status);
  const advice = row?.advice ?? (status === 0 ? "failed in mid-stream" : "failed");
  const wait = retryAfterSeconds !== null && passing.has(code) ? retryAfterSeconds : null;
  // Codex waits for as long as a message says in these words.
  const until = wait === null ? "" : `; try again in ${wait}s`;
  const number = status === 0 ? "" : ` (HTTP ${status})`;
  const quoted = quote(message);
  return {
    code,
    message: `The upstream at ${address} ${advice}${until}${number}${quoted === "" ? "." : `: ${quoted}`}`,
    ...(wait !== null && { retryAfterSeconds: wait }),
  };
}

/** A redirect or a refusal stays what it is however often one asks; a server's failure may pass. */
const unknownStatus = (status: number): Failure["code"] =>
  status >= 300 && status < 500 ? "upstream_refused" : "upstream_error";

/** Failure for an error object of a stream or of a JSON answer; an HTTP status may stand in its `code`. */
export function refusalIn(error: unknown, address: string, redact: (text: string) => string): Failure {
  const code = fieldsOf(error)["code"];
  const status = typeof code === "number" && code >= 400 && code < 600 ? code : 0;
  const { message, all } = wordsIn(error);
  return refusal({ status, words: { message: redact(message), all }, retryAfterSeconds: null }, address);
}

/** Seconds, at least 1, that the headers of an answer ask to wait (a number or a date); null where they do not. */
export function retryAfterIn(headers: IncomingHttpHeaders, now = Date.now()): number | null {
  const [milliseconds, seconds] = ["retry-after-ms", "retry-after"].map((name) => String([headers[name]].flat()[0]));
  const wait = numberIn(milliseconds, 1000) ?? numberIn(seconds, 1) ?? secondsUntil(seconds, now);
  return wait === null ? null : Math.max(1, Math.ceil(wait));
}

/** Only what looks like an HTTP date is tried: `Date.parse` reads almost anything as one. */
function secondsUntil(date: string | undefined, now: number): number | null {
  const until = /^[a-z]{3,9}, /i.test(date ?? "") ? Date.parse(date ?? "") : Number.NaN;
  return Number.isNaN(until) ? null : (until - now) / 1000;
}

const numberIn = (text: string | undefined, unit: number): number | null =>
  /^\d{1,9}(?:\.\d{1,9})?$/.test(text ?? "") ? Number(text) / unit : null;

const timeouts: ReadonlyMap<string, string> = new Map([
  ["TimeoutError", "did not answer in time"],
  ["UND_ERR_HEADERS_TIMEOUT", "did not begin to answer in time"],
  ["UND_ERR_BODY_TIMEOUT", "went silent in mid-stream"],
  [
    "UND_ERR_CONNECT_TIMEOUT",
    "cannot be reached (connecting took too long); check that it runs and that the address is right",
  ],
]);

const unreachable: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "refuses connections; start it, or check the address"],
  ["ENOTFOUND", "cannot be found; check the host name"],
  ["EAI_AGAIN", "cannot be found for now; check the host name and the network"],
  ["EHOSTUNREACH", "cannot be reached; check the address and the network"],
  ["ENETUNREACH", "cannot be reached; check the address and the network"],
  ["UND_ERR_DESTROYED", "is no longer used: this server is shutting down"],
  ["UND_ERR_CLOSED", "is no longer used: this server is shutting down"],
]);

/** Failure for anything that a connection throws. */
export function broken(error: unknown, address: string): Failure {
  const code = codeOf(error);
  const late = timeouts.get(code || (error instanceof Error ? error.name : ""));
  if (late !== undefined) return { code: "upstream_timeout", message: `The upstream at ${address} ${late}.` };
  const away = unreachable.get(code);
  if (away !== undefined) return { code: "upstream_error", message: `The upstream at ${address} ${away}.` };
  const why = `broke the connection (${code === "" ? messageOf(error) : code}); see its log`;
  return { code: "upstream_error", message: `The upstream at ${address} ${why}.` };
}

/** Failure for a stream that ended without saying why, or that says what no stream may. */
export function nonsense(what: string, address: string): Failure {
  return { code: "upstream_error", message: `The upstream at ${address} ${what}; see its log.` };
}

function quote(message: string): string {
  return message.length > limits.upstreamQuoteChars ? `${message.slice(0, limits.upstreamQuoteChars)}...` : message;
}
