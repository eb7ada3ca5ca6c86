/** Owns a turn's run: what the engine writes becomes the one stream of events that every consumer is sent. */
import assert from "node:assert/strict";
import type { EngineMessage, EngineRequest, FinishReason } from "../engine/engine.ts";
import { ApiError, messageOf } from "../errors.ts";
import { limits } from "../limits.ts";
import { count } from "../metrics.ts";
import type { Request } from "../spec/request.ts";
import type { Response } from "../spec/response.ts";
import type { StoredResponse } from "../store/store.ts";
import { CallGate, type Fault } from "./calls.ts";
import { FormatGate } from "./format.ts";
import { type Ending, listen } from "./listen.ts";
import { engineRequest, type Line, seconds, type Turn } from "./prepare.ts";
import { type Shape, shapes } from "./prompt.ts";
import { type Send, Stream } from "./stream.ts";

/** How a turn ended: `failed` tells more than the last event may, `gone` means that nobody listens any more. */
export type Outcome = { readonly kind: "ended" | "gone" } | { readonly kind: "failed"; readonly error: ApiError };

/**
 * Runs a turn; `send` is told its events, the response is stored before the terminal one. When `signal` is aborted with an
 * ApiError the response fails with it; aborted for any other reason the client is gone, and the stream just ends.
 */
export async function run(line: Line, turn: Turn, signal: AbortSignal, send: Send): Promise<Outcome> {
  const stream = new Stream(turn.response, send);
  stream.begin();
  const beating = stream.beat(line.keepAliveMs);
  try {
    return await conclude(line, turn, stream, signal);
  } finally {
    clearInterval(beating);
  }
}

/** Brings a stream that has begun to its last event. */
async function conclude(line: Line, turn: Turn, stream: Stream, signal: AbortSignal): Promise<Outcome> {
  const outcome = await answer(line, turn, stream, signal).catch((thrown: unknown) => mistake(line, stream, thrown));
  if (outcome === "gone") {
    count("antiphon_responses_total", { status: "gone" });
    return { kind: "gone" };
  }
  const final = stream.final(outcome, seconds());
  const lost = isKept(turn, outcome) ? await keep(line, { response: final, input: turn.input }) : null;
  const told = lost ? stream.final(lost, seconds()) : final;
  tally(told);
  stream.end(told);
  const error = lost ?? outcome;
  return error instanceof ApiError ? { kind: "failed", error } : { kind: "ended" };
}

function tally({ status, usage }: Response): void {
  count("antiphon_responses_total", { status });
  count("antiphon_input_tokens_total", {}, usage.input_tokens);
  count("antiphon_cached_tokens_total", {}, usage.input_tokens_details.cached_tokens);
  count("antiphon_output_tokens_total", {}, usage.output_tokens);
}

/** A mistake of ours ends this answer as a failed one, where the stream can still be ended by its rules. */
async function mistake(line: Line, stream: Stream, thrown: unknown): Promise<ApiError> {
  line.log.error("a turn failed by a mistake of this program", {
    reason: String(thrown instanceof Error ? thrown.stack : thrown),
  });
  await stream.abandon();
  return new ApiError("server_error", "The server failed unexpectedly.");
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
async function answer(
  line: Line,
  turn: Turn,
  stream: Stream,
  signal: AbortSignal,
): Promise<FinishReason | ApiError | "gone"> {
  let end = await shaped(line, turn, stream, null, signal);
  if (end.code === "again" && !signal.aborted) {
    line.log.debug("the model is asked again", { model: turn.model, hint: end.retry.hint });
    count("antiphon_asked_again_total", {});
    end = await shaped(line, turn, stream, end.retry, signal);
  }
  if (signal.aborted) return signal.reason instanceof ApiError ? signal.reason : "gone";
  assert(end.code !== "again", "a model is asked again once");
  return end.code === "finish" ? end.reason : failed(end);
}

/** Runs the engine at ever stricter shapes, until its template accepts one. */
async function shaped(line: Line, turn: Turn, stream: Stream, retry: Retry | null, signal: AbortSignal): Promise<End> {
  const { model } = turn;
  // A thread needs its shape for good; what one thread holds must not change the prompts of others.
  const thread = turn.affinity === null ? model : `${model} ${turn.affinity}`;
  let refusal = "";
  for (const shape of shapes.slice(line.shapes.get(thread) ?? 0)) {
    const request = askedAgain(engineRequest(turn, shape), retry);
    const end = await attempt(line, turn, stream, request, retry !== null, signal);
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
  | Ending
  | { readonly code: "invalid_answer"; readonly message: string }
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

/** One run of the engine from its first delta to its last; items are closed when it resolves. `last`: it is final. */
async function attempt(
  line: Line,
  turn: Turn,
  stream: Stream,
  request: EngineRequest,
  last: boolean,
  signal: AbortSignal,
): Promise<End> {
  const summary = Boolean(turn.request.reasoning?.summary);
  const seal = wantsSeal(turn.request) ? (text: string): string => line.seal.close(text) : null;
  const gate = new CallGate(turn.offer, { parallel: request.parallelToolCalls, summary, seal });
  const format = new FormatGate(request.format, !turn.schemas);
  const patienceMs = turn.request.stream === true ? Infinity : line.loadingMs;
  const { end, usage } = await listen(line.engine.generate(request, signal), {
    signal,
    patienceMs,
    log: line.log,
    take: (delta) => {
      stream.push(format.push(gate.push(delta)));
      return gate.overflow;
    },
    room: () => stream.room,
  });
  if (usage !== null) stream.count(usage);
  await stream.items(format.push(gate.end()));
  const stopped = end.code === "finish" && end.reason === "stop";
  if (!stopped || gate.cut) {
    await stream.items(format.rest());
    return stopped ? { code: "server_error", message: "The engine stopped in the middle of an item." } : end;
  }
  const fault = await judge(stream, gate, format, !last);
  if (fault === null) return end;
  if (typeof fault === "string") return { code: "invalid_answer", message: fault };
  return { code: "again", retry: { hint: fault.hint, said: gate.said, output: usage?.output ?? 0 } };
}

/**
 * The end of an answer of which the model thinks that it is whole. Resolves with what it is to be asked again for, if it may
 * be; why the response fails; or null.
 */
async function judge(
  stream: Stream,
  gate: CallGate,
  format: FormatGate,
  mayAsk: boolean,
): Promise<Fault | string | null> {
  // Beside an answer that is as it must be, a slip that could stand is forgiven.
  const slip = gate.fault?.message === null && format.fits ? null : gate.fault;
  const fault = slip ?? format.fault;
  if (fault !== null && mayAsk && fault.late !== true) {
    await stream.items(format.retreat());
    return fault;
  }
  if (slip !== null) await stream.items(format.push(slip.instead()));
  // What leaves in an answer's stead must fit as well.
  const wrong = format.fault;
  await stream.items(wrong?.instead() ?? format.rest());
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
