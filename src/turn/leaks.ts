/**
 * Owns the finding of calls that a model's server took for text. One counts only at the start of a line, outside of code, and
 * by the name of a tool that may be called; whatever merely speaks of calls stays what it is.
 */
import { CodeTrack } from "../engine/format/code.ts";
import { type Family, families } from "../engine/format/leaks.ts";
import { valueFor } from "../engine/format/tags.ts";
import { limits } from "../limits.ts";
import { isFields, parse } from "../spec/json.ts";
import type { Offer } from "./offer.ts";

export type Piece =
  | { readonly type: "text"; readonly text: string }
  /** `name` is that of an offered tool. */
  | { readonly type: "call"; readonly name: string; readonly arguments: string };

/** The name of a tool by a spelling of it; null where two tools share that. */
export type Spellings = ReadonlyMap<string, string | null>;

const mostIndent = /^ {0,3}/;

/** Reads one message in chunks of any size. Nothing is held back but what may be a call. */
export class LeakWatch {
  readonly #offer: Offer;
  readonly #names: Spellings;
  readonly #track = new CodeTrack();
  /** The beginning of a line that may yet become a call. */
  #held = "";
  #block: Block | null = null;
  /** What looked like a call and was none. */
  #misses = 0;

  constructor(offer: Offer, names: Spellings) {
    this.#offer = offer;
    this.#names = names;
  }

  push(text: string): readonly Piece[] {
    // Every token's way: in the middle of a line nothing can begin.
    if (!this.#track.atLineStart && this.#block === null && !text.includes("\n")) {
      this.#track.pass(text);
      return [{ type: "text", text }];
    }
    const pieces: Piece[] = [];
    const held = this.#held;
    this.#held = "";
    this.#read(held + text, pieces);
    return joined(pieces);
  }

  /** What was held back. `finished`: the model stopped by itself; a call that was cut is text, since it must not run. */
  end(finished: boolean): readonly Piece[] {
    const pieces: Piece[] = [];
    while (this.#block !== null) {
      const block: Block = this.#block;
      const whole = block.end !== null;
      const calls = whole || finished ? this.#callsIn(block.family, block.whole()) : null;
      if (calls === null && whole) {
        this.#read(this.#miss(block, pieces), pieces);
        continue;
      }
      this.#block = null;
      if (calls === null || !(whole || calls.every(isSound))) say(block.indent + block.text, pieces);
      else {
        pieces.push(...calls);
        say(block.after, pieces);
      }
    }
    say(this.#held, pieces);
    this.#held = "";
    return joined(pieces);
  }

  #read(text: string, pieces: Piece[]): void {
    let rest = text;
    while (rest !== "") rest = this.#block === null ? this.#readLine(rest, pieces) : this.#readBlock(rest, pieces);
  }

  /** Reads to the end of a line, or to what begins like a call; returns what comes after. */
  #readLine(text: string, pieces: Piece[]): string {
    if (this.#track.free && this.#misses < limits.leakMisses) {
      const [indent = ""] = mostIndent.exec(text) ?? [];
      const line = text.slice(indent.length);
      const family = families.find(({ open }) => line.startsWith(open));
      if (family !== undefined) {
        this.#block = new Block(family, indent);
        return line;
      }
      if (families.some(({ open }) => open.startsWith(line))) {
        this.#held = text;
        return "";
      }
    }
    return this.#pass(text, pieces);
  }

  /** Lets a line go as text, or the rest of one; returns what comes after. */
  #pass(text: string, pieces: Piece[]): string {
    const end = text.indexOf("\n") + 1 || text.length;
    const passed = text.slice(0, end);
    this.#track.pass(passed);
    say(passed, pieces);
    return text.slice(end);
  }

  #readBlock(text: string, pieces: Piece[]): string {
    const block = this.#block;
    if (block === null) return text;
    block.push(text);
    if (block.end === null) return block.length > limits.callChars ? this.#miss(block, pieces) : "";
    const following = whatFollows(block.after);
    if (following === null) return "";
    const calls = following === "words" ? null : this.#callsIn(block.family, block.whole());
    if (calls === null) return this.#miss(block, pieces);
    this.#block = null;
    this.#track.beginLine();
    pieces.push(...calls);
    return block.after;
  }

  /** What began like a call is none: its first line is text; returns the rest, in which a call may begin all the same. */
  #miss(block: Block, pieces: Piece[]): string {
    this.#block = null;
    this.#misses += 1;
    return this.#pass(block.indent + block.text, pieces);
  }

  /** Those of a block that is whole; null where one of them is not of a tool that may be called. */
  #callsIn(family: Family, block: string): readonly Piece[] | null {
    const calls = family.read(block.trim(), (tool, argument, written) =>
      valueFor(this.#offer.tools.get(this.#toolNamed(tool) ?? "")?.engine.parameters, argument, written),
    );
    const pieces: Piece[] = [];
    for (const call of calls ?? []) {
      const name = this.#toolNamed(call.name);
      if (name === null) return null;
      pieces.push({ type: "call", name, arguments: call.arguments });
    }
    return pieces.length === 0 ? null : pieces;
  }

  #toolNamed(written: string): string | null {
    return this.#names.get(written) ?? this.#names.get(plain(written)) ?? null;
  }
}

