/** Owns the reading of JSON whose shape nobody promises: what clients send, and what upstreams answer. */
import { limits } from "../limits.ts";

export type Fields = Readonly<Record<string, unknown>>;

const none: Fields = {};

/** The fields of `value`; none where it is no object. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : none;
}

/** The field at `path` of `value`, or undefined. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((inner, name) => fieldsOf(inner)[name], value);
}

/** Whether `value` is an object that is no list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The objects of a list; none where it is no list. */
export function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The text that `value` is; "" where it is none. */
export function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A count: a whole number from 0 on, else null. */
export function countOf(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

/**
 * `value` with every text and key in it well formed: half of a surrogate pair, as programs leave it that cut in the middle of
 * an emoji, becomes U+FFFD. The same value where nothing is wrong.
 */
export function wellFormed<T>(value: T): T {
  return isWellFormed(value) ? value : (mended(value) as T);
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.keys(value).every(isWellFormed) && Object.values(value).every(isWellFormed);
}

function mended(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(mended);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toWellFormed(), mended(inner)]));
}

/** The words of JSON; the last three are what templates for Python, and models that learnt from them, write for the first. */
export const jsonWords: ReadonlyMap<string, string> = new Map([
  ["true", "true"],
  ["false", "false"],
  ["null", "null"],
  ["True", "true"],
  ["False", "false"],
  ["None", "null"],
]);

/** `text` parsed; undefined where it is not JSON, or nested deeper than the limit: what walks it would overflow. */
export function parse(text: string): unknown {
  if (isTooDeep(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Brackets outside of strings are counted: JSON.parse itself would take any depth, and seconds for millions of levels. */
function isTooDeep(text: string): boolean {
  // Each level takes two characters; most texts are the short events of upstreams.
  if (text.length < 2 * limits.jsonDepth) return false;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length && depth <= limits.jsonDepth; at += 1) {
    const character = text[at];
    if (inString && character === "\\") at += 1;
    else if (character === '"') inString = !inString;
    else if (inString) continue;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
  }
  return depth > limits.jsonDepth;
}
