/** Owns the form of a sample: items as a client may send them, with blanks for what a model must, or must not, see. */
import type { Fields } from "../../src/spec/json.ts";

/**
 * Blanks in the strings of a sample: `{seen}` a word that must reach the model, `{unseen}` one that must not, `{file}` a
 * data URL of a text file that holds a `{seen}` word, `{image}` one of a PNG, `{id}` a number of the sample's own.
 */
export type Source = readonly unknown[] | Silent;

/** A sample of which nothing reaches the model, and why that is right. */
export interface Silent {
  readonly silent: string;
  readonly items: readonly unknown[];
}

/** By what is special about each. */
export type Sources = Readonly<Record<string, Source>>;

export interface Sample {
  readonly name: string;
  /** One, or a few that belong together, such as a call and its output. */
  readonly items: readonly unknown[];
  /** Words that the model must see. */
  readonly markers: readonly string[];
  /** Words that it must not. */
  readonly hidden: readonly string[];
  /** Why the model sees nothing of it; null where it does. */
  readonly silent: string | null;
}

export function silent(reason: string, ...items: readonly unknown[]): Silent {
  return { silent: reason, items };
}

/** Sample `number`, its blanks filled with words that occur in no other. */
export function fill(source: Source, name: string, number: number): Sample {
  const markers: string[] = [];
  const hidden: string[] = [];
  const word = (list: string[], kind: string): string => {
    const fresh = `${kind}${number}x${list.length}z`;
    list.push(fresh);
    return fresh;
  };
  const blanks: Readonly<Record<string, () => string>> = {
    seen: () => word(markers, "seen"),
    unseen: () => word(hidden, "hidden"),
    file: () => dataUrl("text/plain", Buffer.from(`The file says ${word(markers, "seen")}.`)),
    image: () => dataUrl("image/png", Buffer.from(pixel, "base64")),
    id: () => String(number),
  };
  const filled = (value: unknown): unknown => {
    if (typeof value === "string") return value.replace(/\{(\w+)\}/g, (text, name: string) => blanks[name]?.() ?? text);
    if (Array.isArray(value)) return value.map(filled);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value as Fields).map(([key, inner]) => [key, filled(inner)]));
  };
  const quiet = "silent" in source ? source : null;
  const items = (quiet?.items ?? (source as readonly unknown[])).map(filled);
  return { name, items, markers, hidden, silent: quiet?.silent ?? null };
}

/** A red PNG of one pixel. */
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

function dataUrl(type: string, bytes: Buffer): string {
  return `data:${type};base64,${bytes.toString("base64")}`;
}
