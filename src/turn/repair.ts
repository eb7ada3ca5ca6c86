/**
 * Owns the repair of arguments that are almost JSON: quotes, commas, fences, raw line breaks, words of Python. Only syntax is
 * mended. A string or bracket that the model left open stays open: what it did not finish must not run.
 */
import { limits } from "../limits.ts";
import { jsonWords } from "../spec/json.ts";

/** `text` as JSON that parses, its values as they were written; null where it needs more than mending. */
export function repairJson(text: string): string | null {
  const reader = new Reader(unfenced(text.trim()));
  try {
    return reader.whole();
  } catch (thrown) {
    if (thrown instanceof BeyondRepair) return null;
    throw thrown;
  }
}

class BeyondRepair extends Error {
  override readonly name = "BeyondRepair";
}

/** Chat models put code into fences, with or without the name of a language. */
function unfenced(text: string): string {
  const isFenced = text.length >= 6 && text.startsWith("```") && text.endsWith("```");
  return isFenced ? text.slice(3, -3).replace(/^\w*/, "").trim() : text;
}

/** What ends a string, by what begins it; typographic quotes come from models trained on prose. */
const quotes: Readonly<Record<string, string>> = { '"': '"', "'": "'", "\u201C": "\u201D", "\u2018": "\u2019" };
const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"' };

/** Reads what a model meant and writes it as JSON. */
class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): string {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw new BeyondRepair();
    return value;
  }

  #value(): string {
    this.#space();
    const next = this.#text[this.#at] ?? "";
    if (next === "{") return this.#members("{", "}", () => `${this.#key()}:${this.#value()}`);
    if (next === "[") return this.#members("[", "]", () => this.#value());
    return next in quotes ? this.#string() : this.#word();
  }

  /** Commas may be missing between members, or stand behind the last. */
  #members(open: string, close: string, member: () => string): string {
    if (++this.#depth > limits.jsonDepth) throw new BeyondRepair();
    this.#at += 1;
    const members: string[] = [];
    for (;;) {
      this.#space();
      if (this.#take(close)) break;
      members.push(member());
      this.#space();
      this.#take(",");
    }
    this.#depth -= 1;
    return `${open}${members.join(",")}${close}`;
  }

  /** A key, quoted or bare, with its colon. */
  #key(): string {
    const bare = this.#match(/[A-Za-z_$][\w$-]*/y);
    const key = bare === null ? this.#quoted() : JSON.stringify(bare);
    this.#space();
    if (!this.#take(":")) throw new BeyondRepair();
    return key;
  }

  #quoted(): string {
    if (!((this.#text[this.#at] ?? "") in quotes)) throw new BeyondRepair();
    return this.#string();
  }

  #string(): string {
    const end = quotes[this.#text[this.#at++] ?? ""] ?? "";
    let written = "";
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined) throw new BeyondRepair();
      if (character === end && (end === '"' || this.#closes())) return `"${written}"`;
      written += character === "\\" ? this.#escape() : (escapes[character] ?? control(character));
    }
  }

  /** An apostrophe inside of a word does not end a string in single quotes. */
  #closes(): boolean {
    return /^\s*(?:[,:}\]]|$)/.test(this.#text.slice(this.#at, this.#at + limits.repairAhead));
  }

  /** Escapes that JSON does not know, as in paths and regular expressions, mean the backslash itself. */
  #escape(): string {
    const known = this.#match(/["\\/bfnrt]|u[0-9A-Fa-f]{4}/y);
    if (known !== null) return `\\${known}`;
    return this.#take("'") ? "'" : "\\\\";
  }

  #word(): string {
    const number = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y);
    if (number !== null) return number;
    const word = jsonWords.get(this.#match(/[A-Za-z]+/y) ?? "");
    if (word === undefined) throw new BeyondRepair();
    return word;
  }

  #space(): void {
    this.#match(/\s+/y);
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  /** What `pattern` (sticky) finds here; null where nothing. */
  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }
}

/** JSON allows no control character inside a string. */
function control(character: string): string {
  return character < " " ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : character;
}
