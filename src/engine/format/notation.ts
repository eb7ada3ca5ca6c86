/**
 * Owns the notation of Gemma 4, in which its calls and their results stand: JSON with bare keys, and with a token of its own
 * around strings, which are written as they are.
 */
import { limits } from "../../limits.ts";
import { jsonWords, parse } from "../../spec/json.ts";
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

/** An object of JSON out of its fields, whose values are JSON already: numbers keep digits that JavaScript's have not. */
export function objectText(fields: Iterable<readonly [key: string, value: string]>): string {
  return `{${Array.from(new Map(fields), ([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`;
}

/** A number of JSON as it was written; one beyond all numbers of JavaScript is its largest. */
function numberText(written: string): string {
  const value = Number(written);
  if (!Number.isFinite(value)) return String(Math.sign(value) * Number.MAX_VALUE);
  return parse(written) === undefined ? String(value) : written;
}

/** `call:name{...}`, without the marks around it; null where it is none. */
export function readNoted(written: string): WrittenCall | null {
  // Strings may hold many a mark that seems to end a call: not one of them is worth to read it anew.
  if (!written.trimEnd().endsWith("}")) return null;
  const [head, name = ""] = /^\s*call:([\w.-]+)\s*(?=\{)/.exec(written) ?? [];
  if (head === undefined) return null;
  const reader = new NoteReader(written, head.length);
  const value = reader.value(0);
  return value === null || !reader.atEnd ? null : { name, arguments: value };
}

/** Reads values as JSON; null where there is none. */
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

  value(depth: number): string | null {
    if (depth > limits.jsonDepth) return null;
    const string = this.#string();
    if (string !== null) return JSON.stringify(string);
    if (this.#take(/\{/y) !== null) return this.#object(depth);
    if (this.#take(/\[/y) !== null) return this.#list(depth);
    const number = this.#take(/-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y);
    if (number !== null) return numberText(number);
    return jsonWords.get(this.#take(/[A-Za-z]+/y) ?? "") ?? null;
  }

  #object(depth: number): string | null {
    const fields: [key: string, value: string][] = [];
    if (this.#take(/\}/y) !== null) return "{}";
    do {
      const key = this.#string() ?? this.#take(/[^:{}[\],<>]+/y)?.trim() ?? null;
      if (key === null || this.#take(/:/y) === null) return null;
      const value = this.value(depth + 1);
      if (value === null) return null;
      fields.push([key, value]);
    } while (this.#take(/,/y) !== null);
    return this.#take(/\}/y) === null ? null : objectText(fields);
  }

  #list(depth: number): string | null {
    const values: string[] = [];
    if (this.#take(/\]/y) !== null) return "[]";
    do {
      const value = this.value(depth + 1);
      if (value === null) return null;
      values.push(value);
    } while (this.#take(/,/y) !== null);
    return this.#take(/\]/y) === null ? null : `[${values.join(",")}]`;
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
