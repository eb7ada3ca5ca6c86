/** Owns one response's stream while it runs: machine and snapshot together, so that nothing leaves unrecorded. */
import type { FinishReason, Usage } from "../engine/engine.ts";
import type { ApiError } from "../errors.ts";
import type { Event, LifecycleEvent } from "../spec/events.ts";
import { noUsage, type Response, type ResponseUsage } from "../spec/response.ts";
import { EventMachine, type ItemDelta } from "./machine.ts";
import { Snapshot } from "./snapshot.ts";

export class Stream {
  readonly #machine = new EventMachine();
  readonly #snapshot: Snapshot;
  #started = false;
  #usage: Usage | null = null;

  /** `response` as it is before anything happened. */
  constructor(response: Response) {
    this.#snapshot = new Snapshot(response);
  }

  /** Whether the client has seen any of the output. */
  get started(): boolean {
    return this.#started;
  }

  /** How many events were made. */
  get sent(): number {
    return this.#machine.events;
  }

  /** Counts of one run of the engine; they leave with the terminal event only. What it writes when asked again adds up. */
  count(usage: Usage): void {
    const before = this.#usage;
    if (before === null) this.#usage = usage;
    else {
      const { output, reasoning } = usage;
      this.#usage = { ...before, output: before.output + output, reasoning: before.reasoning + reasoning };
    }
  }

  /** Closes what is open: it was cut. */
  *abandon(): Generator<Event> {
    if (this.#machine.busy) yield* this.items([{ kind: "close", status: "incomplete" }]);
  }

  /** An event that carries the Response as it is now. */
  state(type: "response.created" | "response.in_progress"): LifecycleEvent {
    return this.#machine.lifecycle(type, this.#snapshot.response);
  }

  *items(deltas: Iterable<ItemDelta>): Generator<Event> {
    for (const delta of deltas) {
      for (const event of this.#machine.push(delta)) {
        this.#started = true;
        this.#snapshot.apply(event);
        yield event;
      }
    }
  }

  /** The Response at its end; all items are closed. `now` in seconds. */
  final(outcome: FinishReason | ApiError, now: number): Response {
    return this.#snapshot.final(outcome, wireUsage(this.#usage), now);
  }

  /** The last event: the one that goes with the status of `response`. */
  end(response: Response): LifecycleEvent {
    const { status } = response;
    return this.#machine.lifecycle(
      status === "completed" || status === "incomplete" ? `response.${status}` : "response.failed",
      response,
    );
  }
}

function wireUsage(usage: Usage | null): ResponseUsage {
  if (!usage) return noUsage;
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached, cache_write_tokens: 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}
