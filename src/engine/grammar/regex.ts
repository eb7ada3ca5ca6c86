/** Owns regular expressions as GBNF. What a grammar cannot say - looking around, looking back, borders - has none. */
import { limits } from "../../limits.ts";
import { oneOf } from "./rules.ts";
import { any, type CharacterSet, inJson, inLine, inScriptLine, type Spelling } from "./text.ts";

/** It cannot be said by a grammar, or not by a small one. */
export class Inexpressible extends Error {
  override readonly name = "Inexpressible";
}

/** An expression for the texts of a string in which `source` is found, as JSON Schema's `pattern` wants it; null where there is none. */
export function patternExpression(source: string, spelling: Spelling = inJson): string | null {
  return attempted(() => new RegexReader(source, inScriptLine, spelling).search());
}

/** An expression for the texts that `source` fits whole. Throws Inexpressible. */
export function regexExpression(source: string, spelling: Spelling = inJson): string {
  return new RegexReader(source, inLine, spelling).whole();
}

/** What `make` makes; null where it is inexpressible. */
export function attempted(make: () => string): string | null {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof Inexpressible) return null;
    throw thrown;
  }
}

const classes: Readonly<Record<string, CharacterSet>> = {
  d: { negated: false, ranges: [[48, 57]] },
  w: {
    negated: false,
    ranges: [
      [48, 57],
      [65, 90],
      [95, 95],
      [97, 122],
    ],
  },
  s: {
    negated: false,
    ranges: [
      [9, 13],
      [32, 32],
      [0xa0, 0xa0],
      [0x1680, 0x1680],
      [0x2000, 0x200a],
      [0x2028, 0x2029],
      [0x202f, 0x202f],
      [0x205f, 0x205f],
      [0x3000, 0x3000],
      [0xfeff, 0xfeff],
    ],
  },
};
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, "0": 0 };

class RegexReader {
  readonly #source: readonly string[];
  readonly #dot: CharacterSet;
  readonly #spelling: Spelling;
  #at = 0;

  /** `dot`: what "." means, which the languages of expressions do not agree about. */
  constructor(source: string, dot: CharacterSet, spelling: Spelling) {
    this.#dot = dot;
    this.#spelling = spelling;
    if (source.length > limits.grammarTextChars) throw new Inexpressible("it is too long");
    this.#source = Array.from(source);
  }

  whole(): string {
    const expression = this.#choices(0, () => this.#sequence(0));
    this.#finish();
    return expression;
  }

