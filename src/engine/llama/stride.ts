/** Owns how much of a prompt is read at a time: what takes a moment, so that a cancel is heard and other answers go on. */
import { limits } from "../../limits.ts";

const { least, alone: leastAlone, most, first, ms } = limits.prefillStride;

export class Stride {
  #tokens: number = first;

  /** Of the next step; `alone`: no other answer waits for it. */
  tokens(alone: boolean): number {
    return alone ? Math.max(this.#tokens, leastAlone) : this.#tokens;
  }

  /** A step of so many tokens took so many milliseconds. One measurement changes the next step by half at most. */
  took(tokens: number, took: number): void {
    // The end of a prompt is short, and says little.
    if (tokens < this.#tokens) return;
    const fitting = (tokens * ms) / Math.max(took, 1);
    const near = Math.min(Math.max(fitting, tokens / 2), tokens * 2);
    this.#tokens = Math.round(Math.min(Math.max(near, least), most));
  }
}
