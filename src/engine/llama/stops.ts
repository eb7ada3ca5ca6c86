/** Owns the strings that end an answer: they are looked for across pieces, and never leave. */

export interface Passed {
  /** What may leave. */
  readonly text: string;
  readonly stopped: boolean;
}

export class StopFinder {
  readonly #stops: readonly string[];
  readonly #longest: number;
  /** The end of the answer that may yet become one of them. */
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops;
    this.#longest = Math.max(0, ...stops.map(({ length }) => length));
  }

  push(piece: string): Passed {
    if (this.#longest === 0) return { text: piece, stopped: false };
    const text = this.#held + piece;
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
    if (found.length > 0) {
      this.#held = "";
      return { text: text.slice(0, Math.min(...found)), stopped: true };
    }
    const kept = this.#mayBegin(text);
    this.#held = text.slice(kept);
    return { text: text.slice(0, kept), stopped: false };
  }

  /** What was held back when the answer ended by itself. */
  end(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  /** The first index of `text` at which one of them may have begun. */
  #mayBegin(text: string): number {
    for (let from = Math.max(0, text.length - this.#longest + 1); from < text.length; from += 1) {
      const end = text.slice(from);
      if (this.#stops.some((stop) => stop.startsWith(end))) return from;
    }
    return text.length;
  }
}
