/**
 * Owns grammars in Lark's notation as GBNF rules: what custom tools say of their input, such as Codex's apply_patch. What is ignored between tokens, templates and left recursion have no GBNF; then there is none.
 */
import { limits } from "../../limits.ts";
import { counted, Inexpressible, regexExpression } from "./regex.ts";
import { oneOf, type RuleBook } from "./rules.ts";
import { inJson, type Spelling } from "./text.ts";

/** Of Lark's own grammar `common`. */
const common: Readonly<Record<string, string>> = {
  CNAME: "[A-Za-z_][A-Za-z0-9_]*",
  CR: "\\r",
  DECIMAL: "[0-9]+\\.[0-9]*|\\.[0-9]+",
  DIGIT: "[0-9]",
  ESCAPED_STRING: '"(?:[^"\\\\\\n]|\\\\.)*"',
  FLOAT: "[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?",
  HEXDIGIT: "[0-9a-fA-F]",
  INT: "[0-9]+",
  LCASE_LETTER: "[a-z]",
  LETTER: "[A-Za-z]",
  LF: "\\n",
  NEWLINE: "(?:\\r?\\n)+",
  NUMBER: "[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?",
  SIGNED_INT: "[+-]?[0-9]+",
  SIGNED_NUMBER: "[+-]?[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?",
  UCASE_LETTER: "[A-Z]",
  WORD: "[A-Za-z]+",
  WS: "[ \\t\\f\\r\\n]+",
  WS_INLINE: "[ \\t]+",
};

type Kind = "name" | "string" | "regex" | "number" | "sign" | "line";

interface Token {
  readonly kind: Kind;
  readonly text: string;
}

const patterns: readonly (readonly [Kind | null, RegExp])[] = [
  [null, /[ \t\r]+|\/\/[^\n]*/y],
  // A line that begins with a bar, or with white space, goes on with the rule before.
  [null, /\n(?=\s*\|)/y],
  ["line", /\n\s*/y],
  ["string", /"(?:[^"\\\n]|\\.)*"i?/y],
  ["regex", /\/(?:[^/\\\n]|\\.)+\/[imslux]*/y],
  ["name", /[!?]*[A-Za-z_]\w*/y],
  ["number", /\d+/y],
  ["sign", /->|\.\.|[%:.|()[\]{}*+?~,=]/y],
];

/** Adds the rules of `definition` to `rules`; returns an expression for its `start`. Throws Inexpressible. */
export function larkExpression(definition: string, rules: RuleBook, spelling: Spelling = inJson): string {
  if (definition.length > limits.grammarTextChars) throw new Inexpressible("the grammar is too long");
  return new LarkReader(tokensOf(definition), rules, spelling).read();
}

function tokensOf(definition: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < definition.length;) {
    const found = patterns.flatMap(([kind, pattern]) => {
      pattern.lastIndex = at;
      const [text] = pattern.exec(definition) ?? [];
      return text === undefined ? [] : [{ kind, text }];
    })[0];
    if (found === undefined) throw new Inexpressible(`'${definition.slice(at, at + 10)}' is no Lark`);
    at += found.text.length;
    if (found.kind !== null) tokens.push({ kind: found.kind, text: found.text });
  }
  return tokens;
}

interface Definition {
  /** Name of its GBNF rule. */
  readonly rule: string;
  defined: boolean;
  /** Names that it may begin with. */
  readonly first: Set<string>;
}

class LarkReader {
  readonly #tokens: readonly Token[];
  readonly #rules: RuleBook;
  readonly #spelling: Spelling;
  readonly #definitions = new Map<string, Definition>();
  #at = 0;
  #current: Definition | null = null;
  #atBeginning = false;

  constructor(tokens: readonly Token[], rules: RuleBook, spelling: Spelling) {
    this.#tokens = tokens;
    this.#rules = rules;
    this.#spelling = spelling;
  }

