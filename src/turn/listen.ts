/** Owns the listening to an engine: its items are handed on as they come, and how it ended is told at the end. */
import type { Delta, Failure, FinishReason, Usage } from "../engine/engine.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";

/** How a run of an engine ended. */
export type Ending =
  | Failure
  | { readonly code: "model_loading"; readonly message: string }
  | { readonly code: "finish"; readonly reason: FinishReason };

export interface Heard {
  readonly end: Ending;
  readonly usage: Usage | null;
}

export interface ListenOptions {
  readonly signal: AbortSignal;
  /** How long a model may take to be loaded. */
  readonly patienceMs: number;
  readonly log: Log;
  /** Is handed what concerns items; says how the answer ends, where it ends with that. */
  readonly take: (delta: OfItem) => Ending | null;
  /** What to wait for before the engine is asked for more; null for nothing. */
  readonly room: () => Promise<void> | null;
}

export type OfItem = Extract<Delta, { readonly kind: "open" | "text" | "close" }>;

/** A stream is kept alive for as long as the model loads; a JSON request would just hang, and its client time out. */
const stillLoading: Ending = {
  code: "model_loading",
  message: "The model is still loading; try again soon, or stream.",
};

const late = Symbol("late");

/**
 * Hears the engine until it is done, `signal` is aborted, or `take` says how the answer ends. Rejects with what `take` throws;
 * what the engine throws is an ending.
 */
export async function listen(
  source: AsyncIterable<Delta>,
  { signal, patienceMs, log, take, room }: ListenOptions,
): Promise<Heard> {
  const deltas = source[Symbol.asyncIterator]();
  const deadline = performance.now() + patienceMs;
  let end: Ending = { code: "server_error", message: "The engine ended without a result." };
  let usage: Usage | null = null;
  let loading = false;
  let busy = false;
  try {
    for (;;) {
      let step: IteratorResult<Delta, unknown> | typeof late;
      try {
        const coming = deltas.next();
        step = await (loading ? before(deadline, coming) : coming);
      } catch (thrown) {
        log.error("the engine threw across its stream", { reason: messageOf(thrown) });
        return { end: { code: "server_error", message: "The engine failed unexpectedly." }, usage };
      }
      if (step === late) {
        busy = true;
        return { end: stillLoading, usage };
      }
      if (step.done === true || signal.aborted) return { end, usage };
      const delta: Delta = step.value;
      loading = delta.kind === "progress" && delta.stage === "loading";
      if (delta.kind === "usage") ({ usage } = delta);
      else if (delta.kind === "finish") end = { code: "finish", reason: delta.reason };
      else if (delta.kind === "fail") end = delta.failure;
      else if (delta.kind !== "progress") {
        const enough = take(delta);
        if (enough !== null) return { end: enough, usage };
        const waiting = room();
        if (waiting !== null) await waiting;
      }
    }
  } finally {
    const left = deltas.return?.().catch((thrown: unknown) => {
      log.error("the engine threw when it was left", { reason: messageOf(thrown) });
    });
    // One that is busy ends when its signal is aborted; to wait for that would keep the client waiting.
    if (!busy) await left;
  }
}

/** What `promise` gives, or `late` at the `deadline` (of `performance.now`), which may be Infinity. */
async function before<T>(deadline: number, promise: Promise<T>): Promise<T | typeof late> {
  if (deadline === Infinity) return promise;
  const passed = Promise.withResolvers<typeof late>();
  const timer = setTimeout(() => passed.resolve(late), Math.max(0, deadline - performance.now()));
  try {
    return await Promise.race([promise, passed.promise]);
  } finally {
    clearTimeout(timer);
  }
}
