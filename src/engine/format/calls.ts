/**
 * Owns the reading of tool calls in an answer, behind their mark: JSON, whose arguments are read as they come, and what is
 * read when the call is whole: the tags of Qwen3-Coder, Qwen3.5 and GLM, and the notation of Gemma 4.
 */
import { limits } from "../../limits.ts";
import { type CallFrame, type CallTags, callTags, frameOf, type MarkedForm } from "./forms.ts";
import { ObjectEnd } from "./json-end.ts";
import { type Lines, readInvoked, readTagged, type ValueOf, type WrittenCall } from "./tags.ts";
import { CallFinder } from "./marker.ts";
import { readNoted } from "./notation.ts";

export type CallPiece =
  | { readonly type: "message"; readonly text: string }
  /** A call begins; its arguments follow. */
  | { readonly type: "call"; readonly name: string }
  | { readonly type: "arguments"; readonly text: string }
  /** The arguments are whole. */
  | { readonly type: "called" };

type Stage = "text" | "header" | "arguments" | "whole" | "closing";

/** What is read when the call is whole: how it begins, and its reader. */
interface Whole {
  readonly header: RegExp;
  readonly read: (written: string, valueOf: ValueOf) => WrittenCall | null;
}

/** In Gemma's notation. */
const noted: Whole = { header: /^\s*call:([\w.-]+)\s*\{/, read: readNoted };
/** `<function=name>`, or a name and the first key. */
const tagged = (lines: Lines): Whole => ({
  header: /^\s*(?:<function=([\w.-]+)>|([\w.-]+)\s*(?:<arg_key>|<\/tool_call>))/,
  read: (written, valueOf) => readTagged(written, valueOf, lines),
});
/** `<invoke name="name">`; each has an end of its own, and the last mark comes behind the last. */
const invoked: Whole = { header: /^\s*<(?:｜DSML｜)?invoke name="([\w.-]+)">/, read: readInvoked };
/** A header that is longer is none: names have at most 64 characters. */
const headerChars = 512;

/**
 * Splits one answer into text and calls, in chunks of any size. A call of something that is not on offer, or whose header
 * cannot be read, is text. White space next to calls belongs to no one: templates put it back themselves.
 */
export class CallReader {
  readonly #offered: ReadonlySet<string>;
  readonly #valueOf: ValueOf;
  readonly #frame: CallFrame;
  /** What comes before the arguments, and before a further call's name. */
  readonly #header: RegExp;
  readonly #next: RegExp;
  /** What comes behind the arguments, with the last mark and without. */
  readonly #closing: RegExp;
  readonly #ending: RegExp;
  /** How else a call may be written; null for nothing. */
  readonly #whole: Whole | null;
  /** The end of such a call. */
  readonly #wholeEnd: string;
  #stage: Stage = "text";
  #finder: CallFinder;
  /** White space that is dropped if a call comes next. */
  #space = "";
  #afterCall = false;
  /** Of the call under way: what is not understood yet. */
  #buffer = "";
  #json = new ObjectEnd();
  /** Of a call in tags: its text so far, and the end of it, in which the last mark may have begun. */
  #parts: string[] = [];
  #tail = "";

  /** `offered`: names of the tools that may be called; without any, all is text. `valueOf` reads what stands in tags. */
  constructor(form: MarkedForm, offered: Iterable<string>, valueOf: ValueOf) {
    this.#offered = new Set(offered);
    this.#valueOf = valueOf;
    this.#frame = frameOf(form);
    const { lead, numbered, afterName, end, between, open, close, together } = this.#frame;
    this.#header = new RegExp(
      `^${loosely(lead)}([\\w.-]+?)${numbered ? "(?::\\d+)?" : ""}${loosely(afterName)}(?=\\{)`,
    );
    this.#closing = new RegExp(`^${loosely(end + close)}`);
    this.#ending = new RegExp(`^${loosely(end)}`);
    this.#next = new RegExp(`^${loosely(end + between + lead)}(?=[\\w.-])`);
    this.#whole = wholeOf(form, open);
    this.#wholeEnd = together ? end.trim() : close;
    this.#finder = new CallFinder(this.#frame);
  }

  /** Whether the answer is in the middle of a call whose arguments are not whole. */
  get insideCall(): boolean {
    return this.#stage === "arguments" || this.#stage === "whole";
  }

  push(text: string): readonly CallPiece[] {
    if (this.#offered.size === 0) return text === "" ? [] : [{ type: "message", text }];
    const pieces: CallPiece[] = [];
    let rest: string | null = text;
    while (rest !== null) rest = this.#step(rest, pieces);
    return pieces;
  }

  /**
   * The rest of the answer. `finished`: the model stopped by itself, so what looked like the start of a call was text; an
   * answer that was cut may have been about to call.
   */
  end(finished: boolean): readonly CallPiece[] {
    if (this.#stage === "closing") {
      const [end = ""] = this.#ending.exec(this.#buffer) ?? [];
      const left = this.#buffer.slice(end.length).trim();
      // Where it was cut, what is left may have been about to become the next call.
      const marks = !finished || bare(this.#frame.close).startsWith(bare(left));
      return [{ type: "called" }, ...(marks ? [] : [{ type: "message", text: left } as const])];
    }
    if (!finished || this.insideCall) return [];
    const held = this.#stage === "header" ? this.#frame.open + this.#buffer : this.#finder.end();
    const text = this.#space + held;
    return text === "" || (this.#afterCall && text.trim() === "") ? [] : [{ type: "message", text }];
  }

  /** Reads as far as one stage goes; returns what the next stage shall read, null where all is read. */
  #step(text: string, pieces: CallPiece[]): string | null {
    switch (this.#stage) {
      case "text":
        return this.#readText(text, pieces);
      case "header":
        return this.#readHeader(text, pieces);
      case "arguments":
        return this.#readArguments(text, pieces);
      case "whole":
        return this.#readWhole(text, pieces);
      case "closing":
        return this.#readClosing(text, pieces);
    }
  }

  #readText(text: string, pieces: CallPiece[]): string | null {
    const found = this.#finder.push(text);
    this.#say(found.text, pieces);
    if (found.after === null) return null;
    this.#stage = "header";
    this.#buffer = "";
    return found.after;
  }

  /** Passes text on, but for the white space at its end, as long as that is no more than may stand before a call. */
  #say(text: string, pieces: CallPiece[]): void {
    const whole = this.#afterCall ? (this.#space + text).trimStart() : this.#space + text;
    const words = whole.trimEnd();
    const said = whole.length - words.length > limits.blankChars ? whole : words;
    this.#space = whole.slice(said.length);
    if (said === "") return;
    this.#afterCall = false;
    pieces.push({ type: "message", text: said });
  }

  #readHeader(text: string, pieces: CallPiece[]): string | null {
    this.#buffer += text;
    const { open, close } = this.#frame;
    const [match, name = ""] = (this.#whole !== noted && this.#header.exec(this.#buffer)) || [];
    if (match !== undefined && this.#offered.has(name)) {
      const rest = this.#buffer.slice(match.length);
      pieces.push({ type: "call", name });
      this.#stage = "arguments";
      this.#json = new ObjectEnd();
      return rest;
    }
    const [whole, one, other] = this.#whole?.header.exec(this.#buffer) ?? [];
    const called = one ?? other ?? "";
    if (whole !== undefined && this.#offered.has(called)) {
      pieces.push({ type: "call", name: called });
      this.#stage = "whole";
      this.#parts = [];
      this.#tail = "";
      return this.#buffer;
    }
    const closed = close === "" ? -1 : this.#buffer.indexOf(close);
    // Where it ends, or is known to be none; what comes behind it may be a call.
    const known = close === "" ? match?.length : closed === -1 ? undefined : closed + close.length;
    const end = Math.min(known ?? headerChars, headerChars);
    if (this.#buffer.length < end) return null;
    const raw = this.#buffer.slice(0, end);
    pieces.push({ type: "message", text: this.#space + open + raw });
    this.#space = "";
    this.#afterCall = false;
    this.#stage = "text";
    this.#finder = new CallFinder(this.#frame, raw.endsWith("\n") || (close !== "" && raw.endsWith(close)));
    return this.#buffer.slice(end);
  }

  #readArguments(text: string, pieces: CallPiece[]): string | null {
    const end = this.#json.find(text);
    const own = end === null ? text : text.slice(0, end);
    if (own !== "") pieces.push({ type: "arguments", text: own });
    if (end === null) return null;
    this.#stage = "closing";
    this.#buffer = "";
    return text.slice(end);
  }

  /** A value may hold what ends a call: it ends with the first behind which it can be read. */
  #readWhole(text: string, pieces: CallPiece[]): string | null {
    const { together } = this.#frame;
    const mark = this.#wholeEnd;
    const near = this.#tail + text;
    this.#tail = near.slice(1 - mark.length);
    this.#parts.push(text);
    if (!near.includes(mark)) return null;
    const written = this.#parts.join("");
    this.#parts = [written];
    for (
      let end = written.indexOf(mark, written.length - near.length);
      end !== -1;
      end = written.indexOf(mark, end + 1)
    ) {
      const behind = end + mark.length;
      const call = this.#whole?.read(written.slice(0, together ? behind : end), this.#valueOf) ?? null;
      if (call === null) continue;
      pieces.push({ type: "arguments", text: call.arguments });
      if (together) {
        this.#stage = "closing";
        this.#buffer = "";
        return written.slice(end);
      }
      pieces.push({ type: "called" });
      this.#leaveCall();
      return written.slice(behind);
    }
    return null;
  }

  #readClosing(text: string, pieces: CallPiece[]): string | null {
    const { lead, together } = this.#frame;
    this.#buffer += text;
    const [next] = (together && this.#next.exec(this.#buffer)) || [];
    if (next !== undefined) {
      pieces.push({ type: "called" });
      const more = lead + this.#buffer.slice(next.length);
      this.#stage = "header";
      this.#buffer = "";
      return more;
    }
    const [closing] = this.#closing.exec(this.#buffer) ?? [];
    if (closing === undefined && this.#mayClose()) return null;
    // Where the last mark is missing, the call ends with its arguments, and the rest is read as what it is.
    const [end = ""] = closing === undefined ? (this.#ending.exec(this.#buffer) ?? []) : [closing];
    pieces.push({ type: "called" });
    this.#leaveCall();
    return this.#buffer.slice(end.length);
  }

  /** Whether more text may make of the buffer what closes a call, or leads to the next. */
  #mayClose(): boolean {
    const { lead, end, close, between, together } = this.#frame;
    const known = bare(this.#buffer);
    const followed = together && bare(end + between + lead).startsWith(known);
    return this.#buffer.length <= headerChars && (followed || bare(end + close).startsWith(known));
  }

  #leaveCall(): void {
    this.#stage = "text";
    this.#finder = new CallFinder(this.#frame);
    this.#afterCall = true;
    this.#space = "";
  }
}

/** Who was taught tags writes JSON now and then, and the other way round. */
function wholeOf(form: MarkedForm, open: string): Whole | null {
  if (form.type === "noted") return noted;
  if (form.type === "tags") return form.marks.together ? invoked : tagged(linesOf(form.tags));
  return open === callTags.open ? tagged("usually") : null;
}

/** What is written is held to the tags by a grammar. */
export function linesOf({ beforeText, afterValue }: Pick<CallTags, "beforeText" | "afterValue">): Lines {
  if (!beforeText.endsWith("\n")) return "never";
  return afterValue.startsWith("\n") ? "always" : "usually";
}

function bare(text: string): string {
  return text.replace(/\s+/g, "");
}

/** `text` as a pattern, with any white space between its words and signs; of two usual names for arguments, either. */
function loosely(text: string): string {
  const parts = text.match(/[\w.]+|[^\w\s.]/gu) ?? [];
  const escaped = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return ["", ...escaped, ""].join("\\s*").replace("arguments", "(?:arguments|parameters)");
}
