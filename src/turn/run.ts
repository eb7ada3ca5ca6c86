/** Owns a turn's run: what the engine writes becomes the one stream of events that every consumer reads. */
import type { EngineRequest, Failure, FinishReason } from "../engine/engine.ts";
import { ApiError, messageOf } from "../errors.ts";
import type { Event } from "../spec/events.ts";
import type { StoredResponse } from "../store/store.ts";
import { CallGate } from "./calls.ts";
import { tick, ticking } from "./clock.ts";
import { engineRequest, type Line, seconds, type Turn } from "./prepare.ts";
import { shapes } from "./prompt.ts";
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
  const outcome = yield* answer(line, turn, stream, signal);
  if (outcome === "gone") return { kind: "gone" };
  const final = stream.final(outcome, seconds());
  const lost = turn.request.store === false ? null : await keep(line, { response: final, input: turn.input });
  yield stream.end(lost ? stream.final(lost, seconds()) : final);
  const error = lost ?? outcome;
  return error instanceof ApiError ? { kind: "failed", error } : { kind: "ended" };
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

/** Runs the engine, at ever stricter shapes until its template accepts one. */
async function* answer(
  line: Line,
  turn: Turn,
  stream: Stream,
  signal: AbortSignal,
): AsyncGenerator<Event, FinishReason | ApiError | "gone"> {
  const { model } = turn;
  let refusal = "";
  for (const shape of shapes.slice(line.shapes.get(model) ?? 0)) {
    const end = yield* attempt(line, turn, stream, engineRequest(turn, shape), signal);
    if (signal.aborted) return signal.reason instanceof ApiError ? signal.reason : "gone";
    if (end.code !== "template" || stream.started) {
      // Nothing to remember at 0; while an upstream is down, model names are the clients' own, and any number.
      if (shape > 0) line.shapes.set(model, shape);
      return end.code === "finish" ? end.reason : failed(end);
    }
    refusal = end.message;
    line.log.debug("the chat template refused a prompt", { model, shape, reason: refusal });
  }
  return new ApiError("invalid_prompt", `The chat template of '${model}' refuses this conversation: ${refusal}`);
}

type End =
  | Failure
  | { readonly code: "model_loading"; readonly message: string }
  | { readonly code: "finish"; readonly reason: FinishReason };

/** A stream is kept alive while the model loads; a JSON request would just hang, and its client time out. */
const stillLoading: End = { code: "model_loading", message: "The model is still loading; try again soon, or stream." };

/** One run of the engine from its first delta to its last; items are closed when it returns. */
async function* attempt(
  line: Line,
  turn: Turn,
  stream: Stream,
  request: EngineRequest,
  signal: AbortSignal,
): AsyncGenerator<Event, End> {
  const summary = Boolean(turn.request.reasoning?.summary);
  const gate = new CallGate(turn.offer, { parallel: request.parallelToolCalls, summary });
  let end: End = { code: "server_error", message: "The engine ended without a result." };
  try {
    for await (const delta of ticking(line.engine.generate(request, signal), line.keepAliveMs)) {
      if (signal.aborted) break;
      if (delta === tick) yield stream.state("response.in_progress");
      else if (delta.kind === "usage") stream.usage = delta.usage;
      else if (delta.kind === "finish") end = { code: "finish", reason: delta.reason };
      else if (delta.kind === "fail") end = delta.failure;
      else if (delta.kind !== "progress") yield* stream.items(gate.push(delta));
      else if (delta.stage === "loading" && turn.request.stream !== true) return stillLoading;
    }
  } catch (thrown) {
    line.log.error("the engine threw across its stream", { reason: messageOf(thrown) });
    end = { code: "server_error", message: "The engine failed unexpectedly." };
  }
  yield* stream.items(gate.end());
  const complete = end.code === "finish" && end.reason === "stop";
  return complete && gate.broken !== null ? { code: "server_error", message: gate.broken } : end;
}

function failed({ code, message }: Exclude<End, { code: "finish" }>): ApiError {
  return new ApiError(code === "template" ? "invalid_prompt" : code, message);
}
