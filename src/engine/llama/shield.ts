/**
 * Owns the shield that keeps client text from becoming control tokens. Before a prompt is rendered, every place in client
 * text that spells a control token is broken in its middle by a seam, a string that nobody can guess; the rendered prompt
 * is cut at the seams and tokenised piece by piece. The model then reads the very characters that the client sent, as
 * plain tokens, whatever the template did with them.
 */
import { randomInt } from "node:crypto";

/** Neither letters, so that no template filter changes it, nor white space, so that none trims it. */
function newSeam(): string {
  return `~${[1, 2, 3].map(() => String(randomInt(1e12)).padStart(12, "0")).join("")}~`;
}

export class Shield {
  readonly #seam: string;
  /** Guarded texts by their first character, each with the place where it is cut. */
  readonly #guarded = new Map<string, { readonly text: string; readonly cut: number }[]>();
  readonly #firsts: RegExp | null;

  /** `guarded`: spellings that must not come from a client; those of one character cannot be broken. */
  constructor(guarded: Iterable<string>, seam: string = newSeam()) {
    this.#seam = seam;
    for (const text of guarded) {
      const [first] = text.split("");
      const cut = middle(text);
      if (first === undefined || cut === null) continue;
      const others = this.#guarded.get(first);
      if (others) others.push({ text, cut });
      else this.#guarded.set(first, [{ text, cut }]);
    }
    const firsts = [...this.#guarded.keys()].map((first) => first.replace(/[\\\]^-]/, "\\$&"));
    this.#firsts = firsts.length === 0 ? null : new RegExp(`[${firsts.join("")}]`, "g");
  }

  /** `value` with every string in it broken where needed, keys of objects included. */
  protect<T>(value: T): T {
    return this.#protect(value) as T;
  }

  /** A rendered prompt as the pieces that are tokenised one by one; joined they are what the client sent. */
  split(rendered: string): string[] {
    return rendered.split(this.#seam).filter((piece) => piece !== "");
  }

  /** `text` without seams, for what is looked at rather than tokenised. */
  join(text: string): string {
    return text.replaceAll(this.#seam, "");
  }

  #protect(value: unknown): unknown {
    if (typeof value === "string") return this.#break(value);
    if (Array.isArray(value)) return value.map((item) => this.#protect(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.#break(key), this.#protect(item)]));
  }

  #break(text: string): string {
    if (this.#firsts === null) return text;
    const cuts = new Set<number>();
    for (const { index, 0: first } of text.matchAll(this.#firsts)) {
      for (const guarded of this.#guarded.get(first) ?? []) {
        if (text.startsWith(guarded.text, index)) cuts.add(index + guarded.cut);
      }
    }
    if (cuts.size === 0) return text;
    let broken = "";
    let start = 0;
    for (const cut of [...cuts].sort((a, b) => a - b)) {
      broken += text.slice(start, cut) + this.#seam;
      start = cut;
    }
    return broken + text.slice(start);
  }
}

/** Where a text is cut: as close to its middle as it goes, never between the two halves of one character. Else null. */
function middle(text: string): number | null {
  const half = Math.floor(text.length / 2);
  const places = Array.from({ length: Math.max(text.length - 1, 0) }, (_, index) => index + 1);
  const fit = places.filter((at) => !/[\uD800-\uDBFF]/.test(text[at - 1] ?? ""));
  return fit.sort((a, b) => Math.abs(a - half) - Math.abs(b - half))[0] ?? null;
}