/** What began like a call, in as many pieces as it came. */
class Block {
  readonly family: Family;
  /** White space that stood before it on its line. */
  readonly indent: string;
  /** Where its last mark ends; null before that has come. */
  end: number | null = null;
  length = 0;
  /** What came behind the last mark. */
  after = "";
  #parts: string[] = [];
  /** The end of what has come, in which the last mark may have begun. */
  #tail = "";

  constructor(family: Family, indent: string) {
    this.family = family;
    this.indent = indent;
  }

  /** All that came. */
  get text(): string {
    return this.#inner() + this.after;
  }

  push(text: string): void {
    const { close } = this.family;
    this.length += text.length;
    if (this.end !== null) {
      this.after += text;
      return;
    }
    const near = this.#tail + text;
    const found = close === null ? -1 : near.indexOf(close);
    const end = found === -1 ? text.length : found + (close?.length ?? 0) - this.#tail.length;
    if (found !== -1) this.end = this.length - text.length + end;
    this.#tail = close === null ? "" : near.slice(1 - close.length);
    this.#parts.push(text.slice(0, end));
    this.after = text.slice(end);
  }

  /** The block without what came behind it; with its last mark, which some servers take for the end of the answer. */
  whole(): string {
    return this.end === null ? this.#inner().trimEnd() + (this.family.close ?? "") : this.#inner();
  }

  #inner(): string {
    if (this.#parts.length > 1) this.#parts = [this.#parts.join("")];
    return this.#parts[0] ?? "";
  }
}

/** Behind a call the line ends, or another call begins: with words behind it, it is only spoken of. null: not known yet. */
function whatFollows(after: string): "words" | "nothing" | null {
  if (after.length > limits.blankChars) return "words";
  const next = after.replace(/^[ \t\r]+/, "");
  if (next.startsWith("\n") || families.some(({ open }) => next.startsWith(open))) return "nothing";
  return families.some(({ open }) => open.startsWith(next)) ? null : "words";
}

/**
 * Every spelling under which a callable tool may be called, with its own name: models change case and separators, and leave
 * namespaces out or put one in front.
 */
export function spellings({ tools, choice }: Offer): Spellings {
  const names = new Map<string, string | null>();
  const callable = typeof choice === "object" ? choice.names : choice === "none" ? [] : [...tools.keys()];
  for (const engine of callable) {
    const own = tools.get(engine)?.name ?? engine;
    for (const spelling of new Set([plain(engine), plain(own)])) {
      names.set(spelling, names.has(spelling) ? null : engine);
    }
  }
  for (const engine of callable) names.set(engine, engine);
  return names;
}

/** Whether a call without its last mark is whole all the same. */
function isSound(piece: Piece): boolean {
  return piece.type === "text" || isFields(parse(piece.arguments));
}

function plain(name: string): string {
  return name
    .replace(/^functions?[.:]/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_");
}

function say(text: string, pieces: Piece[]): void {
  if (text !== "") pieces.push({ type: "text", text });
}

/** Neighbouring texts as one. */
function joined(pieces: readonly Piece[]): readonly Piece[] {
  if (pieces.length < 2) return pieces;
  const list: Piece[] = [];
  for (const piece of pieces) {
    const last = list.at(-1);
    if (piece.type === "text" && last?.type === "text")
      list[list.length - 1] = { type: "text", text: last.text + piece.text };
    else list.push(piece);
  }
  return list;
}
