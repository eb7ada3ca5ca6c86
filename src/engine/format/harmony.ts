/**
 * Owns the reading of Harmony, the form of gpt-oss: an answer is a row of messages, each with a header that names a channel
 * (analysis: thinking; commentary and final: text) and perhaps a recipient, which makes it a call. As written down in
 * OpenAI's guide to the format; what models get wrong of it is read too.
 */
import type { Delta } from "../engine.ts";
import type { AnswerReader } from "./answer.ts";
import { harmony } from "./forms.ts";
import { Items } from "./items.ts";
import { ObjectEnd } from "./json-end.ts";

/** Before the tool's name, in a call's recipient. */
export const recipientPrefix = "functions.";
export const recipientMark = " to=";

interface Header {
  /** As it was written, its last mark included. */
  readonly written: string;
  readonly channel: string;
  /** null: it is for the user. */
  readonly recipient: string | null;
}

type Piece =
  | { readonly type: "header"; readonly header: Header }
  /** Never empty. */
  | { readonly type: "body"; readonly text: string }
  | { readonly type: "end" };

/** What ends a message; the last two begin another, where a model forgot to end this one. */
const ends = [harmony.end, harmony.call, harmony.return, harmony.start, harmony.channel] as const;
const anyEnd = new RegExp(ends.map((mark) => mark.replaceAll("|", "\\|")).join("|"));
/** A header that is longer is none: channel, recipient and format are short. */
const headerChars = 256;

/** Cuts an answer, in chunks of any size, into messages. The first header begins where the prompt ended. */
class Messages {
  #held = "";
  #inBody = false;
  /** So much of what is held is text, whatever it looks like. */
  #literal = 0;

  /** The header under way, as far as it was written; null within a message. */
  get header(): string | null {
    return this.#inBody ? null : this.#held;
  }

  *push(text: string): Generator<Piece> {
    this.#held += text;
    while (this.#held !== "") {
      const piece = this.#inBody ? this.#readBody() : this.#readHeader();
      if (piece === null) return;
      yield piece;
    }
  }

  /** What was held back when the answer ended: text, unless it is a header, or the beginning of one. */
  *end(finished: boolean): Generator<Piece> {
    const held = this.#held;
    this.#held = "";
    const headed = !this.#inBody && held.includes("<|");
    // A model that forgot the last mark of its header, and stopped by itself, has said what stands behind.
    const header = headed && finished ? headerIn(held) : null;
    const text = headed ? (header?.recipient === null ? wordsBehind(held) : "") : held;
    if (text.trim() === "") return;
    if (header !== null) yield { type: "header", header };
    yield { type: "body", text };
  }

