/** Owns the tool calls of one stream: which delta belongs to which call, and when a call opens and closes. */
import { limits } from "../../limits.ts";
import type { Delta } from "../engine.ts";
import { textOf } from "../../spec/json.ts";
import { Halves } from "./halves.ts";

/** An element of `delta.tool_calls`, or of a whole message's; every field may be missing or of another type. */
export interface CallPart {
  readonly index?: unknown;
  readonly id?: unknown;
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown } | null;
}

interface Call {
  readonly index: number | null;
  id: string | null;
  name: string;
  /** null until name and arguments have begun: some servers send arguments before the name, or the name in pieces. */
  key: number | null;
  held: string;
  readonly halves: Halves;
}

export class CallReader {
  readonly #calls: Call[] = [];
  readonly #nextKey: () => number;
  /** The call that was written last: the one that a cut cuts. */
  #last: Call | null = null;

  constructor(nextKey: () => number) {
    this.#nextKey = nextKey;
  }

  /** Whether any call has begun. */
  get begun(): boolean {
    return this.#calls.length > 0;
  }

  /** Takes one part; false where the upstream is plainly broken. */
  push(part: CallPart, out: Delta[]): boolean {
    const name = textOf(part.function?.name) ?? "";
    const call = this.#callOf(typeof part.index === "number" ? part.index : null, textOf(part.id) || null, name);
    if (this.#calls.length > limits.openCalls) return false;
    this.#last = call;
    const text = argumentsIn(part);
    if (call.key !== null) {
      give(call.key, call.halves.push(text), out);
      return true;
    }
    call.name = longerName(call.name, name);
    call.held += text;
    if (call.name !== "" && call.held !== "") this.#open(call, out);
    return call.held.length <= limits.callChars;
  }

  /** Closes every call that the model finished: where the upstream was `cut` short, all but the last one written. */
  end(cut: boolean, out: Delta[]): void {
    for (const call of this.#calls) {
      if (call.key === null && call.name + call.held === "") continue;
      const key = call.key ?? this.#open(call, out);
      if (cut && call === this.#last) continue;
      give(key, call.halves.end(), out);
      out.push({ kind: "close", key });
    }
  }

  #open(call: Call, out: Delta[]): number {
    const key = this.#nextKey();
    call.key = key;
    out.push({ kind: "open", key, item: { type: "call", name: call.name } });
    give(key, call.halves.push(call.held), out);
    call.held = "";
    return key;
  }

  /** The call that a part with these marks continues, or a new one. */
  #callOf(index: number | null, id: string | null, name: string): Call {
    const known = index === null ? this.#unnumbered(id, name) : this.#calls.findLast((call) => call.index === index);
    // Some servers give every call index 0, each with an id of its own.
    const another = known !== undefined && name !== "" && id !== null && known.id !== null && known.id !== id;
    if (known !== undefined && !another) {
      known.id ??= id;
      return known;
    }
    const call: Call = { index, id, name: "", key: null, held: "", halves: new Halves() };
    this.#calls.push(call);
    return call;
  }

  #unnumbered(id: string | null, name: string): Call | undefined {
    const last = this.#calls.at(-1);
    const same = id === null ? undefined : this.#calls.findLast((call) => call.id === id);
    if (same !== undefined) return same;
    return name === "" || last?.name === "" ? last : undefined;
  }
}

/** A name so far, and what a chunk brings of it: the next piece, or the whole name once more. */
function longerName(known: string, piece: string): string {
  if (piece === known) return known;
  return piece.startsWith(known) ? piece : known + piece;
}

function give(key: number, text: string, out: Delta[]): void {
  if (text !== "") out.push({ kind: "text", key, text });
}

/** The arguments as text: Ollama's kin send an object, others null. */
function argumentsIn({ function: called }: CallPart): string {
  const value = called?.arguments;
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : "";
}
