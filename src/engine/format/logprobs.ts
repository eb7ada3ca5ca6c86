/** Owns the way of log probabilities from tokens to the text that leaves: thinking, marks and calls have none. */
import { limits } from "../../limits.ts";
import type { Logprob } from "../engine.ts";

/** Goes along an answer: told of each token as it is written, and of each text as it leaves, which may be later. */
export class LogprobTrack {
  /** What was written and has not left. */
  #text = "";
  readonly #entries: { readonly logprob: Logprob; readonly end: number }[] = [];
  /** Where `#text` begins, in all that was written, and where each token does that has not left. */
  #from = 0;
  readonly #begins = new Set<number>();

  push(logprobs: readonly Logprob[]): void {
    for (const logprob of logprobs) {
      this.#begins.add(this.#from + this.#text.length);
      this.#text += logprob.token;
      this.#entries.push({ logprob, end: this.#from + this.#text.length });
    }
    // Arguments of calls leave spelled anew, and are never found.
    if (this.#text.length > limits.answerChars) this.#drop(this.#from + this.#text.length);
  }

  /** Those of the tokens in which `text` ends; what was written before it never left. */
  take(text: string): Logprob[] {
    const index = this.#find(text);
    if (index === -1) return [];
    this.#drop(this.#from + index);
    return this.#drop(this.#from + text.length);
  }

  /** Where `text` stands; what begins with a token goes before what only stands in one, as "in" does in a mark of thinking. */
  #find(text: string): number {
    const first = this.#text.indexOf(text);
    for (let at = first; at !== -1; at = this.#text.indexOf(text, at + 1)) {
      if (this.#begins.has(this.#from + at)) return at;
    }
    return first;
  }

  #drop(end: number): Logprob[] {
    const count = this.#entries.findIndex((entry) => entry.end > end);
    const dropped = this.#entries.splice(0, count === -1 ? this.#entries.length : count);
    for (const begin of this.#begins) {
      if (begin >= end) break;
      this.#begins.delete(begin);
    }
    this.#text = this.#text.slice(end - this.#from);
    this.#from = end;
    return dropped.map(({ logprob }) => logprob);
  }
}
