/** Owns the messages and the thinking of one stream: one item open at a time, its text in whole characters. */
import type { Delta, Logprob } from "../engine.ts";
import { Halves } from "./halves.ts";

export type TextType = "message" | "reasoning";

export class TextWriter {
  /** Characters written, for estimates. */
  readonly chars: Record<TextType, number> = { message: 0, reasoning: 0 };
  readonly #nextKey: () => number;
  readonly #halves = new Halves();
  #open: { readonly key: number; readonly type: TextType } | null = null;
  /** Of characters that are not whole yet. */
  #logprobs: readonly Logprob[] = [];

  constructor(nextKey: () => number) {
    this.#nextKey = nextKey;
  }

  write(type: TextType, text: string, logprobs: readonly Logprob[], out: Delta[]): void {
    if (this.#open?.type !== type) {
      this.close(out);
      this.#open = { key: this.#nextKey(), type };
      out.push({ kind: "open", key: this.#open.key, item: { type } });
    }
    this.chars[type] += text.length;
    if (logprobs.length > 0) this.#logprobs = [...this.#logprobs, ...logprobs];
    this.#give(this.#open.key, this.#halves.push(text), out);
  }

  /** Closes what is open, if anything is. */
  close(out: Delta[]): void {
    if (this.#open === null) return;
    const { key } = this.#open;
    this.#give(key, this.#halves.end(), out);
    out.push({ kind: "close", key });
    this.#open = null;
  }

  #give(key: number, text: string, out: Delta[]): void {
    if (text === "") return;
    const logprobs = this.#logprobs;
    this.#logprobs = [];
    const before = out.at(-1);
    if (before?.kind !== "text" || before.key !== key || logprobs.length > 0 || before.logprobs !== undefined) {
      out.push(logprobs.length > 0 ? { kind: "text", key, text, logprobs } : { kind: "text", key, text });
      return;
    }
    // What came before anybody asked is one delta: it would reach the client at once in any case, and so under load a
    // token costs less the further we lag behind.
    out[out.length - 1] = { kind: "text", key, text: before.text + text };
  }
}
