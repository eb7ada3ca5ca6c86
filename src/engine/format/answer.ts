/** Owns the way from a model's raw text to deltas: thinking, then text and calls, one item open at a time. */
import type { Delta, EngineTool } from "../engine.ts";
import { type CallPiece, CallReader } from "./calls.ts";
import type { AnswerForm, MarkedForm } from "./forms.ts";
import { HarmonyReader } from "./harmony.ts";
import { Items } from "./items.ts";
import { valueFor } from "./tags.ts";
import { ThinkSplitter, type ThinkPiece } from "./think.ts";

export interface AnswerOptions {
  /** The prompt already began the thinking. */
  readonly thinking: boolean;
  readonly form: AnswerForm;
  /** Those that may be called. */
  readonly tools: readonly Pick<EngineTool, "name" | "parameters">[];
}

/**
 * Reads one answer in chunks of any size. An item is closed when the next one opens or when the model stops by itself:
 * an answer that was cut leaves its last item open, whole as it may look.
 */
export interface AnswerReader {
  /** Whether the answer stands in the middle of a call: were it to end now, that call must not run. */
  readonly insideCall: boolean;
  push(text: string): Generator<Delta>;
  /** `finished`: the model stopped by itself. */
  end(finished: boolean): Generator<Delta>;
}

export function createAnswerReader({ thinking, form, tools }: AnswerOptions): AnswerReader {
  const { calls } = form;
  return calls.type === "harmony"
    ? new HarmonyReader(tools.map(({ name }) => name))
    : new TaggedReader(new ThinkSplitter(thinking, form.thinking), calls, tools);
}

/** An answer in which marks set thinking and calls apart from text. */
class TaggedReader implements AnswerReader {
  readonly #thinking: ThinkSplitter;
  readonly #calls: CallReader;
  readonly #items = new Items();

  constructor(thinking: ThinkSplitter, form: MarkedForm, tools: readonly Pick<EngineTool, "name" | "parameters">[]) {
    this.#thinking = thinking;
    const schemas = new Map(tools.map(({ name, parameters }) => [name, parameters]));
    this.#calls = new CallReader(form, schemas.keys(), (tool, argument, written) =>
      valueFor(schemas.get(tool), argument, written),
    );
  }

  get insideCall(): boolean {
    return this.#calls.insideCall;
  }

  *push(text: string): Generator<Delta> {
    yield* this.#read(this.#thinking.push(text));
  }

  *end(finished: boolean): Generator<Delta> {
    yield* this.#read(this.#thinking.end());
    for (const piece of this.#calls.end(finished)) yield* this.#say(piece);
    if (finished && !this.insideCall) yield* this.#items.close();
  }

  *#read(pieces: readonly ThinkPiece[]): Generator<Delta> {
    for (const { type, text } of pieces) {
      if (type === "reasoning") yield* this.#items.write({ type }, text);
      else for (const piece of this.#calls.push(text)) yield* this.#say(piece);
    }
  }

  *#say(piece: CallPiece): Generator<Delta> {
    switch (piece.type) {
      case "message":
        return yield* this.#items.write({ type: "message" }, piece.text);
      case "call":
        return yield* this.#items.begin({ type: "call", name: piece.name });
      case "arguments":
        return yield* this.#items.append(piece.text);
      case "called":
        return;
    }
  }
}
