/** Owns the Response while it grows, out of the events alone, and how it ends. */
import assert from "node:assert/strict";
import type { FinishReason } from "../engine/engine.ts";
import { ApiError } from "../errors.ts";
import { type Channel, type ChannelRow, channels, deltaEvents, type PartList } from "../spec/channels.ts";
import { copyOf } from "../spec/copy.ts";
import type { DeltaEvent, Event } from "../spec/events.ts";
import type { Item } from "../spec/items.ts";
import { listOf, words } from "../spec/json.ts";
import type { Response, ResponseUsage } from "../spec/response.ts";

type Fields = Record<string, unknown>;

const channelOf = new Map<string, ChannelRow>(
  Object.entries(deltaEvents).map(([channel, type]) => [type, channels[channel as Channel]]),
);

/** Folds events into the Response. What is done is shared with its event; only the item that still grows is a copy. */
export class Snapshot {
  #response: Response;
  readonly #done: Item[] = [];
  /** The item that is open, behind those that are done. */
  #open: Fields | null = null;

  constructor(response: Response) {
    this.#response = response;
  }

  /** The Response so far, which nothing later changes. */
  get response(): Response {
    const open = this.#open === null ? [] : [copyOf(this.#open) as Item];
    const output = [...this.#done, ...open];
    return { ...this.#response, output, output_text: outputText(output) };
  }

  /** The Response at its end; all items are closed. `now` in seconds. */
  final(outcome: FinishReason | ApiError, usage: ResponseUsage, now: number): Response {
    const response = { ...this.response, usage };
    if (outcome instanceof ApiError) return { ...response, status: "failed", error: outcome.published };
    if (outcome === "stop") return { ...response, status: "completed", completed_at: now };
    const reason = outcome === "length" ? "max_output_tokens" : outcome;
    return { ...response, status: "incomplete", incomplete_details: { reason } };
  }

  apply(event: Event): void {
    switch (event.type) {
      case "response.output_item.added":
        assert(
          this.#open === null && event.output_index === this.#done.length,
          `item ${event.output_index} is out of order`,
        );
        this.#open = copyOf<Fields>({ ...event.item });
        return;
      case "response.output_item.done":
        this.#item(event.output_index);
        this.#done.push(event.item);
        this.#open = null;
        return;
      case "response.content_part.added":
      case "response.content_part.done":
        this.#list(event.output_index, "content")[event.content_index ?? 0] = copyOf<Fields>({ ...event.part });
        return;
      case "response.reasoning_summary_part.added":
      case "response.reasoning_summary_part.done":
        this.#list(event.output_index, "summary")[event.summary_index ?? 0] = copyOf<Fields>({ ...event.part });
        return;
      case "response.output_text.annotation.added":
        listIn(this.#part(event.output_index, "content", event.content_index), "annotations").push(event.annotation);
        return;
      default:
        if ("response" in event) this.#response = event.response;
        else if ("delta" in event) this.#append(event);
    }
  }

  #append(event: DeltaEvent): void {
    const row = channelOf.get(event.type);
    assert(row, `no channel for ${event.type}`);
    const target =
      row.part === null
        ? this.#item(event.output_index)
        : this.#part(event.output_index, row.part, event.content_index ?? event.summary_index);
    target[row.field] = words(target[row.field]) + event.delta;
    if (event.logprobs && event.logprobs.length > 0) listIn(target, "logprobs").push(...event.logprobs);
  }

  #item(index: number): Fields {
    assert(this.#open !== null && index === this.#done.length, `no open item at ${index}`);
    return this.#open;
  }

  #list(index: number, name: PartList): Fields[] {
    return listIn(this.#item(index), name) as Fields[];
  }

  #part(index: number, list: PartList, at = 0): Fields {
    const part = this.#list(index, list)[at];
    assert(part, `no ${list} at ${at} of item ${index}`);
    return part;
  }
}

/** The list under `name`, made if it is not there yet. */
function listIn(target: Fields, name: string): unknown[] {
  const list = (target[name] ??= []);
  assert(Array.isArray(list), `${name} is not a list`);
  return list;
}

function outputText(output: readonly Item[]): string {
  return output
    .filter(({ type }) => type === "message")
    .flatMap((item) => listOf(item["content"]))
    .map((part) => (part["type"] === "output_text" ? words(part["text"]) : ""))
    .join("");
}
