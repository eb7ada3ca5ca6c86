/** Owns the reading of JSON whose shape nobody promises: what clients send, and what upstreams answer. */

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

/** `text` parsed; undefined where it is not JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
