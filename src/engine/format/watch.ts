/** Owns the watching of an answer while it is written: whether the model thinks, answers, or just began a call. */
import { CallFinder } from "./marker.ts";
import { ThinkSplitter } from "./think.ts";

/** Sees the same answer as `AnswerReader`, but says only what the one who writes it must know at once. */
export class AnswerWatch {
  readonly #thinking: ThinkSplitter;
  readonly #finder = new CallFinder();
  #thought = false;
  #answering = false;
  #calling = false;

  /** `thinking`: the prompt already ended with `<think>`. */
  constructor(thinking: boolean) {
    this.#thinking = new ThinkSplitter(thinking);
  }

  /** Whether there was any thinking. */
  get thought(): boolean {
    return this.#thought;
  }

  /** Whether the answer itself has begun, a call included. */
  get answering(): boolean {
    return this.#answering;
  }

  /** What of `text` comes after the marker of the first call; null unless it came with this text. */
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
