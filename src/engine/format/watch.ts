/** Owns the watching of an answer while it is written: whether the model thinks, answers, or just began a call. */
import { type AnswerForm, frameOf, type MarkedForm } from "./forms.ts";
import { HarmonyWatch } from "./harmony.ts";
import { CallFinder } from "./marker.ts";
import { ThinkSplitter } from "./think.ts";

/** Sees the same answer as `AnswerReader`, but says only what the one who writes it must know at once. */
export interface AnswerWatch {
  /** Whether there was any thinking. */
  readonly thought: boolean;
  /** Whether the answer itself has begun, a call included. */
  readonly answering: boolean;
  /** What of `text` comes after the marker of the first call; null unless it came with this text. */
  push(text: string): string | null;
}

/** `thinking`: the prompt already began it. */
export function createAnswerWatch({ thinking: tags, calls }: AnswerForm, thinking: boolean): AnswerWatch {
  return calls.type === "harmony" ? new HarmonyWatch() : new TaggedWatch(new ThinkSplitter(thinking, tags), calls);
}

class TaggedWatch implements AnswerWatch {
  readonly #thinking: ThinkSplitter;
  readonly #finder: CallFinder;
  #thought = false;
  #answering = false;
  #calling = false;

  constructor(thinking: ThinkSplitter, calls: MarkedForm) {
    this.#thinking = thinking;
    this.#finder = new CallFinder(frameOf(calls));
  }

  get thought(): boolean {
    return this.#thought;
  }

  get answering(): boolean {
    return this.#answering;
  }

  push(text: string): string | null {
    if (this.#calling) return null;
    let after: string | null = null;
    for (const piece of this.#thinking.push(text)) {
      if (piece.type === "reasoning") {
        this.#thought = true;
        continue;
      }
      this.#answering = true;
      after = after === null ? this.#finder.push(piece.text).after : after + piece.text;
    }
    this.#calling = after !== null;
    return after;
  }
}
