/**
 * Owns the notation of Gemma 4, in which its calls and their results stand: JSON with bare keys, and with a token of its own
 * around strings, which are written as they are.
 */
import { limits } from "../../limits.ts";
import type { WrittenCall } from "./tags.ts";

/** Around each string. */
export const stringMark = '<|"|>';

/** Before the name of a call. */
export const callLead = "call:";

/** Keys that need no marks around them. */
const bareKey = /^[\w.$-]+$/;

/** `key` as it stands before its value. */
export function noteKey(key: string): string {
  return bareKey.test(key) ? key : noteText(key);
}

/** `text` as a value. */
function noteText(text: string): string {
  return stringMark + text + stringMark;
}

/** A JSON value in the notation. */
export function note(value: unknown): string {
  if (typeof value === "string") return noteText(value);
  if (Array.isArray(value)) return `[${value.map(note).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).map(([key, field]) => `${noteKey(key)}:${note(field)}`);
  return `{${fields.join(",")}}`;
}

/** Arguments that were read, as JSON. What is beyond all numbers of JavaScript is its largest: JSON would say null. */
export function argumentsText(value: unknown): string {
  const most = Number.MAX_VALUE;
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === "number" ? Math.min(Math.max(field, -most), most) : field,
  );
}

/** `call:name{...}`, without the marks around it; null where it is none. */
export function readNoted(written: string): WrittenCall | null {
  const [head, name = ""] = /^\s*call:([\w.-]+)\s*(?=\{)/.exec(written) ?? [];
  if (head === undefined) return null;
  const reader = new NoteReader(written, head.length);
  const value = reader.value(0);
  return value === nothing || !reader.atEnd ? null : { name, arguments: argumentsText(value) };
}

const nothing = Symbol("nothing");

/** Templates for Python write the last three. */
const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["True", true],
  ["False", false],
  ["None", null],
]);

class NoteReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  get atEnd(): boolean {
    return this.#text.slice(this.#at).trim() === "";
  }

  value(depth: number): unknown {
    if (depth > limits.jsonDepth) return nothing;
    const string = this.#string();
    if (string !== null) return string;
    if (this.#take(/\{/y) !== null) return this.#object(depth);
    if (this.#take(/\[/y) !== null) return this.#list(depth);
    const number = this.#take(/-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y);
    if (number !== null) return Number(number);
    const word = this.#take(/[A-Za-z]+/y) ?? "";
    return words.has(word) ? words.get(word) : nothing;
  }

  #object(depth: number): unknown {
    const fields: [key: string, value: unknown][] = [];
    if (this.#take(/\}/y) !== null) return {};
    do {
      const key = this.#string() ?? this.#take(/[^:{}[\],<>]+/y)?.trim() ?? null;
      if (key === null || this.#take(/:/y) === null) return nothing;
      const value = this.value(depth + 1);
      if (value === nothing) return nothing;
      fields.push([key, value]);
    } while (this.#take(/,/y) !== null);
    // Unlike an assignment, it takes "__proto__" for a key like any other.
    return this.#take(/\}/y) === null ? nothing : Object.fromEntries(fields);
  }

  #list(depth: number): unknown {
    const values: unknown[] = [];
    if (this.#take(/\]/y) !== null) return values;
    do {
      const value = this.value(depth + 1);
      if (value === nothing) return nothing;
      values.push(value);
    } while (this.#take(/,/y) !== null);
    return this.#take(/\]/y) === null ? nothing : values;
  }

  #string(): string | null {
    const before = this.#at;
    const end = this.#take(/<\|"\|>/y) === null ? -1 : this.#text.indexOf(stringMark, this.#at);
    if (end === -1) {
      this.#at = before;
      return null;
    }
    const string = this.#text.slice(this.#at, end);
    this.#at = end + stringMark.length;
    return string;
  }

  /** What `pattern` (sticky) finds next, behind white space; null for nothing. */
  #take(pattern: RegExp): string | null {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at += 1;
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) return null;
    this.#at += found.length;
    return found;
  }
}