  /** Each of the outermost choices may be bound to the beginning, to the end, or to neither. */
  search(): string {
    const expression = this.#choices(0, () => {
      const before = this.#take("^") ? "" : `${this.#setOf(any)}* `;
      const inner = this.#sequence(0);
      return `${before}${inner}${this.#take("$") ? "" : ` ${this.#setOf(any)}*`}`;
    });
    this.#finish();
    return expression;
  }

  #finish(): void {
    if (this.#at < this.#source.length) throw new Inexpressible("it goes on behind its end");
  }

  #choices(depth: number, choice: () => string): string {
    if (depth > limits.grammarDepth) throw new Inexpressible("it is nested too deep");
    const found = [choice()];
    while (this.#take("|")) found.push(choice());
    return oneOf(found);
  }

  #sequence(depth: number): string {
    const terms: string[] = [];
    for (;;) {
      const next = this.#source[this.#at];
      if (next === undefined || next === "|" || next === ")" || (next === "$" && depth === 0)) break;
      const atom = this.#atom(depth);
      terms.push(this.#repeated(atom));
    }
    return terms.length === 0 ? '""' : terms.join(" ");
  }

  #repeated(atom: string): string {
    const sign = this.#source[this.#at];
    if (sign === "*" || sign === "+" || sign === "?") {
      this.#at += 1;
      this.#lazy();
      return `(${atom})${sign}`;
    }
    const [found, least = "", comma, most = ""] =
      /^\{(\d+)(,?)(\d*)\}/.exec(this.#source.slice(this.#at, this.#at + 24).join("")) ?? [];
    if (found === undefined) return atom;
    this.#at += found.length;
    this.#lazy();
    return counted(atom, Number(least), comma === "" ? Number(least) : most === "" ? null : Number(most));
  }

  /** How greedy it is makes no difference to what fits. */
  #lazy(): void {
    if (!this.#take("?")) this.#take("+");
  }

  #atom(depth: number): string {
    const character = this.#source[this.#at] ?? "";
    this.#at += 1;
    switch (character) {
      case ".":
        return this.#setOf(this.#dot);
      case "[":
        return this.#setOf(this.#set());
      case "(": {
        if (this.#take("?") && !this.#take(":") && !this.#named()) throw new Inexpressible("it looks around");
        const inner = this.#choices(depth + 1, () => this.#sequence(depth + 1));
        if (!this.#take(")")) throw new Inexpressible("a group is not closed");
        return `(${inner})`;
      }
      case "\\": {
        const set = this.#escape();
        return this.#setOf(set);
      }
      case "^":
      case "$":
      case "*":
      case "+":
      case "?":
        throw new Inexpressible(`'${character}' stands where it means nothing to a grammar`);
      default:
        return this.#spelling.text(character);
    }
  }

  #setOf(set: CharacterSet): string {
    const expression = this.#spelling.set(set);
    if (expression === null) throw new Inexpressible("a set is empty");
    return expression;
  }

  /** `P<name>` or `<name>`. */
  #named(): boolean {
    const [found] = /^P?<\w+>/.exec(this.#source.slice(this.#at, this.#at + 80).join("")) ?? [];
    this.#at += found?.length ?? 0;
    return found !== undefined;
  }

  #escape(): CharacterSet {
    const character = this.#source[this.#at] ?? "";
    this.#at += 1;
    const known = classes[character.toLowerCase()];
    if (known !== undefined) return { ...known, negated: character !== character.toLowerCase() };
    const control = controls[character];
    if (control !== undefined) return one(control);
    const length = character === "x" ? 2 : character === "u" ? 4 : 0;
    if (length > 0) {
      const hex = this.#source.slice(this.#at, this.#at + length).join("");
      if (!new RegExp(`^[0-9a-fA-F]{${length}}$`).test(hex)) throw new Inexpressible("an escape is not whole");
      this.#at += length;
      return one(Number.parseInt(hex, 16));
    }
    if (/[A-Za-z1-9]/.test(character) || character === "") throw new Inexpressible(`'\\${character}' has no grammar`);
    return one(character.codePointAt(0) ?? 0);
  }

  #set(): CharacterSet {
    const negated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; ; first = false) {
      const character = this.#source[this.#at];
      if (character === undefined) throw new Inexpressible("a set is not closed");
      if (character === "]" && !first) break;
      const from = this.#member();
      const [[low] = []] = from.ranges;
      const single = !from.negated && from.ranges.length === 1 && from.ranges[0]?.[0] === from.ranges[0]?.[1];
      if (single && this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]" && low !== undefined) {
        this.#at += 1;
        const high = this.#member().ranges[0]?.[0] ?? low;
        if (high < low) throw new Inexpressible("a range runs backwards");
        ranges.push([low, high]);
      } else ranges.push(...(from.negated ? complement(from.ranges) : from.ranges));
    }
    this.#at += 1;
    return { negated, ranges };
  }

  #member(): CharacterSet {
    const character = this.#source[this.#at] ?? "";
    this.#at += 1;
    return character === "\\" ? this.#escape() : one(character.codePointAt(0) ?? 0);
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }
}

/** `least` to `most` times; null: any number. What is counted beyond the limit is not counted. */
export function counted(atom: string, least: number, most: number | null): string {
  const bound = limits.grammarRepeats;
  const from = Math.min(least, bound);
  if (most === null || most > bound) return `(${atom}){${from},}`;
  if (most < least) throw new Inexpressible("it repeats fewer times than it must");
  return most === 0 ? '""' : `(${atom}){${from},${most}}`;
}

/** All characters but those; `ranges` are in order and apart. */
function complement(ranges: CharacterSet["ranges"]): (readonly [number, number])[] {
  const edges = ranges.flatMap(([from, to]) => [from - 1, to + 1]);
  const bounds = [0, ...edges, 0x10ffff];
  return bounds.flatMap((from, at): (readonly [number, number])[] => {
    const to = bounds[at + 1];
    return at % 2 === 0 && to !== undefined && from <= to ? [[from, to]] : [];
  });
}

function one(code: number): CharacterSet {
  return { negated: false, ranges: [[code, code]] };
}
