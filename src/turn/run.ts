/** Owns a turn's run: what the engine writes becomes the one stream of events that every consumer reads. */
import assert from "node:assert/strict";
import type { EngineMessage, EngineRequest, Failure, FinishReason, Usage } from "../engine/engine.ts";
import { ApiError, messageOf } from "../errors.ts";
import { limits } from "../limits.ts";
import { count } from "../metrics.ts";
import type { Event } from "../spec/events.ts";
import type { Request } from "../spec/request.ts";
import type { Response } from "../spec/response.ts";
import type { StoredResponse } from "../store/store.ts";
import { CallGate, type Fault } from "./calls.ts";
import { SourceError, tick, ticking } from "./clock.ts";
import { FormatGate } from "./format.ts";
import { engineRequest, type Line, seconds, type Turn } from "./prepare.ts";
import { type Shape, shapes } from "./prompt.ts";
import { Stream } from "./stream.ts";

/** How a turn ended: `failed` tells more than the last event may, `gone` means that nobody listens any more. */
export type Outcome = { readonly kind: "ended" | "gone" } | { readonly kind: "failed"; readonly error: ApiError };

/**
 * The events of a turn, ready to be sent; the response is stored before the terminal one. When `signal` is aborted with an
 * ApiError the response fails with it; aborted for any other reason the client is gone, and the stream just ends.
 */
export async function* run(line: Line, turn: Turn, signal: AbortSignal): AsyncGenerator<Event, Outcome> {
  const stream = new Stream(turn.response);
  yield stream.state("response.created");
  yield stream.state("response.in_progress");
  const outcome = yield* safely(line, stream, answer(line, turn, stream, signal));
  if (outcome === "gone") {
    count("antiphon_responses_total", { status: "gone" });
    return { kind: "gone" };
  }
  const final = stream.final(outcome, seconds());
  const lost = isKept(turn, outcome) ? await keep(line, { response: final, input: turn.input }) : null;
  const told = lost ? stream.final(lost, seconds()) : final;
  tally(told);
  yield stream.end(told);
  const error = lost ?? outcome;
  return error instanceof ApiError ? { kind: "failed", error } : { kind: "ended" };
}

/** Decides which runs of the engine a turn takes: gives one after the other, and is told how each ended. */
type Runs<Result> = Generator<AsyncGenerator<Event, End>, Result, End>;

function tally({ status, usage }: Response): void {
  count("antiphon_responses_total", { status });
  count("antiphon_input_tokens_total", {}, usage.input_tokens);
  count("antiphon_cached_tokens_total", {}, usage.input_tokens_details.cached_tokens);
  count("antiphon_output_tokens_total", {}, usage.output_tokens);
}

/** A mistake of ours ends this answer as a failed one, where the stream can still be ended by its rules. */
async function* safely<Result>(
  line: Line,
  stream: Stream,
  runs: Runs<Result>,
): AsyncGenerator<Event, Result | ApiError> {
  try {
    let step = runs.next();
    while (step.done !== true) step = runs.next(yield* step.value);
    return step.value;
  } catch (thrown) {
    line.log.error("a turn failed by a mistake of this program", {
      reason: String(thrown instanceof Error ? thrown.stack : thrown),
    });
    yield* stream.abandon();
    return new ApiError("server_error", "The server failed unexpectedly.");
  }
}

/** Of a request that is answered by an HTTP error, nobody learns the id. */
function isKept({ request }: Turn, outcome: FinishReason | ApiError): boolean {
  return request.store !== false && !(outcome instanceof ApiError && request.stream !== true);
}

/** Stores a turn; returns what to fail with when it could not be stored. */
async function keep(line: Line, turn: StoredResponse): Promise<ApiError | null> {
  try {
    await line.store.append(turn);
    return null;
  } catch (thrown) {
    line.log.error("a response could not be stored", { id: turn.response.id, reason: messageOf(thrown) });
    return new ApiError("server_error", "The response could not be stored.");
  }
}

/** Runs the engine, and once more where the model did something wrong that it may mend when told. */
function* answer(line: Line, turn: Turn, stream: Stream, signal: AbortSignal): Runs<FinishReason | ApiError | "gone"> {
  let end = yield* shaped(line, turn, stream, null, signal);
  if (end.code === "again" && !signal.aborted) {
    line.log.debug("the model is asked again", { model: turn.model, hint: end.retry.hint });
    count("antiphon_asked_again_total", {});
    end = yield* shaped(line, turn, stream, end.retry, signal);
  }
  if (signal.aborted) return signal.reason instanceof ApiError ? signal.reason : "gone";
  assert(end.code !== "again", "a model is asked again once");
  return end.code === "finish" ? end.reason : failed(end);
}

/** Runs the engine at ever stricter shapes, until its template accepts one. */
function* shaped(line: Line, turn: Turn, stream: Stream, retry: Retry | null, signal: AbortSignal): Runs<End> {
  const { model } = turn;
  // A thread needs its shape for good; what one thread holds must not change the prompts of others.
  const thread = turn.affinity === null ? model : `${model} ${turn.affinity}`;
  let refusal = "";
  for (const shape of shapes.slice(line.shapes.get(thread) ?? 0)) {
    const end = yield attempt(
      line,
      turn,
      stream,
      askedAgain(engineRequest(turn, shape), retry),
      retry !== null,
      signal,
    );
    if (signal.aborted || end.code !== "template" || (stream.started && retry === null)) {
      const accepted = end.code === "finish" || end.code === "again";
      if (shape > 0 && accepted) remember(line.shapes, thread, shape);
      return end;
    }
    refusal = end.message;
    line.log.debug("the chat template refused a prompt", { model, shape, reason: refusal });
  }
  return {
    code: "invalid_prompt",
    message: `The chat template of '${model}' refuses this conversation: ${refusal}`,
  };
}

