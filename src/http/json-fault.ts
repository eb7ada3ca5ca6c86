/** Owns where a text stops being JSON, and what was expected there: V8 does not always say where, and quotes what was sent. */

export interface Fault {
  /** Offset in the text; its length where it ends too early. */
  readonly at: number;
  /** For people. */
  readonly expected: string;
}

const expectations = {
  value: "a value",
  valueOrEnd: "a value or ']'",
  name: "a name in double quotes",
  nameOrEnd: "a name in double quotes or '}'",
  colon: "':'",
  moreOfObject: "',' or '}'",
  moreOfList: "',' or ']'",
  nothing: "the end",
} as const;
type State = keyof typeof expectations;

const space = /[ \t\n\r]*/y;
const minus = /-?/y;
const whole = /0|[1-9][0-9]*/y;
const point = /\./y;
const exponent = /[eE][+-]?/y;
const digits = /[0-9]+/y;
/** All from the blank on, without quote and backslash. */
const plainText = /[ !#-[\]-\uffff]*/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const brokenEscape = /\\(?:u[0-9a-fA-F]*)?/y;
const words = ["true", "false", "null"] as const;

/** The first fault of `text`; null where it is JSON. Takes time in proportion to the text, and no recursion. */
export function faultIn(text: string): Fault | null {
  return new Walk(text).fault();
}

class Walk {
  readonly #text: string;
  /** One for each object and list that is open. */
  readonly #open: ("{" | "[")[] = [];
  #at = 0;
  #state: State = "value";

  constructor(text: string) {
    this.#text = text;
  }

  fault(): Fault | null {
    for (;;) {
      this.#skip(space);
      if (this.#at === this.#text.length && this.#state === "nothing") return null;
      const expected = this.#step();
      if (expected !== null) return { at: this.#at, expected };
    }
  }

  /** Over one token; what was expected in its place where it may not stand there. */
  #step(): string | null {
    const next = this.#text[this.#at];
    const state = this.#state;
    if (state === "nothing") return expectations.nothing;
    if (state === "colon") return this.#sign(next === ":", "value");
    if (state === "moreOfObject" || state === "moreOfList") {
      if (next === ",") return this.#sign(true, state === "moreOfObject" ? "name" : "value");
      return next === (state === "moreOfObject" ? "}" : "]") ? this.#close() : expectations[state];
    }
    if (state === "nameOrEnd" && next === "}") return this.#close();
    if (state === "valueOrEnd" && next === "]") return this.#close();
    if (state === "name" || state === "nameOrEnd") return next === '"' ? this.#string("colon") : expectations[state];
    return this.#value(next);
  }

  #sign(fits: boolean, then: State): string | null {
    if (!fits) return expectations[this.#state];
    this.#at += 1;
    this.#state = then;
    return null;
  }

  #value(next: string | undefined): string | null {
    if (next === '"') return this.#string(this.#after());
    if (next === "{" || next === "[") {
      this.#open.push(next);
      return this.#sign(true, next === "{" ? "nameOrEnd" : "valueOrEnd");
    }
    const word = words.find((each) => each[0] === next);
    if (word !== undefined) return this.#word(word);
    return this.#number();
  }

  #number(): string | null {
    const signed = this.#skip(minus);
    if (!this.#skip(whole)) return signed ? "a digit" : expectations[this.#state];
    for (const part of [point, exponent]) if (this.#skip(part) && !this.#skip(digits)) return "a digit";
    this.#state = this.#after();
    return null;
  }

  #word(word: string): string | null {
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) return `'${word}'`;
      this.#at += 1;
    }
    this.#state = this.#after();
    return null;
  }

  /** A run at a time: one expression for all of a long string would overflow the stack of the matcher. */
  #string(then: State): string | null {
    this.#at += 1;
    for (;;) {
      this.#skip(plainText);
      const next = this.#text[this.#at];
      if (next === '"') return this.#sign(true, then);
      if (next !== "\\") return next === undefined ? `the '"' that ends a text` : "an escaped control character";
      if (this.#skip(escape)) continue;
      this.#skip(brokenEscape);
      return String.raw`an escape such as \n or \\`;
    }
  }

  #close(): null {
    this.#open.pop();
    this.#at += 1;
    this.#state = this.#after();
    return null;
  }

  /** What may stand behind a value. */
  #after(): State {
    const around = this.#open.at(-1);
    if (around === undefined) return "nothing";
    return around === "{" ? "moreOfObject" : "moreOfList";
  }

  /** Over what stands here; false where nothing of it does. */
  #skip(what: RegExp): boolean {
    const start = this.#at;
    what.lastIndex = start;
    if (what.test(this.#text)) this.#at = what.lastIndex;
    return this.#at > start;
  }
}
