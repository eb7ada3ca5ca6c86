/**
 * Owns the spelling of text in GBNF: as it is, or as it stands inside a JSON string, where what a grammar or a pattern says
 * of it must hold for what its escapes mean.
 */
import { literal, oneOf } from "./rules.ts";

/** Characters by their code points; `negated`: all but these. */
export interface CharacterSet {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [number, number])[];
}

/** How text is written where a grammar speaks of it. */
export interface Spelling {
  /** An expression for exactly `text`. */
  text(text: string): string;
  /** An expression for one character of `set`; null where it holds none that can be written. */
  set(set: CharacterSet): string | null;
}

/** What JSON spells in its own way. */
const escapes: ReadonlyMap<number, string> = new Map(
  ['"', "\\", "\n", "\r", "\t", "\b", "\f"].map((character) => [
    character.charCodeAt(0),
    JSON.stringify(character).slice(1, -1),
  ]),
);

/** Any character but a line break. */
export const inLine: CharacterSet = { negated: true, ranges: [[10, 10]] };
/** The same in JavaScript, which JSON Schema's patterns are written for. */
export const inScriptLine: CharacterSet = {
  negated: true,
  ranges: [
    [10, 10],
    [13, 13],
    [0x2028, 0x2029],
  ],
};
export const any: CharacterSet = { negated: true, ranges: [] };

/** Inside a JSON string. */
export const inJson: Spelling = { text: (text) => literal(JSON.stringify(text).slice(1, -1)), set: setInJson };

/** In calls in tags, whose values stand as they are. */
export const asItIs: Spelling = { text: literal, set: setAsItIs };

function setAsItIs({ negated, ranges }: CharacterSet): string | null {
  // An empty class is none in GBNF; nobody writes this character.
  if (ranges.length === 0) return negated ? String.raw`[^\x00]` : null;
  return `[${negated ? "^" : ""}${ranges.map(classOf).join("")}]`;
}

/** The same up to a mark that begins with the character `first`: "any other character" is never that one. */
export function before(first: string): Spelling {
  const code = first.charCodeAt(0);
  return {
    text: literal,
    set: ({ negated, ranges }) => setAsItIs({ negated, ranges: negated ? [...ranges, [code, code]] : ranges }),
  };
}

function setInJson({ negated, ranges }: CharacterSet): string | null {
  const holds = (code: number): boolean => ranges.some(([from, to]) => from <= code && code <= to) !== negated;
  const spelled = [...escapes].filter(([code]) => holds(code)).map(([, escape]) => literal(escape));
  const plain = negated
    ? `[^"\\\\\\x00-\\x1F${ranges.flatMap(withoutEscapes).map(classOf).join("")}]`
    : ranges.flatMap(withoutEscapes).map(classOf).join("");
  const choices = [...(negated ? [plain] : plain === "" ? [] : [`[${plain}]`]), ...spelled];
  return choices.length === 0 ? null : oneOf(choices);
}

/** The parts of a range that JSON writes as they are. */
function withoutEscapes([from, to]: readonly [number, number]): (readonly [number, number])[] {
  const cuts = [...escapes.keys()].filter((code) => code >= Math.max(from, 32) && code <= to).toSorted((a, b) => a - b);
  const parts: (readonly [number, number])[] = [];
  let start = Math.max(from, 32);
  for (const cut of cuts) {
    if (start < cut) parts.push([start, cut - 1]);
    start = cut + 1;
  }
  if (start <= to) parts.push([start, to]);
  return parts;
}

function classOf([from, to]: readonly [number, number]): string {
  return from === to ? codeOf(from) : `${codeOf(from)}-${codeOf(to)}`;
}

function codeOf(code: number): string {
  if (/[A-Za-z0-9]/.test(String.fromCodePoint(code))) return String.fromCodePoint(code);
  const hex = code.toString(16).toUpperCase();
  return code < 0x100
    ? `\\x${hex.padStart(2, "0")}`
    : code < 0x10000
      ? `\\u${hex.padStart(4, "0")}`
      : `\\U${hex.padStart(8, "0")}`;
}
