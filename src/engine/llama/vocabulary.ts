/** Owns text and tokens: which tokens are control tokens, prompts to tokens, and sampled tokens back to text. */
import { type AnswerForm, callTags, controlMarks, inText, seam, spellingsOf } from "../format/forms.ts";
import type { Model, Token } from "./binding.ts";
import { responseTags } from "./messages.ts";
import { Shield } from "./shield.ts";
import type { ChatTemplate } from "./template.ts";

/** Those of our own protocol. */
const ownMarks: readonly string[] = [callTags, responseTags].flatMap(({ open, close }) => [open, close]);
/** Bytes of the longest UTF-8 character: tokens that are still no text after so many are broken text. */
const longestCharacter = 4;
/** Tokens before the next one that the detokenizer looks at to decide on a space. */
const lookBack = 4;

export class Vocabulary {
  readonly #model: Model;
  /** Spellings that must not come from client text. */
  readonly #guarded = new Set<string>(ownMarks);
  /** Control tokens that are no text of the answer. */
  readonly #silent = new Set<Token>();
  /** The places before the control tokens that prompts are made with. */
  readonly #cuts: RegExp | null;
  /** Bytes of the longest token. */
  readonly longest: number;
  /** The form of answers; of the template's, where its marks are tokens of this vocabulary. */
  readonly form: AnswerForm;
  /** Marks that count as tokens only. */
  readonly #marks = new Set<Token>();
  /** Where text would spell one of them. */
  readonly #spelled: RegExp | null;

  /**
   * Guards all control tokens; of the user-defined ones only those that the template or our marks speak, for some
   * vocabularies list plain words and runs of white space among them.
   */
  constructor(model: Model, { source: template, form }: Pick<ChatTemplate, "source" | "form">) {
    this.#model = model;
    const marks = [...ownMarks, ...spellingsOf(form)];
    for (const mark of marks) this.#guarded.add(mark);
    const own = controlMarks(form.calls);
    const found = new Set<string>();
    const spoken = new Set<string>();
    let longest = 1;
    for (const token of model.iterateAllTokens()) {
      const { control, unknown, userDefined } = model.getTokenAttributes(token);
      const spelling = model.detokenize([token], true);
      longest = Math.max(longest, Buffer.byteLength(spelling));
      if (!control && !unknown && !userDefined) continue;
      const text = spelling.trim();
      if (text === "") continue;
      if (own.includes(text)) {
        this.#marks.add(token);
        found.add(text);
      }
      if (control && template.includes(text)) spoken.add(text);
      if (control || unknown || template.includes(text)) this.#guarded.add(text);
      if (control && !marks.some((mark) => mark.includes(text))) this.#silent.add(token);
    }
    const known = own.length > 0 && own.every((mark) => found.has(mark));
    this.form = known ? form : inText(form);
    this.#spelled = known ? cutsInside(own) : null;
    this.longest = longest;
    this.#cuts = cutsBefore([...spoken]);
  }

  newShield(): Shield {
    return new Shield(this.#guarded);
  }

  /**
   * Tokens of a rendered prompt. Each piece is tokenised alone, so that nothing forms across a seam; pieces are cut before
   * control tokens too, since llama.cpp looks for each of those to the end of its text, once for every one it has found.
   */
  tokenize(pieces: readonly string[]): Token[] {
    const { tokens } = this.#model;
    const own = tokens.bosString !== null && (pieces[0] ?? "").startsWith(tokens.bosString);
    const prompt: Token[] = tokens.shouldPrependBosToken && tokens.bos !== null && !own ? [tokens.bos] : [];
    const cuts = this.#cuts;
    const parts = cuts === null ? pieces : pieces.flatMap((piece) => piece.split(cuts));
    for (const [index, part] of parts.entries()) {
      const found = index === 0 ? this.#model.tokenize(part, true) : this.tokenizeMore(part);
      for (const token of found) prompt.push(token);
    }
    return prompt;
  }

  /** Tokens of text that goes on: some tokenizers put a space before whatever they are given. */
  tokenizeMore(text: string): Token[] {
    return this.#model.tokenize(text, true, "trimLeadingSpace");
  }

  /** Whether `token` is a mark, and not just text that spells one. */
  isMark(token: Token): boolean {
    return this.#marks.has(token);
  }

  /** `text` of tokens that are no marks, with a seam where it would spell one; `before`: what came right before it. */
  quote(text: string, before: string): string {
    if (this.#spelled === null) return text;
    return (before + text).replace(this.#spelled, `$&${seam}`).slice(before.length);
  }

  isSilent(token: Token): boolean {
    return this.#silent.has(token);
  }

  detokenize(tokens: readonly Token[], before: readonly Token[]): string {
    return this.#model.detokenize(tokens, true, before);
  }
}

/** Where text is cut before each of `spellings`. */
function cutsBefore(spellings: readonly string[]): RegExp | null {
  if (spellings.length === 0) return null;
  return new RegExp(`(?=${spellings.map(escaped).join("|")})`);
}

/** `text` in an expression. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** The first character of each of `marks`, where the second stands behind it. */
function cutsInside(marks: readonly string[]): RegExp {
  const pairs = new Set(marks.map(([first = "", second = ""]) => `${escaped(first)}(?=${escaped(second)})`));
  return new RegExp([...pairs].join("|"), "g");
}

/** Turns one answer's tokens into text as they come; a character that is spread over tokens comes with the last of them. */
export class TokenReader {
  readonly #vocabulary: Vocabulary;
  #before: Token[];
  #pending: Token[] = [];
  /** The last character of text that is no mark. */
  #last = "";

  constructor(vocabulary: Vocabulary, prompt: readonly Token[]) {
    this.#vocabulary = vocabulary;
    this.#before = prompt.slice(-lookBack);
  }

  /** Text that is certain with `token`; "" for a part of a character and for control tokens. */
  push(token: Token): string {
    if (this.#vocabulary.isSilent(token)) return this.end();
    if (this.#vocabulary.isMark(token)) {
      const text = this.end();
      this.#pending.push(token);
      const mark = this.#vocabulary.detokenize(this.#pending, this.#before);
      this.#advance();
      this.#last = "";
      return text + mark;
    }
    this.#pending.push(token);
    const text = this.#vocabulary.detokenize(this.#pending, this.#before);
    if (text.endsWith("\uFFFD") && this.#pending.length < longestCharacter) return "";
    return this.#told(text);
  }

  /** Whether the next token starts a character of its own. */
  get between(): boolean {
    return this.#pending.length === 0;
  }

  /** What was held back when the answer ended. */
  end(): string {
    if (this.#pending.length === 0) return "";
    return this.#told(this.#vocabulary.detokenize(this.#pending, this.#before));
  }

  #told(text: string): string {
    this.#advance();
    const quoted = this.#vocabulary.quote(text, this.#last);
    this.#last = text.slice(-1) || this.#last;
    return quoted;
  }

  #advance(): void {
    this.#before = [...this.#before, ...this.#pending].slice(-lookBack);
    this.#pending = [];
  }
}
