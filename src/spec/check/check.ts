/** Owns the checker: reads the events or the bytes of one streamed response, and names every rule they break. */
import { limits } from "../../limits.ts";
import { type ClientDialect, hasEvent, plainEvent } from "../client-dialects.ts";
import { isFields, parse } from "../json.ts";
import { contentRules } from "./content.ts";
import { foreignBody, foreignStream } from "./foreign.ts";
import { type Frame, FrameReader } from "./frames.ts";
import type { Invariant } from "./invariants.ts";
import { itemRules } from "./items.ts";
import { type CheckContext, fieldsOf, nameOf, type Report, type Rules, show, type Violation } from "./rules.ts";
import { sequenceRules } from "./sequence.ts";
import { snapshotRules } from "./snapshots.ts";

/** Where the request is not known. */
export const anything: CheckContext = { tools: null, parallel: true, summary: true };

/** Every broken rule of a whole stream, in order. */
export function checkEvents(events: readonly unknown[], context: CheckContext = anything): Violation[] {
  const violations: Violation[] = [];
  const check = new EventCheck(context, (violation) => violations.push(violation));
  for (const event of events) check.event(event, null);
  check.end(null);
  return violations;
}

/** The same for the text of an SSE body, with the rules of its framing. */
export function checkBody(
  body: string,
  context: CheckContext = anything,
): { events: unknown[]; violations: Violation[] } {
  const violations: Violation[] = [];
  const events: unknown[] = [];
  const check = new StreamCheck(
    context,
    (violation) => violations.push(violation),
    (event) => events.push(event),
  );
  check.push(body);
  check.end();
  return { events, violations };
}

type Found = (violation: Violation) => void;

/** Runs every part of the rules over the events. */
class EventCheck {
  readonly #parts: readonly Rules[];
  readonly #found: Found;
  readonly #dialect: ClientDialect;
  #count = 0;

  constructor(context: CheckContext, found: Found) {
    this.#parts = [sequenceRules(), snapshotRules(), itemRules(context), contentRules()];
    this.#found = found;
    this.#dialect = context.dialect ?? "openai";
  }

  get count(): number {
    return this.#count;
  }

  event(event: unknown, line: number | null): void {
    const fields = fieldsOf(event);
    const type = nameOf(fields);
    const report: Report = (row, message) => this.tell(row, message, line, type);
    if (type === "") report(8, "an event without a type");
    else if (!hasEvent(this.#dialect, type)) report(8, `'${show(type)}' is not an event that every client knows`);
    const plain = plainEvent(this.#dialect, fields);
    for (const part of this.#parts) part.event(plain, report);
    this.#count += 1;
  }

  end(line: number | null): void {
    for (const part of this.#parts) part.end((row, message) => this.tell(row, message, line, ""));
  }

  /** Of the event that comes next. */
  tell(row: Invariant, message: string, line: number | null, type: string): void {
    this.#found({ row, at: this.#count, line, type, message });
  }
}

/**
 * Checks a stream while it comes in, in pieces of any size: what it holds of the stream is what a client would hold of the
 * response. `found` is told of each violation as it is seen, `seen` of each event.
 */
export class StreamCheck {
  readonly #reader = new FrameReader();
  readonly #check: EventCheck;
  readonly #seen: (event: unknown) => void;
  readonly #dialect: ClientDialect;
  /** How often [DONE] came. */
  #ends = 0;
  #head = "";
  #foreign: string | null = null;

  constructor(context: CheckContext, found: Found, seen: (event: unknown) => void = () => {}) {
    this.#check = new EventCheck(context, found);
    this.#seen = seen;
    this.#dialect = context.dialect ?? "openai";
  }

  get events(): number {
    return this.#check.count;
  }

  /** What this is, where it is no stream of the Responses API; null where it is. Known once it has ended. */
  get foreign(): string | null {
    return this.events === 0 ? foreignBody(this.#head) : this.#foreign;
  }

  /** How the answer began that brings the stream. `contentType`: its header, or null. */
  answered(status: number, contentType: string | null): void {
    const media = contentType?.split(";", 1)[0]?.trim().toLowerCase();
    if (status === 200 && media === "text/event-stream") return;
    this.#check.tell(1, `status ${status}, content-type ${show(contentType ?? undefined)}`, null, "");
  }

  /** Throws UnreadableStream where the stream is longer than can be checked. */
  push(text: string): void {
    if (this.#head.length < limits.checkHeadChars) this.#head += text.slice(0, limits.checkHeadChars);
    for (const frame of this.#reader.push(text)) this.#frame(frame);
  }

  end(): void {
    for (const frame of this.#reader.end()) this.#frame(frame);
    const { line } = this.#reader;
    if (this.#dialect === "open-responses" && this.#ends === 0) this.#check.tell(4, "no [DONE]", line, "");
    this.#check.end(line);
  }

  #frame({ line, event: name, data, faults }: Frame): void {
    if (data === "[DONE]") {
      this.#ends += 1;
      if (this.#dialect === "openai" || this.#ends > 1) this.#check.tell(4, "[DONE]", line, "");
      return;
    }
    if (this.#ends > 0) this.#check.tell(4, "an event after [DONE]", line, "");
    const event = data === null ? undefined : eventIn(data);
    const type = nameOf(fieldsOf(event));
    const wrong = data === null || event !== undefined ? faults : [...faults, `no JSON object: ${show(data)}`];
    for (const fault of wrong) this.#check.tell(3, fault, line, type);
    if (data === null) return;
    if (name !== type) this.#check.tell(2, name === null ? "no event line" : `event ${show(name)}`, line, type);
    if (this.events === 0) this.#foreign = foreignStream(event);
    this.#check.event(event, line);
    this.#seen(event);
  }
}

/** An object that the rules can walk; undefined for anything else. */
function eventIn(data: string): object | undefined {
  const value = parse(data);
  return isFields(value) ? value : undefined;
}
