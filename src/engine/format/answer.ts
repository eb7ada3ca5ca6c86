/** Owns the way from a model's raw text to deltas: thinking, then text and calls, one item open at a time. */
import type { Delta, EngineTool, OpenItem } from "../engine.ts";
import { type CallPiece, CallReader } from "./calls.ts";
import { valueFor } from "./leaks.ts";
import { ThinkSplitter, type ThinkPiece } from "./think.ts";

export interface AnswerOptions {
  /** The prompt already ended with `<think>`. */
  readonly thinking: boolean;
  /** Those that may be called. */
  readonly tools: readonly Pick<EngineTool, "name" | "parameters">[];
}

/**
 * Reads one answer in chunks of any size. An item is closed when the next one opens or when the model stops by itself:
 * an answer that was cut leaves its last item open, whole as it may look.
 */
export class AnswerReader {
  readonly #thinking: ThinkSplitter;
  readonly #calls: CallReader;
  #key = -1;
  #open: OpenItem["type"] | null = null;

  constructor({ thinking, tools }: AnswerOptions) {
    this.#thinking = new ThinkSplitter(thinking);
    const schemas = new Map(tools.map(({ name, parameters }) => [name, parameters]));
    this.#calls = new CallReader(schemas.keys(), (tool, argument, written) =>
      valueFor(schemas.get(tool), argument, written),
    );
  }

  /** Whether the answer stands in the middle of a call: were it to end now, that call must not run. */
  get insideCall(): boolean {
    return this.#calls.insideCall;
  }

  *push(text: string): Generator<Delta> {
    yield* this.#read(this.#thinking.push(text));
  }

  /** `finished`: the model stopped by itself. */
  *end(finished: boolean): Generator<Delta> {
    yield* this.#read(this.#thinking.end());
    for (const piece of this.#calls.end(finished)) yield* this.#say(piece);
    if (finished && !this.insideCall) yield* this.#close();
  }

  *#read(pieces: readonly ThinkPiece[]): Generator<Delta> {
    for (const { type, text } of pieces) {
      if (type === "reasoning") yield* this.#write({ type }, text);
      else for (const piece of this.#calls.push(text)) yield* this.#say(piece);
    }
  }

  *#say(piece: CallPiece): Generator<Delta> {
    switch (piece.type) {
      case "message":
        return yield* this.#write({ type: "message" }, piece.text);
      case "call":
        return yield* this.#begin({ type: "call", name: piece.name });
      case "arguments":
        return yield { kind: "text", key: this.#key, text: piece.text };
      case "called":
        return;
    }
  }

  *#write(item: OpenItem, text: string): Generator<Delta> {
    if (this.#open !== item.type) yield* this.#begin(item);
    yield { kind: "text", key: this.#key, text };
  }

  *#begin(item: OpenItem): Generator<Delta> {
    yield* this.#close();
    this.#key += 1;
    this.#open = item.type;
    yield { kind: "open", key: this.#key, item };
  }

  *#close(): Generator<Delta> {
    if (this.#open === null) return;
    this.#open = null;
    yield { kind: "close", key: this.#key };
  }
}
