/**
 * Owns how values are written, as GBNF rules: as JSON, on one line with ", " and ": " as Python's `json.dumps` does it, since
 * chat templates render earlier calls that way and white space cannot run away; and in the notation of Gemma 4.
 */
import { note, noteKey, stringMark } from "../format/notation.ts";
import { isFields } from "./combine.ts";
import { otherKey } from "./keys.ts";
import { literal, type RuleBook } from "./rules.ts";
import { asItIs, before, inJson, type Spelling } from "./text.ts";

export type Kind = "value" | "object" | "array" | "string" | "number" | "integer" | "boolean" | "null";

export interface Notation {
  /** Between members and items, and behind a key. */
  readonly comma: string;
  readonly colon: string;
  /** Around a string. */
  readonly quote: string;
  /** Of what stands in a string; and of the input of a custom tool, where only its own grammar says what it may be. */
  readonly spelling: Spelling;
  readonly input: Spelling;
  write(value: unknown): string;
  /** A key as it stands before its colon. */
  key(name: string): string;
  /** Adds rules for any value of `kind`; returns the name of the first. */
  any(kind: Kind, rules: RuleBook): string;
  /** The same for one character of a string whose characters are counted. */
  character(rules: RuleBook): string;
  /** An expression for a key that is none of `names`; null where none can be said, and only those may be used. */
  otherKey(names: readonly string[], rules: RuleBook): string | null;
}

/** Each is added when it is first used, with what it needs. */
const rulesOf = {
  value: "object | array | string | number | boolean | null",
  object: '"{" (string ": " value (", " string ": " value)*)? "}"',
  array: '"[" (value (", " value)*)? "]"',
  string: String.raw`"\"" char* "\""`,
  char: String.raw`[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" unit)`,
  // Halves of surrogate pairs stand for no character: a pair is one, and one half alone is none.
  unit: String.raw`[0-9a-ce-fA-CE-F] hex{3} | [dD] ([0-7] hex{2} | [89abAB] hex{2} "\\u" [dD] [c-fC-F] hex{2})`,
  hex: "[0-9a-fA-F]",
  number: 'integer ("." [0-9]{1,24})? ([eE] [-+]? [0-9]{1,3})?',
  integer: '"-"? natural',
  // As long as JavaScript writes whole numbers out (21 digits); a bound, as models may go on for ever.
  natural: '"0" | [1-9] [0-9]{0,20}',
  boolean: '"true" | "false"',
  null: '"null"',
  notevalue: "noteobject | notearray | notestring | number | boolean | null",
  noteobject: '"{" (notekey ":" notevalue ("," notekey ":" notevalue)*)? "}"',
  notearray: '"[" (notevalue ("," notevalue)*)? "]"',
  notekey: "[A-Za-z_] [A-Za-z0-9_.$-]{0,63}",
  // Up to the first mark: one rule for each part of it that has been seen.
  notestring: String.raw`"<|\"|>" notetext`,
  notetext: '"<" noteone | [^<] notetext',
  noteone: '"|" notetwo | "<" noteone | [^|<] notetext',
  notetwo: String.raw`"\"" notethree | "<" noteone | [^"<] notetext`,
  notethree: '"|" notefour | "<" noteone | [^|<] notetext',
  notefour: '">" | "<" noteone | [^><] notetext',
  // The mark's first character is no text here, for all that is counted might be a mark.
  notechar: "[^<]",
} as const;
type Rule = keyof typeof rulesOf;

function add(name: Rule, rules: RuleBook): string {
  if (rules.has(name)) return name;
  rules.add(name, rulesOf[name]);
  for (const [word] of rulesOf[name].replace(/"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]/g, "").matchAll(/[a-z]+/g)) {
    if (word in rulesOf) add(word as Rule, rules);
  }
  return name;
}

/** `value` as `json.dumps` writes it. */
export function dump(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(dump).join(", ")}]`;
  if (!isFields(value)) return JSON.stringify(value) ?? "null";
  return `{${Object.entries(value)
    .map(([key, field]) => `${JSON.stringify(key)}: ${dump(field)}`)
    .join(", ")}}`;
}

export const asJson: Notation = {
  comma: ", ",
  colon: ": ",
  quote: '"',
  spelling: inJson,
  input: inJson,
  write: dump,
  key: (name) => JSON.stringify(name),
  any: add,
  character: (rules) => add("char", rules),
  otherKey: (names, rules) =>
    names.length === 0 ? add("string", rules) : rules.fresh(otherKey(names, add("char", rules))),
};

const noted = {
  value: "notevalue",
  object: "noteobject",
  array: "notearray",
  string: "notestring",
  number: "number",
  integer: "integer",
  boolean: "boolean",
  null: "null",
} as const satisfies Record<Kind, Rule>;

/** Gemma 4's. */
export const asNoted: Notation = {
  comma: ",",
  colon: ":",
  quote: stringMark,
  spelling: before(stringMark),
  // Lines of code hold that character: here the model alone says which mark is the last.
  input: asItIs,
  write: note,
  key: noteKey,
  any: (kind, rules) => add(noted[kind], rules),
  character: (rules) => add("notechar", rules),
  otherKey: (names, rules) => (names.length === 0 ? add("notekey", rules) : null),
};

/** `text` between the marks of a string. */
export function quoted({ quote }: Notation, expression: string): string {
  return `${literal(quote)} (${expression}) ${literal(quote)}`;
}
