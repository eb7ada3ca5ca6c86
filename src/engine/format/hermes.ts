/** Owns the reading of Hermes tool calls: `<tool_call>\n{"name": ..., "arguments": {...}}\n</tool_call>` in an answer. */
import { CallFinder, callTags } from "./marker.ts";

export type HermesPiece =
  | { readonly type: "message"; readonly text: string }
  /** A call begins; its arguments follow. */
  | { readonly type: "call"; readonly name: string }
  | { readonly type: "arguments"; readonly text: string }
  /** The arguments are whole. */
  | { readonly type: "called" };

type Stage = "text" | "header" | "arguments" | "closing";

const header = /^\s*\{\s*"name"\s*:\s*"([^"\\]*)"\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)/;
/** A header that is longer is none: names have at most 64 characters. */
const headerChars = 512;

/**
 * Splits one answer into text and calls, in chunks of any size. A call of something that is not on offer, or whose header
 * cannot be read, is text. White space next to calls belongs to no one: templates put it back themselves.
 */
export class HermesReader {
  readonly #offered: ReadonlySet<string>;
  #stage: Stage = "text";
  #finder = new CallFinder();
  /** White space that is dropped if a call comes next. */
  #space = "";
  #afterCall = false;
  /** Of the call under way: what is not understood yet. */
  #buffer = "";
  #json = new ObjectEnd();

  /** `offered`: names of the tools that may be called; without any, all is text. */
  constructor(offered: Iterable<string>) {
    this.#offered = new Set(offered);
  }

  /** Whether the answer is in the middle of a call whose arguments are not whole. */
  get insideCall(): boolean {
    return this.#stage === "arguments";
  }

  push(text: string): readonly HermesPiece[] {
    if (this.#offered.size === 0) return text === "" ? [] : [{ type: "message", text }];
    const pieces: HermesPiece[] = [];
    let rest: string | null = text;
    while (rest !== null) rest = this.#step(rest, pieces);
    return pieces;
  }

  /**
   * The rest of the answer. `finished`: the model stopped by itself, so what looked like the start of a call was text; an
   * answer that was cut may have been about to call.
   */
  end(finished: boolean): readonly HermesPiece[] {
    if (this.#stage === "closing") return [{ type: "called" }];
    if (!finished || this.#stage === "arguments") return [];
    const held = this.#stage === "header" ? callTags.open + this.#buffer : this.#finder.end();
    const text = this.#space + held;
    return text === "" || (this.#afterCall && text.trim() === "") ? [] : [{ type: "message", text }];
  }

  /** Reads as far as one stage goes; returns what the next stage shall read, null where all is read. */
  #step(text: string, pieces: HermesPiece[]): string | null {
    switch (this.#stage) {
      case "text":
        return this.#readText(text, pieces);
      case "header":
        return this.#readHeader(text, pieces);
      case "arguments":
        return this.#readArguments(text, pieces);
      case "closing":
        return this.#readClosing(text, pieces);
    }
  }

  #readText(text: string, pieces: HermesPiece[]): string | null {
    const found = this.#finder.push(text);
    this.#say(found.text, pieces);
    if (found.after === null) return null;
    this.#stage = "header";
    this.#buffer = "";
    return found.after;
  }

  /** Passes text on, but for the white space at its end. */
  #say(text: string, pieces: HermesPiece[]): void {
    const whole = this.#afterCall ? (this.#space + text).trimStart() : this.#space + text;
    const said = whole.trimEnd();
    this.#space = whole.slice(said.length);
    if (said === "") return;
    this.#afterCall = false;
    pieces.push({ type: "message", text: said });
  }

  #readHeader(text: string, pieces: HermesPiece[]): string | null {
    this.#buffer += text;
    const [match, name = ""] = header.exec(this.#buffer) ?? [];
    if (match !== undefined && this.#offered.has(name)) {
      const rest = this.#buffer.slice(match.length);
      pieces.push({ type: "call", name });
      this.#stage = "arguments";
      this.#json = new ObjectEnd();
      return rest;
    }
    if (match === undefined && !this.#buffer.includes(callTags.close) && this.#buffer.length <= headerChars)
      return null;
    const raw = callTags.open + this.#buffer;
    this.#toText();
    this.#afterCall = false;
    pieces.push({ type: "message", text: this.#space + raw });
    this.#space = "";
    return null;
  }

  #readArguments(text: string, pieces: HermesPiece[]): string | null {
    const end = this.#json.find(text);
    const own = end === null ? text : text.slice(0, end);
    if (own !== "") pieces.push({ type: "arguments", text: own });
    if (end === null) return null;
    this.#stage = "closing";
    this.#buffer = "";
    return text.slice(end);
  }

  #readClosing(text: string, pieces: HermesPiece[]): string | null {
    this.#buffer += text;
    const at = this.#buffer.indexOf(callTags.close);
    if (at === -1) {
      this.#buffer = this.#buffer.slice(-callTags.close.length);
      return null;
    }
    const rest = this.#buffer.slice(at + callTags.close.length);
    pieces.push({ type: "called" });
    this.#toText();
    this.#afterCall = true;
    this.#space = "";
    return rest;
  }

  #toText(): void {
    this.#stage = "text";
    this.#finder = new CallFinder();
  }
}

/** Finds where a JSON object ends that comes in chunks. */
class ObjectEnd {
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** Index behind the object's last brace; null where it lies in a later chunk. */
  find(text: string): number | null {
    for (let at = 0; at < text.length; at += 1) {
      const character = text[at];
      if (this.#escaped) this.#escaped = false;
      else if (this.#inString) {
        if (character === "\\") this.#escaped = true;
        else if (character === '"') this.#inString = false;
      } else if (character === '"') this.#inString = true;
      else if (character === "{" || character === "[") this.#depth += 1;
      else if (character === "}" || character === "]") {
        this.#depth -= 1;
        if (this.#depth === 0) return at + 1;
      }
    }
    return null;
  }
}
