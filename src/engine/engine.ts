/** Owns the seam to whoever writes the answer: what an engine is asked, and the deltas in which it replies. */

/** A model as `/v1/models` and the launchers describe it. */
export interface ModelInfo {
  readonly id: string;
  /** Real context size in tokens, prompt and answer together; null when the upstream does not say. */
  readonly contextLength: number | null;
  readonly capabilities: Capabilities;
}

/** What a model can do; whatever is missing is degraded by `turn/`, never required. */
export interface Capabilities {
  readonly images: boolean;
  /** Whether the model may think before it answers. */
  readonly reasoning: boolean;
  /** Whether the engine holds answers to a schema token by token; others are checked before they leave. */
  readonly schemas: boolean;
}

export interface EngineRequest {
  /** Id of one of `models()`. */
  readonly model: string;
  readonly messages: readonly EngineMessage[];
  /** Names are unique, at most 64 characters of [A-Za-z0-9_-]. */
  readonly tools: readonly EngineTool[];
  /** `names`: one of these must be called. A constraint, enforced by the engine where it can and by the gate always. */
  readonly toolChoice: "auto" | "none" | "required" | { readonly names: readonly string[] };
  readonly parallelToolCalls: boolean;
  readonly format: OutputFormat;
  /** Effort as the client spelled it (any string); null where it did not say. "none" turns thinking off. */
  readonly effort: string | null;
  readonly sampling: Sampling;
  /** Tokens the answer may have, thinking included; null for no cap but the context. */
  readonly maxTokens: number | null;
  /** Alternatives wanted for each token (0 to 20); null for no logprobs. */
  readonly topLogprobs: number | null;
  /** Same value, same conversation: a hint for slot and cache reuse. */
  readonly affinity: string | null;
  /** Body fields beyond OpenAI's that engines may know (`min_p`, `chat_template_kwargs`, ...): `passedOn` in spec/params. */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface Sampling {
  /** null: the engine's or model's own default. The same for all others. */
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly presencePenalty: number | null;
  readonly frequencyPenalty: number | null;
  readonly seed: number | null;
}

export type OutputFormat =
  | { readonly type: "text" }
  | { readonly type: "json_object" }
  | { readonly type: "json_schema"; readonly name: string; readonly schema: JsonSchema; readonly strict: boolean };

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The neutral prompt: developer text is already folded, calls and outputs are balanced. */
export type EngineMessage =
  | { readonly role: "system" | "user"; readonly content: readonly EnginePart[] }
  | {
      readonly role: "assistant";
      readonly content: string;
      /** Thinking that led to this message, where it is known. */
      readonly reasoning: string | null;
      readonly calls: readonly EngineCall[];
    }
  | { readonly role: "tool"; readonly callId: string; readonly name: string; readonly content: readonly EnginePart[] };

/** Where an engine can show only text, parts are joined by a line break. */
export type EnginePart =
  | { readonly type: "text"; readonly text: string }
  /** `url` is a data URL; engines fetch nothing. */
  | { readonly type: "image"; readonly url: string };

/** `arguments` is the text of a JSON object. */
export interface EngineCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface EngineTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments object. */
  readonly parameters: JsonSchema;
  readonly strict: boolean;
  /** What the text of its argument `input` must fit, as a custom tool says it; null for all others. */
  readonly inputGrammar: InputGrammar | null;
  /**
   * The messages tell of it already. An engine that renders prompts leaves it out of their head, so that a tool found in
   * mid-thread does not change how the prompt begins.
   */
  readonly inThread: boolean;
  /**
   * False: the client allows others for now (`allowed_tools`). An engine that renders prompts lists it all the same, so that
   * the prompt begins as before.
   */
  readonly callable: boolean;
}

export interface InputGrammar {
  readonly syntax: "lark" | "regex";
  readonly definition: string;
}

/**
 * The whole vocabulary of an engine. A stream is any number of deltas, then exactly one `finish` or `fail`, then nothing;
 * an engine never throws across it. Every item is opened once under a `key` of the engine's choice, gets its text, and is
 * closed once - unless the stream ends before, which leaves it cut. Message and reasoning do not interleave with anything;
 * calls may interleave with each other (some upstreams do).
 */
export type Delta =
  | { readonly kind: "open"; readonly key: number; readonly item: OpenItem }
  | { readonly kind: "text"; readonly key: number; readonly text: string; readonly logprobs?: readonly Logprob[] }
  /** The model itself finished this item. */
  | { readonly kind: "close"; readonly key: number }
  | Progress
  | { readonly kind: "usage"; readonly usage: Usage }
  | { readonly kind: "finish"; readonly reason: FinishReason }
  | { readonly kind: "fail"; readonly failure: Failure };

export type OpenItem =
  | { readonly type: "message" }
  | { readonly type: "reasoning" }
  /** `name` is that of an offered tool, or whatever the model wrote; the text that follows are the arguments. */
  | { readonly type: "call"; readonly name: string };

/** Sent while nothing else can be: the place in the queue, or tokens of the prompt read so far. */
export interface Progress {
  readonly kind: "progress";
  readonly stage: "queued" | "loading" | "prefill";
  readonly done: number;
  readonly total: number;
}

export type FinishReason = "stop" | "length" | "content_filter";

/** Token counts. `estimated` where the upstream reports none and the numbers are ours. */
export interface Usage {
  readonly input: number;
  /** Part of `input` that was read from a cache. */
  readonly cached: number;
  readonly output: number;
  /** Part of `output` that was thinking. */
  readonly reasoning: number;
  readonly estimated: boolean;
}

export interface Logprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
  readonly top: readonly { readonly token: string; readonly logprob: number; readonly bytes: readonly number[] }[];
}

export interface Failure {
  /** `template`: the prompt's shape does not suit the model's template; only before any other delta but progress. */
  readonly code:
    | "template"
    | "context_length_exceeded"
    | "invalid_prompt"
    | "engine_crashed"
    | "upstream_error"
    /** The upstream refuses us in a way that asking again does not change: a wrong key, model, or address. */
    | "upstream_refused"
    | "upstream_timeout"
    | "rate_limit_exceeded"
    | "insufficient_quota"
    | "server_is_overloaded"
    | "server_error";
  /** For the client: what happened and what to do, without secrets and paths. */
  readonly message: string;
  /** How long an upstream asks to be left alone; absent where it does not. */
  readonly retryAfterSeconds?: number;
}

export interface Health {
  readonly state: "ready" | "loading" | "down";
  readonly detail: string | null;
}

/** One of: `script` (tests), `chat` (upstreams over HTTP), `llama` (embedded). */
export interface Engine {
  /** Models served, the default one first; of an upstream those last seen, [] while it was never reached. */
  models(): Promise<readonly ModelInfo[]>;
  /**
   * Writes an answer. Aborting `signal`, or leaving the loop, stops the work within one token or one prefill chunk;
   * after an abort the stream just ends, without `finish`. It runs ahead of whoever asks by no more than a bounded window.
   */
  generate(request: EngineRequest, signal: AbortSignal): AsyncIterable<Delta>;
  /** Size of a prompt in tokens; `exact` false where it is an estimate. */
  countTokens(request: EngineRequest): Promise<{ readonly input: number; readonly exact: boolean }>;
  health(): Promise<Health>;
  /** Ends everything the engine runs; what is under way fails. */
  close(): Promise<void>;
}