/** The threads used last. */
function remember(known: Map<string, Shape>, thread: string, shape: Shape): void {
  known.delete(thread);
  known.set(thread, shape);
  const [oldest] = known.keys();
  if (known.size > limits.rememberedShapes && oldest !== undefined) known.delete(oldest);
}

/** What a model said that cannot stand, and what it is told about it. */
interface Retry {
  readonly hint: string;
  readonly said: { readonly message: string; readonly reasoning: string };
  readonly output: number;
}

type End =
  | Failure
  | { readonly code: "model_loading" | "invalid_answer"; readonly message: string }
  | { readonly code: "finish"; readonly reason: FinishReason }
  | { readonly code: "again"; readonly retry: Retry };

/** The same request, with what the model said to it, and the hint. */
function askedAgain(request: EngineRequest, retry: Retry | null): EngineRequest {
  if (retry === null) return request;
  const { message, reasoning } = retry.said;
  const said = { role: "assistant", content: message, reasoning: reasoning || null, calls: [] } as const;
  const messages: readonly EngineMessage[] = [
    ...request.messages,
    ...(message === "" && reasoning === "" ? [] : [said]),
    { role: "user", content: [{ type: "text", text: retry.hint }] },
  ];
  const left = request.maxTokens === null ? null : Math.max(1, request.maxTokens - retry.output);
  return { ...request, messages, maxTokens: left };
}

/** A stream is kept alive for as long as the model loads; a JSON request would just hang, and its client time out. */
const stillLoading: End = { code: "model_loading", message: "The model is still loading; try again soon, or stream." };

/** One run of the engine from its first delta to its last; items are closed when it returns. `last`: it is final. */
async function* attempt(
  line: Line,
  turn: Turn,
  stream: Stream,
  request: EngineRequest,
  last: boolean,
  signal: AbortSignal,
): AsyncGenerator<Event, End> {
  const summary = Boolean(turn.request.reasoning?.summary);
  const seal = wantsSeal(turn.request) ? (text: string): string => line.seal.close(text) : null;
  const gate = new CallGate(turn.offer, { parallel: request.parallelToolCalls, summary, seal });
  const format = new FormatGate(request.format, !turn.schemas);
  let end: End = { code: "server_error", message: "The engine ended without a result." };
  let usage: Usage | null = null;
  let loading = false;
  const patience = turn.request.stream === true ? Infinity : Date.now() + line.loadingMs;
  try {
    const deltas = line.engine.generate(request, signal);
    for await (const delta of ticking(deltas, line.keepAliveMs, () => stream.sent)) {
      if (signal.aborted) break;
      if (delta === tick) yield stream.state("response.in_progress");
      else if (delta.kind === "usage") ({ usage } = delta);
      else if (delta.kind === "finish") end = { code: "finish", reason: delta.reason };
      else if (delta.kind === "fail") end = delta.failure;
      else if (delta.kind === "progress") loading = delta.stage === "loading";
      // Not `yield*`, which takes twice as long for what is not asynchronous; this is every token's way.
      else for (const event of stream.items(format.push(gate.push(delta)))) yield event;
      if (loading && Date.now() >= patience) return stillLoading;
      if (gate.overflow === null) continue;
      end = gate.overflow;
      break;
    }
  } catch (thrown) {
    if (!(thrown instanceof SourceError)) throw thrown;
    line.log.error("the engine threw across its stream", { reason: messageOf(thrown.cause) });
    end = { code: "server_error", message: "The engine failed unexpectedly." };
  }
  if (usage !== null) stream.count(usage);
  yield* stream.items(format.push(gate.end()));
  const stopped = end.code === "finish" && end.reason === "stop";
  if (!stopped || gate.cut) {
    yield* stream.items(format.rest());
    return stopped ? { code: "server_error", message: "The engine stopped in the middle of an item." } : end;
  }
  const fault = yield* judge(stream, gate, format, !last);
  if (fault === null) return end;
  if (typeof fault === "string") return { code: "invalid_answer", message: fault };
  return { code: "again", retry: { hint: fault.hint, said: gate.said, output: usage?.output ?? 0 } };
}

/**
 * The end of an answer of which the model thinks that it is whole. Returns what it is to be asked again for, if it may be; why
 * the response fails; or null.
 */
function* judge(
  stream: Stream,
  gate: CallGate,
  format: FormatGate,
  mayAsk: boolean,
): Generator<Event, Fault | string | null> {
  // Beside an answer that is as it must be, a slip that could stand is forgiven.
  const slip = gate.fault?.message === null && format.fits ? null : gate.fault;
  const fault = slip ?? format.fault;
  if (fault !== null && mayAsk && fault.late !== true) {
    yield* stream.items(format.retreat());
    return fault;
  }
  if (slip !== null) yield* stream.items(format.push(slip.instead()));
  // What leaves in an answer's stead must fit as well.
  const wrong = format.fault;
  yield* stream.items(wrong?.instead() ?? format.rest());
  return slip?.message ?? wrong?.message ?? null;
}

/** What is not kept here can come back only with the client; OpenCode, VS Code and the AI SDK replay thinking so alone. */
function wantsSeal({ include, store }: Request): boolean {
  return store === false || (Array.isArray(include) && include.includes("reasoning.encrypted_content"));
}

function failed(end: Exclude<End, { code: "finish" | "again" }>): ApiError {
  const wait = "retryAfterSeconds" in end ? end.retryAfterSeconds : null;
  // As OpenAI has it; and the AI SDK's provider for Open Responses shows no message of an error without a param.
  const param = end.code === "context_length_exceeded" ? "input" : null;
  return new ApiError(end.code === "template" ? "invalid_prompt" : end.code, end.message, param, wait);
}
