/** Owns the question what of a message is code or comment, line by line, as CommonMark has it and as models bend it. */

/** What the end of a line is inside of. */
export type Code =
  | { readonly kind: "fence"; readonly mark: string; readonly length: number }
  /** Three backticks or more that stand behind words on their line. */
  | { readonly kind: "span" }
  | { readonly kind: "html"; readonly close: string };

/** In a list, and indented however deep: models do not keep to four spaces. */
const opening = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})(.*)$/s;
const closing = /^[ \t]*(`{3,}|~{3,})[ \t\r]*$/;
const html = [
  ["<pre", "</pre>"],
  ["<!--", "-->"],
] as const;

/** What the next line is inside of, after `line` (without its line break) that was inside of `code`. */
export function codeAfter(code: Code | null, line: string): Code | null {
  switch (code?.kind) {
    case "fence": {
      const [, run = ""] = closing.exec(line) ?? [];
      return run[0] === code.mark && run.length >= code.length ? null : code;
    }
    case "span":
      return hasOddRuns(line) ? null : code;
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
  const open = html.find(([start, close]) => lower.lastIndexOf(start) > lower.lastIndexOf(close));
  return open === undefined ? null : { kind: "html", close: open[1] };
}

function hasOddRuns(line: string): boolean {
  return (line.match(/`{3,}/g) ?? []).length % 2 === 1;
}
