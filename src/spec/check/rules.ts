/** Owns what a part of the checker is: sees every event in order, and reports what it finds. */
import type { ClientDialect } from "../client-dialects.ts";
import type { Invariant } from "./invariants.ts";

export interface Violation {
  readonly row: Invariant;
  /** Index of the event; the number of events where the stream as a whole is at fault. */
  readonly at: number;
  /** Line of the stream on which the event begins, from 1; null where there are no lines. */
  readonly line: number | null;
  /** Type of the event; "" where it has none, and at the end. */
  readonly type: string;
  /** What was found. */
  readonly message: string;
}

/** Reports a broken row; `message` says what was seen. */
export type Report = (row: Invariant, message: string) => void;

/** A part of the rules, with the state it needs. Takes events of any shape, as it reads other people's streams. */
export interface Rules {
  event(event: Fields, report: Report): void;
  end(report: Report): void;
}

export type Fields = Readonly<Record<string, unknown>>;

/** What the request asked for, where the checker may know it. */
export interface CheckContext {
  /** Names of offered tools; null: unknown. */
  readonly tools: ReadonlySet<string> | null;
  readonly parallel: boolean;
  readonly summary: boolean;
  /** By whose rules; OpenAI's by default. */
  readonly dialect?: ClientDialect;
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function nameOf(event: Fields): string {
  return typeof event["type"] === "string" ? event["type"] : "";
}

const shownChars = 80;

/** Any JSON value as a message quotes it. `String()` would call a `toString` that the stream brings along. */
export function show(value: unknown): string {
  if (value === undefined) return "missing";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > shownChars ? `${text.slice(0, shownChars).toWellFormed()}...` : text;
}
