/** Owns the way of log probabilities from tokens to the text that leaves: thinking, marks and calls have none. */
import { limits } from "../../limits.ts";
import type { Logprob } from "../engine.ts";

/** Goes along an answer: told of each token as it is written, and of each text as it leaves, which may be later. */
export class LogprobTrack {
  /** What was written and has not left. */
  #text = "";
  readonly #entries: { readonly logprob: Logprob; readonly end: number }[] = [];
  /** Where `#text` begins, in all that was written. */
  #from = 0;

  push(logprobs: readonly Logprob[]): void {
    for (const logprob of logprobs) {
      this.#text += logprob.token;
      this.#entries.push({ logprob, end: this.#from + this.#text.length });
    }
    // Arguments of calls leave spelled anew, and are never found.
    if (this.#text.length > limits.answerChars) this.#drop(this.#from + this.#text.length);
  }

  /** Those of the tokens in which `text` ends; what was written before it never left. */
  take(text: string): Logprob[] {
    const index = this.#text.indexOf(text);
    if (index === -1) return [];
    this.#drop(this.#from + index);
    return this.#drop(this.#from + text.length);
  }

  #drop(end: number): Logprob[] {
    const count = this.#entries.findIndex((entry) => entry.end > end);
    const dropped = this.#entries.splice(0, count === -1 ? this.#entries.length : count);
    this.#text = this.#text.slice(end - this.#from);
    this.#from = end;
    return dropped.map(({ logprob }) => logprob);
  }
}
