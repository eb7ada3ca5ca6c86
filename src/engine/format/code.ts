/** Owns the question what of a message is code or comment, line by line, as CommonMark has it and as models bend it. */
import { limits } from "../../limits.ts";

/** What the end of a line is inside of. */
type Code =
  | { readonly kind: "fence"; readonly mark: string; readonly length: number }
  /** Three backticks or more that stand behind words on their line. */
  | { readonly kind: "span" }
  | { readonly kind: "html"; readonly close: string };

/** In a list, and indented however deep: models do not keep to four spaces. */
const opening = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})(.*)$/s;
const closing = /^[ \t]*(`{3,}|~{3,})[ \t\r]*$/;
/** Only what begins a line begins a block of HTML. */
const html = [
  [/^ {0,3}<pre(?=[\s>]|$)/i, "</pre>"],
  [/^ {0,3}<!--/, "-->"],
] as const;

/** Goes along a message, told of it line by line or in parts of lines. */
export class CodeTrack {
  #code: Code | null = null;
  /** The line so far. */
  #line = "";
  #atLineStart: boolean;

  /** `atLineStart`: whether what comes first begins a line. */
  constructor(atLineStart = true) {
    this.#atLineStart = atLineStart;
  }

  get atLineStart(): boolean {
    return this.#atLineStart;
  }

  /** Whether something may begin here that is neither code nor in the middle of a line. */
  get free(): boolean {
    return this.#atLineStart && this.#code === null;
  }

  /** `text` goes by: no more than a line, with its break at its end if it has one. */
  pass(text: string): void {
    if (text === "") return;
    if (this.#line.length < limits.codeLineChars) this.#line += text;
    this.#atLineStart = text.endsWith("\n");
    if (!this.#atLineStart) return;
    this.#code = codeAfter(this.#code, this.#line.trimEnd());
    this.#line = "";
  }

  /** A line begins here, whatever came before on it. */
  beginLine(): void {
    this.#atLineStart = true;
    this.#line = "";
  }
}

/** What the next line is inside of, after `line` (without its line break) that was inside of `code`. */
function codeAfter(code: Code | null, line: string): Code | null {
  switch (code?.kind) {
    case "fence": {
      const [, run = ""] = closing.exec(line) ?? [];
      return run[0] === code.mark && run.length >= code.length ? null : code;
    }
    case "span":
      // No span goes beyond its paragraph.
      return hasOddRuns(line) || line.trim() === "" ? null : code;
    case "html":
      return line.toLowerCase().includes(code.close) ? null : code;
    case undefined:
      return codeBegunIn(line);
  }
}

function codeBegunIn(line: string): Code | null {
  // No call begins in a quotation, and what it leaves open ends with it.
  if (/^ {0,3}>/.test(line)) return null;
  const [, run = "", info = ""] = opening.exec(line) ?? [];
  const [mark = ""] = run;
  if (mark === "~" || (mark === "`" && !info.includes("`"))) return { kind: "fence", mark, length: run.length };
  if (hasOddRuns(line)) return { kind: "span" };
  const lower = line.toLowerCase();
  const open = html.find(([start, close]) => start.test(line) && !lower.includes(close));
  return open === undefined ? null : { kind: "html", close: open[1] };
}

function hasOddRuns(line: string): boolean {
  return (line.match(/`{3,}/g) ?? []).length % 2 === 1;
}