  #readHeader(): Piece | null {
    const at = this.#held.slice(0, headerChars).indexOf(harmony.message);
    let end = at + harmony.message.length;
    if (!mayBeHeader(this.#held)) end = 0;
    else if (at === -1) {
      if (this.#held.length <= headerChars) return null;
      end = 0;
      this.#literal = headerChars;
    }
    const header = headerIn(this.#held.slice(0, end));
    this.#held = this.#held.slice(end);
    this.#inBody = true;
    return { type: "header", header };
  }

  #readBody(): Piece | null {
    const found = this.#literal > 0 ? null : anyEnd.exec(this.#held);
    const end = this.#literal || (found?.index ?? this.#certain());
    this.#literal = 0;
    const text = this.#held.slice(0, end);
    if (text !== "") {
      this.#held = this.#held.slice(end);
      return { type: "body", text };
    }
    if (found === null) return null;
    const [mark] = found;
    const begins = mark === harmony.start || mark === harmony.channel;
    this.#held = begins ? this.#held : this.#held.slice(mark.length);
    this.#inBody = false;
    return { type: "end" };
  }

  /** Length of the text in which no mark has begun. */
  #certain(): number {
    const at = this.#held.lastIndexOf("<");
    return at !== -1 && ends.some((mark) => mark.startsWith(this.#held.slice(at))) ? at : this.#held.length;
  }
}

/** What `written` says last: a message without a body, or a channel that was thought better of, may stand before it. */
function headerIn(written: string): Header {
  const begun = Math.max(
    ...[harmony.start, harmony.end, harmony.call, harmony.return].map((mark) => written.lastIndexOf(mark)),
  );
  const own = written.slice(Math.max(begun, 0));
  const [, channel = "final"] = /^[^]*<\|channel\|>\s*(\w+)/.exec(own) ?? [];
  const [, recipient = null] = /\bto=([\w.-]+)/.exec(own) ?? [];
  return { written, channel, recipient };
}

/** What stands behind the marks of a header, and behind a role or a channel. */
function wordsBehind(header: string): string {
  return header.replace(/^[^]*<\|(?:channel\|>\s*\w*|start\|>\s*(?:assistant)?|\w*\|?>?)\s*/, "");
}

/** Whether `text` is, or may become, the beginning of a header: a role, a recipient, a format, and then marks. */
function mayBeHeader(text: string): boolean {
  const at = text.indexOf("<");
  const words = (at === -1 ? text : text.slice(0, at)).trimStart();
  if (at === -1) return "assistant".startsWith(words) || /^(?:assistant\s+)?(?:to?|to=[\w.-]*\s*\w*\s*)?$/.test(words);
  const rest = text.slice(at);
  const marked = Object.values(harmony).some((mark) => mark.startsWith(rest) || rest.startsWith(mark));
  return marked && /^(?:assistant)?\s*(?:to=[\w.-]+\s*\w*\s*)?$/.test(words);
}

export class HarmonyReader implements AnswerReader {
  readonly #offered: ReadonlySet<string>;
  readonly #messages = new Messages();
  readonly #items = new Items();
  #kind: "reasoning" | "message" | "call" = "message";
  #arguments = new ObjectEnd();
  #whole = false;
  /** A message ended in the middle of a call's arguments: nothing that follows counts. */
  #broken = false;

  /** `offered`: names of the tools that may be called; a call of anything else is text. */
  constructor(offered: readonly string[]) {
    this.#offered = new Set(offered);
  }

  get insideCall(): boolean {
    return this.#kind === "call" && !this.#whole;
  }

  *push(text: string): Generator<Delta> {
    for (const piece of this.#messages.push(text)) yield* this.#read(piece);
  }

  *end(finished: boolean): Generator<Delta> {
    for (const piece of this.#messages.end(finished)) yield* this.#read(piece);
    if (finished && !this.insideCall) yield* this.#items.close();
  }

  *#read(piece: Piece): Generator<Delta> {
    if (this.#broken) return;
    switch (piece.type) {
      case "header":
        return yield* this.#begin(piece.header);
      case "body":
        if (this.#kind === "call") return yield* this.#readArguments(piece.text);
        return yield* this.#items.write({ type: this.#kind }, piece.text);
      case "end":
        // A call that is cut short stays open, and so never runs.
        this.#broken = this.insideCall;
        if (!this.#broken) yield* this.#items.close();
    }
  }

  *#begin({ written, channel, recipient }: Header): Generator<Delta> {
    const name = recipient?.startsWith(recipientPrefix) ? recipient.slice(recipientPrefix.length) : recipient;
    if (name !== null && this.#offered.has(name)) {
      this.#kind = "call";
      this.#arguments = new ObjectEnd();
      this.#whole = false;
      return yield* this.#items.begin({ type: "call", name });
    }
    this.#kind = channel === "analysis" && name === null ? "reasoning" : "message";
    // Whoever asks learns what the model tried.
    if (name !== null) yield* this.#items.write({ type: "message" }, written);
  }

  *#readArguments(text: string): Generator<Delta> {
    if (this.#whole) return;
    const end = this.#arguments.find(text);
    this.#whole = end !== null;
    yield* this.#items.append(end === null ? text : text.slice(0, end));
  }
}

/** Sees the same answer as `HarmonyReader`, but says only what the one who writes it must know at once. */
export class HarmonyWatch {
  readonly #messages = new Messages();
  #thought = false;
  #answering = false;
  #calling = false;

  get thought(): boolean {
    return this.#thought;
  }

  get answering(): boolean {
    return this.#answering;
  }

  /** What of `text` comes after the mark of the first recipient; null unless it came with this text. */
  push(text: string): string | null {
    for (let at = 0; at < text.length && !this.#calling; at += 1) {
      for (const piece of this.#messages.push(text.charAt(at))) {
        if (piece.type === "header") this.#answering ||= piece.header.channel !== "analysis";
        this.#thought ||= piece.type === "body" && !this.#answering;
      }
      if (this.#messages.header?.endsWith(recipientMark) !== true) continue;
      this.#answering = true;
      this.#calling = true;
      return text.slice(at + 1);
    }
    return null;
  }
}
