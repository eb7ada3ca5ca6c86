/**
 * Owns the stream's grammar: turns what happens to items into events. The tables of spec/ say which events exist; at most
 * one item and one part are open; every `sequence_number` is stamped here.
 */
import assert from "node:assert/strict";
import { type Channel, type ChannelRow, channels, deltaEvents, partEvents } from "../spec/channels.ts";
import type { Event, LifecycleEvent, Place } from "../spec/events.ts";
import type { Item, ItemStatus } from "../spec/items.ts";
import type { Part } from "../spec/parts.ts";
import { progress, type ProgressEvent } from "../spec/progress.ts";
import type { Response } from "../spec/response.ts";

/** What can happen to output items, in the machine's own words. */
export type ItemDelta =
  /** An item in its zero state (lists and texts empty), with its id. */
  | { readonly kind: "open"; readonly item: Item }
  | {
      readonly kind: "text";
      readonly channel: Channel;
      readonly text: string;
      readonly logprobs?: readonly unknown[];
    }
  | { readonly kind: "annotate"; readonly annotation: unknown }
  | { readonly kind: "progress"; readonly status: string }
  /** `fields` are set on the finished item (results, encrypted content). */
  | {
      readonly kind: "close";
      readonly status: Exclude<ItemStatus, "in_progress">;
      readonly fields?: Readonly<Record<string, unknown>>;
    };

type Unstamped<E> = E extends Event ? Omit<E, "sequence_number"> : never;

interface OpenPart {
  readonly channel: Channel;
  readonly row: ChannelRow;
  readonly place: Place;
  text: string;
  readonly logprobs: unknown[];
  readonly annotations: unknown[];
}

interface Open {
  readonly item: Item;
  readonly output_index: number;
  /** Finished parts by their list, and texts that belong to the item itself. */
  readonly fields: Record<string, unknown>;
  part: OpenPart | null;
}

export class EventMachine {
  #sequence = 0;
  #outputs = 0;
  #open: Open | null = null;

  /** Announces the state of the whole response; the caller knows when, the machine only stamps. */
  lifecycle(type: LifecycleEvent["type"], response: Response): LifecycleEvent {
    return { type, sequence_number: this.#sequence++, response };
  }

  /** Whether an item is open. */
  get busy(): boolean {
    return this.#open !== null;
  }

  /** How many events there were. */
  get events(): number {
    return this.#sequence;
  }

  /** The events that `delta` makes. Lists and not generators, as a generator costs more than most events do. */
  push(delta: ItemDelta): readonly Event[] {
    switch (delta.kind) {
      case "open":
        return [this.#openItem(delta.item)];
      case "text":
        return this.#text(delta.channel, delta.text, delta.logprobs);
      case "annotate":
        return [this.#annotate(delta.annotation)];
      case "progress":
        return this.#progress(delta.status);
      case "close":
        return this.#closeItem(delta.status, delta.fields);
    }
  }

  #stamp(event: Unstamped<Event>): Event {
    // The key order puts what a reader looks for first.
    return Object.assign({ type: event.type, sequence_number: this.#sequence++ }, event);
  }

  #openItem(item: Item): Event {
    assert(this.#open === null, "an item is still open");
    this.#open = { item, output_index: this.#outputs++, fields: {}, part: null };
    return this.#stamp({ type: "response.output_item.added", output_index: this.#open.output_index, item });
  }

  #text(channel: Channel, text: string, logprobs: readonly unknown[] = []): Event[] {
    const events: Event[] = [];
    const open = this.#current();
    const part = open.part?.channel === channel ? open.part : this.#openPart(open, channel, events);
    part.text += text;
    part.logprobs.push(...logprobs);
    // Made at once and not by `#stamp`: this is every token's way.
    const start = { type: deltaEvents[channel], sequence_number: this.#sequence++, ...part.place };
    events.push(channel === "output_text" ? { ...start, delta: text, logprobs } : { ...start, delta: text });
    return events;
  }

  #openPart(open: Open, channel: Channel, events: Event[]): OpenPart {
    const row: ChannelRow = channels[channel];
    assert.equal(open.item.type, row.item, `${channel} cannot stream into ${open.item.type}`);
    this.#closePart(open, events);
    const index = row.part === null ? {} : { [`${row.part}_index`]: partsOf(open, row.part).length };
    const place = { item_id: open.item.id, output_index: open.output_index, ...index };
    const part: OpenPart = { channel, row, place, text: "", logprobs: [], annotations: [] };
    open.part = part;
    if (row.part !== null) {
      events.push(this.#stamp({ type: `${partEvents[row.part]}.added`, ...place, part: finished(part) }));
    }
    return part;
  }

  #closePart(open: Open, events: Event[]): void {
    const { part } = open;
    if (!part) return;
    const { channel, row, place, text, logprobs } = part;
    const done = this.#stamp({
      type: `${channels[channel].event}.done`,
      ...place,
      [row.field]: text,
      ...(channel === "output_text" ? { logprobs } : {}),
      // OpenAI dropped `name` here, Java still reads it.
      ...(channel === "arguments" && typeof open.item["name"] === "string" ? { name: open.item["name"] } : {}),
    });
    events.push(done);
    if (row.part === null) {
      open.fields[row.field] = text;
    } else {
      const whole = finished(part);
      events.push(this.#stamp({ type: `${partEvents[row.part]}.done`, ...place, part: whole }));
      partsOf(open, row.part).push(whole);
    }
    open.part = null;
  }

  #annotate(annotation: unknown): Event {
    const part = this.#current().part;
    assert(part?.channel === "output_text", "only output text is annotated");
    part.annotations.push(annotation);
    const annotation_index = part.annotations.length - 1;
    return this.#stamp({
      type: "response.output_text.annotation.added",
      ...part.place,
      annotation_index,
      annotation,
    });
  }

  #progress(status: string): Event[] {
    const events: Event[] = [];
    const open = this.#current();
    const { item, output_index } = open;
    const family: readonly string[] = Object.hasOwn(progress, item.type)
      ? progress[item.type as keyof typeof progress]
      : [];
    assert(family.includes(status), `${item.type} has no status ${status}`);
    this.#closePart(open, events);
    const type = `response.${item.type}.${status}` as ProgressEvent;
    events.push(this.#stamp({ type, item_id: item.id, output_index }));
    return events;
  }

  #closeItem(status: ItemStatus, fields: Readonly<Record<string, unknown>> = {}): Event[] {
    const events: Event[] = [];
    const open = this.#current();
    this.#closePart(open, events);
    const item: Item = { ...open.item, ...open.fields, status, ...fields };
    this.#open = null;
    events.push(this.#stamp({ type: "response.output_item.done", output_index: open.output_index, item }));
    return events;
  }

  #current(): Open {
    assert(this.#open !== null, "no item is open");
    return this.#open;
  }
}

function partsOf(open: Open, list: string): unknown[] {
  const parts = (open.fields[list] ??= []);
  assert(Array.isArray(parts));
  return parts;
}

function finished({ channel, row, text, annotations, logprobs }: OpenPart): Part {
  const part = { type: channel, [row.field]: text };
  return channel === "output_text" ? { ...part, annotations: [...annotations], logprobs: [...logprobs] } : part;
}
