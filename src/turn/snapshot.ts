/** Owns the Response while it grows, out of the events alone, and how it ends. */
import assert from "node:assert/strict";
import type { FinishReason } from "../engine/engine.ts";
import { ApiError } from "../errors.ts";
import { type ChannelRow, channels, type PartList } from "../spec/channels.ts";
import { copyOf } from "../spec/copy.ts";
import type { DeltaEvent, Event } from "../spec/events.ts";
import type { Item } from "../spec/items.ts";
import { words } from "../spec/json.ts";
import type { Response, ResponseUsage } from "../spec/response.ts";

type Fields = Record<string, unknown>;

const channelOf = new Map<string, ChannelRow>(Object.values(channels).map((row) => [`${row.event}.delta`, row]));

/** Folds events into the Response. Items and parts are copied as they come in, so events stay as they were sent. */
export class Snapshot {
  #response: Response;
  readonly #output: Fields[] = [];

  constructor(response: Response) {
    this.#response = response;
  }

  /** The Response so far; the caller owns it, nothing later changes it. */
  get response(): Response {
    const output = copyOf(this.#output) as readonly Item[] & Fields[];
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
      case "response.output_item.done":
        assert.equal(event.output_index < this.#output.length, event.type === "response.output_item.done");
        this.#output[event.output_index] = copyOf<Fields>({ ...event.item });
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
    const item = this.#output[index];
    assert(item, `no item at ${index}`);
    return item;
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

function outputText(output: readonly Fields[]): string {
  return output
    .filter((item) => item["type"] === "message")
    .flatMap((item) => listIn(item, "content") as Fields[])
    .map((part) => (part["type"] === "output_text" ? words(part["text"]) : ""))
    .join("");
}
