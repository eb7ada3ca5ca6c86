/** Owns GBNF, llama.cpp's grammar notation: literals, a book of named rules, and text that ends at a mark. */

const escapes: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** `text` as a GBNF literal. */
export function literal(text: string): string {
  const escaped = text.replace(
    /["\\]|\p{Cc}/gu,
    (character) => escapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}

/** Alternatives of which one is taken. */
export function oneOf(choices: readonly string[]): string {
  return choices.length === 1 ? (choices[0] ?? "") : `(${choices.join(" | ")})`;
}

/** Rules by name, in the order they were added. */
export class RuleBook {
  readonly #rules = new Map<string, string>();

  get size(): number {
    return this.#rules.size;
  }

  has(name: string): boolean {
    return this.#rules.has(name);
  }

  /** Adds a rule, and returns its name. */
  add(name: string, body: string): string {
    this.#rules.set(name, body);
    return name;
  }

  /** Adds a rule under a name of its own, and returns the name. */
  fresh(body: string): string {
    return this.add(`r${this.#rules.size}`, body);
  }

  /** Keeps a place for a rule that refers to itself. */
  reserve(): string {
    return this.fresh('""');
  }

  toString(): string {
    return [...this.#rules].map(([name, body]) => `${name} ::= ${body}\n`).join("");
  }
}

/**
 * Adds rules for any text up to and with `mark`, then `after`; returns the first one's name. One rule for each part of the
 * mark that has been seen, as in any search for a string that begins with a character that it does not repeat.
 */
export function textUntil(mark: string, after: string, rules: RuleBook): string {
  const first = characterClass(mark[0] ?? "");
  const names = Array.from(mark, () => rules.reserve());
  const start = names[0] ?? "";
  for (const [at, name] of names.entries()) {
    const character = mark[at] ?? "";
    const next = names[at + 1] ?? after;
    const again = at === 0 ? [] : [`[${first}] ${names[1] ?? after}`];
    const other = at === 0 ? first : `${first}${characterClass(character)}`;
    rules.add(name, [`[${characterClass(character)}] ${next}`, ...again, `[^${other}] ${start}`].join(" | "));
  }
  return start;
}

/** `character` as it stands in a GBNF set. */
export function characterClass(character: string): string {
  return /[\]\\^-]/.test(character) ? `\\${character}` : character;
}
