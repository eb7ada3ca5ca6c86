/** Owns every error a client can be told: one row a code, and the class that carries one to the door. */
import { limits } from "./limits.ts";

export interface ErrorRow {
  /** HTTP status when the error answers a request; a started stream carries the code in `response.failed` instead. */
  readonly status: number;
  /** OpenAI's error type: the SDKs choose their exception class by status, some clients by this. */
  readonly type:
    | "invalid_request_error"
    | "authentication_error"
    | "not_found_error"
    | "rate_limit_error"
    | "server_error";
  /** Whether the same request may succeed later; `false` becomes `x-should-retry: false`. */
  readonly retryable: boolean;
  /** The code in `response.failed`, where OpenAI's closed list of codes lacks ours. */
  readonly published?: string;
}

const bad = { status: 400, type: "invalid_request_error", retryable: false } as const;

/** Codes are OpenAI's own where OpenAI has one (facts: SDK enum, Codex's list of codes it acts on). */
export const errors = {
  invalid_json: bad,
  invalid_type: bad,
  invalid_value: bad,
  missing_required_parameter: bad,
  unsupported_parameter: bad,
  invalid_prompt: bad,
  /** Codex compacts its thread on exactly this code. */
  context_length_exceeded: bad,
  previous_response_not_found: bad,
  item_not_found: bad,
  request_too_large: { ...bad, status: 413 },
  unsupported_encoding: { ...bad, status: 415 },
  invalid_api_key: { status: 401, type: "authentication_error", retryable: false },
  forbidden_origin: { ...bad, status: 403 },
  model_not_found: { ...bad, status: 404 },
  not_found: { status: 404, type: "not_found_error", retryable: false },
  method_not_allowed: { ...bad, status: 405 },
  websocket_unsupported: { ...bad, status: 426 },
  rate_limit_exceeded: { status: 429, type: "rate_limit_error", retryable: true },
  insufficient_quota: { status: 429, type: "rate_limit_error", retryable: false },
  server_error: { status: 500, type: "server_error", retryable: true },
  /** The model was asked again already, and did no better. */
  invalid_answer: { published: "server_error", status: 500, type: "server_error", retryable: false },
  engine_crashed: { published: "server_error", status: 500, type: "server_error", retryable: true },
  upstream_error: { published: "server_error", status: 502, type: "server_error", retryable: true },
  model_loading: { published: "server_error", status: 503, type: "server_error", retryable: true },
  server_is_overloaded: { published: "server_error", status: 503, type: "server_error", retryable: true },
  server_shutting_down: { published: "server_error", status: 503, type: "server_error", retryable: true },
  /** 400, although the operator is to blame: the AI SDK and async-openai retry every 5xx; Codex ends on what is published. */
  upstream_refused: { ...bad, published: "invalid_prompt" },
  upstream_timeout: { published: "server_error", status: 504, type: "server_error", retryable: true },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errors;

/** The body of every HTTP error: all four keys, `code` and `param` a string or null (async-openai rejects numbers). */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** An operating error for a client: thrown before a stream starts, turned into `response.failed` after. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  /** The request field at fault, as a path (`input[3].call_id`), or null. */
  readonly param: string | null;
  /** How long the client should wait before it tries again, where that is known better than by the code. */
  readonly retryAfterSeconds: number | null;

  /** `message` names the field and says what to do; the middle of a long one, which is what a client sent, is left out. */
  constructor(code: ErrorCode, message: string, param: string | null = null, retryAfterSeconds: number | null = null) {
    super(shortened(message));
    this.code = code;
    this.param = param;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  get row(): ErrorRow {
    return errors[this.code];
  }

  /** As it stands in a Response. */
  get published(): { readonly code: string; readonly message: string } {
    return { code: this.row.published ?? this.code, message: this.message };
  }

  get body(): ErrorBody {
    return { error: { message: this.message, type: this.row.type, param: this.param, code: this.code } };
  }
}

/** Names that a client chose may be as long as a body; a message says what is wrong at its start, and what to do at its end. */
function shortened(message: string): string {
  if (message.length <= limits.errorChars) return message;
  const half = limits.errorChars / 2;
  return `${message.slice(0, half)} ... ${message.slice(-half)}`.toWellFormed();
}

/** Whether it was an AbortSignal that ended the work. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "AbortError";
}

/** Text of anything thrown, for messages and logs. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
