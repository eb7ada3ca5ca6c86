/**
 * Owns the finding of calls that a model's server took for text. One counts only at the start of a line, outside of code, and
 * by the name of a tool that may be called; whatever merely speaks of calls stays what it is.
 */
import { type Family, families, type LeakedCall, valueFor } from "../engine/format/leaks.ts";
import { limits } from "../limits.ts";
import { isFields, parse } from "../spec/json.ts";
import type { Offer } from "./offer.ts";

export type Piece =
  | { readonly type: "text"; readonly text: string }
  /** `name` is that of an offered tool. */
  | { readonly type: "call"; readonly name: string; readonly arguments: string };

/** The name of a tool by a spelling of it; null where two tools share that. */
export type Spellings = ReadonlyMap<string, string | null>;

/** A block of code, as CommonMark has it. */
interface Fence {
  readonly mark: string;
  readonly length: number;
}

/** What began like a call. */
interface Block {
  readonly family: Family;
  /** White space that stood before it on its line. */
  readonly indent: string;
  text: string;
}

const fence = /^(`{3,}|~{3,})/;
/** Characters of a line that may close a block of code; longer ones are waited for no further. */
const mostClosing = 100;
const mostIndent = /^ {0,3}/;

/** Reads one message in chunks of any size. Nothing is held back but what may be a call. */
export class LeakWatch {
  readonly #offer: Offer;
  readonly #names: Spellings;
  #atLineStart = true;
  #fence: Fence | null = null;
  /** The beginning of a line that may yet become something. */
  #held = "";
  #block: Block | null = null;

  constructor(offer: Offer, names: Spellings) {
    this.#offer = offer;
    this.#names = names;
  }

  push(text: string): readonly Piece[] {
    // Every token's way: in the middle of a line nothing can begin.
    if (!this.#atLineStart && this.#block === null && !text.includes("\n")) return [{ type: "text", text }];
    const pieces: Piece[] = [];
    let rest = this.#held + text;
    this.#held = "";
    while (rest !== "") rest = this.#block === null ? this.#readLine(rest, pieces) : this.#readBlock(rest, pieces);
    return joined(pieces);
  }

  /** What was held back. `finished`: the model stopped by itself; a call that was cut is text, since it must not run. */
  end(finished: boolean): readonly Piece[] {
    const pieces: Piece[] = [];
    const block = this.#block;
    if (block !== null) {
      this.#block = null;
      const calls = finished ? this.#callsIn(closed(block)) : null;
      if (calls === null || !calls.every(isSound)) say(block.indent + block.text, pieces);
      else pieces.push(...calls);
    }
    say(this.#held, pieces);
    this.#held = "";
    return joined(pieces);
  }

  /** Reads to the end of a line, or to what begins like a call; returns what comes after. */
  #readLine(text: string, pieces: Piece[]): string {
    if (this.#atLineStart) {
      const [indent = ""] = mostIndent.exec(text) ?? [];
      const line = text.slice(indent.length);
      const family = this.#fence === null ? families.find(({ open }) => line.startsWith(open)) : undefined;
      if (family !== undefined) {
        this.#block = { family, indent, text: "" };
        return line;
      }
      if (this.#mayBecome(line)) {
        this.#held = text;
        return "";
      }
      this.#crossFence(line);
    }
    const end = text.indexOf("\n") + 1 || text.length;
    this.#atLineStart = text[end - 1] === "\n";
    say(text.slice(0, end), pieces);
    return text.slice(end);
  }

  #readBlock(text: string, pieces: Piece[]): string {
    const block = this.#block;
    if (block === null) return text;
    const { close } = block.family;
    const from = Math.max(0, block.text.length - (close?.length ?? 0));
    block.text += text;
    const found = close === null ? -1 : block.text.indexOf(close, from);
    if (close === null || found === -1) {
      if (block.text.length > limits.callChars) this.#giveUp(block, pieces);
      return "";
    }
    const after = block.text.slice(found + close.length);
    block.text = block.text.slice(0, found + close.length);
    const calls = this.#callsIn(block);
    if (calls === null) {
      this.#giveUp(block, pieces);
      return after;
    }
    this.#block = null;
    this.#atLineStart = true;
    pieces.push(...calls);
    return after;
  }

  #giveUp({ indent, text }: Block, pieces: Piece[]): void {
    this.#block = null;
    this.#atLineStart = text.endsWith("\n");
    say(indent + text, pieces);
  }

  /** Those of a block that is whole; null where one of them is not of a tool that may be called. */
  #callsIn({ family, text }: Block): readonly Piece[] | null {
    const calls = family.read(text.trim(), (tool, argument, written) =>
      valueFor(this.#offer.tools.get(this.#toolNamed(tool) ?? "")?.engine.parameters, argument, written),
    );
    const named = (calls ?? []).map((call: LeakedCall) => ({ ...call, name: this.#toolNamed(call.name) }));
    if (named.length === 0) return null;
    const pieces: Piece[] = [];
    for (const { name, arguments: args } of named) {
      if (name === null) return null;
      pieces.push({ type: "call", name, arguments: args });
    }
    return pieces;
  }

  #toolNamed(written: string): string | null {
    return this.#names.get(written) ?? this.#names.get(plain(written)) ?? null;
  }

  /** Whether a line that begins so may yet open a call, or open or close a block of code. */
  #mayBecome(line: string): boolean {
    if (line === "") return true;
    // Only white space may stand behind the mark that closes a block.
    if (this.#fence !== null) return line.length <= mostClosing && /^(?:`+|~+)[ \t]*$/.test(line);
    return /^(?:`+|~+)$/.test(line) || families.some(({ open }) => open.startsWith(line));
  }

  #crossFence(line: string): void {
    const [run = ""] = fence.exec(line) ?? [];
    const [mark = ""] = run;
    if (this.#fence === null) {
      if (run !== "") this.#fence = { mark, length: run.length };
    } else if (
      mark === this.#fence.mark &&
      run.length >= this.#fence.length &&
      /^[ \t]*\r?\n/.test(line.slice(run.length))
    ) {
      this.#fence = null;
    }
  }
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

/** With its last mark, which some servers take for the end of the answer. */
function closed({ family, indent, text }: Block): Block {
  return { family, indent, text: text.trimEnd() + (family.close ?? "") };
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