  read(): string {
    for (;;) {
      while (this.#takeKind("line") !== null);
      if (this.#at >= this.#tokens.length) break;
      if (this.#take("%")) this.#directive();
      else this.#definition();
    }
    const start = this.#definitions.get("start");
    if (start === undefined) throw new Inexpressible("there is no rule 'start'");
    for (const [name, { defined }] of this.#definitions)
      if (!defined) throw new Inexpressible(`'${name}' is not defined`);
    const sound = new Set<string>();
    for (const name of this.#definitions.keys()) this.#refuseLeftRecursion(name, [], sound);
    return start.rule;
  }

  #directive(): void {
    const word = this.#takeKind("name");
    if (word !== "import" || this.#takeKind("name") !== "common" || !this.#take(".")) {
      throw new Inexpressible(`'%${word ?? ""}' has no grammar`);
    }
    const name = this.#takeKind("name") ?? "";
    const own = this.#take("->") ? (this.#takeKind("name") ?? "") : name;
    const source = common[name];
    if (source === undefined) throw new Inexpressible(`'common.${name}' is not known`);
    const definition = this.#named(own);
    definition.defined = true;
    this.#rules.add(definition.rule, regexExpression(source, this.#spelling));
  }

  #definition(): void {
    const name = this.#takeKind("name")?.replace(/^[!?]+/, "");
    if (name === undefined) throw new Inexpressible("a rule has no name");
    if (this.#take(".")) this.#takeKind("number");
    if (!this.#take(":")) throw new Inexpressible(`'${name}' is defined by nothing, or by a template`);
    if (this.#rules.size > limits.grammarRules) throw new Inexpressible("the grammar has too many rules");
    const definition = this.#named(name);
    if (definition.defined) throw new Inexpressible(`'${name}' is defined twice`);
    definition.defined = true;
    this.#current = definition;
    this.#rules.add(definition.rule, this.#choices(0));
  }

  #named(name: string): Definition {
    const known = this.#definitions.get(name) ?? {
      rule: this.#rules.reserve(),
      defined: false,
      first: new Set<string>(),
    };
    this.#definitions.set(name, known);
    return known;
  }

  #choices(depth: number): string {
    if (depth > limits.grammarDepth) throw new Inexpressible("it is nested too deep");
    const begins = depth === 0 || this.#atBeginning;
    const choices: string[] = [];
    do {
      this.#atBeginning = begins;
      choices.push(this.#sequence(depth));
    } while (this.#take("|"));
    return oneOf(choices);
  }

  #sequence(depth: number): string {
    const terms: string[] = [];
    for (;;) {
      const next = this.#tokens[this.#at];
      if (next === undefined || next.kind === "line" || ["|", ")", "]"].includes(next.text)) break;
      if (this.#take("->")) {
        this.#takeKind("name");
        break;
      }
      const begins = this.#atBeginning;
      const atom = this.#atom(depth);
      const term = this.#repeated(atom);
      // What may be left out lets the next one begin.
      this.#atBeginning = begins && /(?:[*?]|\{0,\d*\})$/.test(term);
      terms.push(term);
    }
    return terms.length === 0 ? '""' : terms.join(" ");
  }

  #repeated(atom: string): string {
    for (const sign of ["*", "+", "?"]) if (this.#take(sign)) return `(${atom})${sign}`;
    if (!this.#take("~")) return atom;
    const least = Number(this.#takeKind("number") ?? Number.NaN);
    const most = this.#take("..") ? Number(this.#takeKind("number") ?? Number.NaN) : least;
    if (Number.isNaN(least + most)) throw new Inexpressible("a count is no number");
    return counted(atom, least, most);
  }

  #atom(depth: number): string {
    for (const [open, close] of [
      ["(", ")"],
      ["[", "]"],
    ] as const) {
      if (!this.#take(open)) continue;
      const inner = this.#choices(depth + 1);
      if (!this.#take(close)) throw new Inexpressible(`a '${open}' is not closed`);
      return open === "[" ? `(${inner})?` : `(${inner})`;
    }
    const text = this.#takeKind("string");
    if (text !== null) return this.#take("..") ? this.#range(text) : stringExpression(text, this.#spelling);
    const regex = this.#takeKind("regex");
    if (regex !== null) return `(${regexOf(regex, this.#spelling)})`;
    const name = this.#takeKind("name");
    if (name === null || this.#tokens[this.#at]?.text === "{")
      throw new Inexpressible("a rule holds what is no Lark, or a template");
    if (this.#atBeginning) this.#current?.first.add(name);
    return this.#named(name).rule;
  }

  #range(from: string): string {
    const [low, high] = [from, this.#takeKind("string") ?? ""].map((text) => unquoted(text).codePointAt(0) ?? 0);
    if (low === undefined || high === undefined || high < low) throw new Inexpressible("a range runs backwards");
    return this.#spelling.set({ negated: false, ranges: [[low, high]] }) ?? '""';
  }

  /** llama.cpp refuses the whole grammar for one rule that begins with itself. */
  #refuseLeftRecursion(name: string, path: readonly string[], sound: Set<string>): void {
    if (sound.has(name)) return;
    if (path.includes(name)) throw new Inexpressible(`'${name}' begins with itself`);
    if (path.length > limits.grammarDepth) throw new Inexpressible("it is nested too deep");
    for (const next of this.#definitions.get(name)?.first ?? []) {
      this.#refuseLeftRecursion(next, [...path, name], sound);
    }
    sound.add(name);
  }

  #take(text: string): boolean {
    const next = this.#tokens[this.#at];
    if (next?.text !== text || next.kind !== "sign") return false;
    this.#at += 1;
    return true;
  }

  #takeKind(kind: Kind): string | null {
    const next = this.#tokens[this.#at];
    if (next?.kind !== kind) return null;
    this.#at += 1;
    return next.text;
  }
}

function unquoted(text: string): string {
  const inner = text.replace(/i$/, "").slice(1, -1);
  const named: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f" };
  return inner.replaceAll(/\\(.)/gs, (_, character: string) => named[character] ?? character);
}

function stringExpression(text: string, spelling: Spelling): string {
  if (!text.endsWith("i")) return spelling.text(unquoted(text));
  const characters = Array.from(unquoted(text), (character) =>
    oneOf([...new Set([character.toLowerCase(), character.toUpperCase()])].map((one) => spelling.text(one))),
  );
  return characters.length === 0 ? '""' : characters.join(" ");
}

function regexOf(token: string, spelling: Spelling): string {
  const end = token.lastIndexOf("/");
  if (token.length > end + 1) throw new Inexpressible("an expression has flags");
  return regexExpression(token.slice(1, end), spelling);
}
