/**
 * Owns one response's stream while it runs: machine and snapshot together, so that nothing leaves unrecorded, and the sign of
 * life when nothing leaves at all.
 */
import type { FinishReason, Usage } from "../engine/engine.ts";
import type { ApiError } from "../errors.ts";
import type { Event } from "../spec/events.ts";
import { noUsage, type Response, type ResponseUsage } from "../spec/response.ts";
import { EventMachine, type ItemDelta } from "./machine.ts";
import { Snapshot } from "./snapshot.ts";

/** Takes events that belong together; gives a promise where the next must wait, since the client reads slowly. It never rejects. */
export type Send = (events: readonly Event[]) => Promise<void> | null;

/** How finely silence is measured: a sign of life comes after the silence it is for, at most one tick later. */
const ticksOfSilence = 10;

export class Stream {
  readonly #machine = new EventMachine();
  readonly #snapshot: Snapshot;
  readonly #send: Send;
  #started = false;
  #room: Promise<void> | null = null;
  #usage: Usage | null = null;

  /** `response` as it is before anything happened. */
  constructor(response: Response, send: Send) {
    this.#snapshot = new Snapshot(response);
    this.#send = send;
  }

  /** Whether any of the output was sent. */
  get started(): boolean {
    return this.#started;
  }

  /** What to wait for before more is sent: the client reads slowly. null while it does not. */
  get room(): Promise<void> | null {
    return this.#room;
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
  async abandon(): Promise<void> {
    if (this.#machine.busy) await this.items([{ kind: "close", status: "incomplete" }]);
  }

  /** Sends the first events. */
  begin(): void {
    this.#put([this.#state("response.created"), this.#state("response.in_progress")]);
  }

  /**
   * Sends the state after each `silenceMs` in which nothing was sent, until the interval that it gives is cleared. One
   * interval for the whole stream: a timer for each event would cost more than the event.
   */
  beat(silenceMs: number): NodeJS.Timeout {
    let before = this.#machine.events;
    let quiet = 0;
    return setInterval(() => {
      const { events } = this.#machine;
      // Whoever reads slowly has not seen yet what was sent.
      quiet = events === before && this.#room === null ? quiet + 1 : 0;
      before = events;
      if (quiet < ticksOfSilence) return;
      quiet = 0;
      this.#put([this.#state("response.in_progress")]);
    }, silenceMs / ticksOfSilence);
  }

  /** Sends what `deltas` make, without a look at `room`; this is every token's way. */
  push(deltas: Iterable<ItemDelta>): void {
    const events: Event[] = [];
    for (const delta of deltas) {
      for (const event of this.#machine.push(delta)) {
        this.#snapshot.apply(event);
        events.push(event);
      }
    }
    if (events.length === 0) return;
    this.#started = true;
    this.#put(events);
  }

  /** Sends what `deltas` make, which may be much, as fast as the client reads. */
  async items(deltas: Iterable<ItemDelta>): Promise<void> {
    for (const delta of deltas) {
      this.push([delta]);
      if (this.#room !== null) await this.#room;
    }
  }

  /** The Response at its end; all items are closed. `now` in seconds. */
  final(outcome: FinishReason | ApiError, now: number): Response {
    return this.#snapshot.final(outcome, wireUsage(this.#usage), now);
  }

  /** Sends the last event: the one that goes with the status of `response`. */
  end(response: Response): void {
    const { status } = response;
    const ended = status === "completed" || status === "incomplete";
    this.#put([this.#machine.lifecycle(ended ? `response.${status}` : "response.failed", response)]);
  }

  /** An event with the Response as it is now. */
  #state(type: "response.created" | "response.in_progress"): Event {
    return this.#machine.lifecycle(type, this.#snapshot.response);
  }

  #put(events: readonly Event[]): void {
    const room = this.#send(events);
    if (room === null) return;
    this.#room = room.then(() => {
      this.#room = null;
    });
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
