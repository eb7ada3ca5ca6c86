/** Owns the finding of a tool call in an answer: a marker of text counts at the start of a line, outside of code, only. */
import { CodeTrack } from "./code.ts";
import type { CallFrame } from "./forms.ts";

/** More makes a line code. */
const mostIndent = /^ {0,3}/;

export interface Found {
  /** What certainly is no marker. */
  readonly text: string;
  /** What came after the marker; null while there is none. Once there is, the finder is done. */
  readonly after: string | null;
}

/** Reads an answer in chunks of any size; text that merely quotes a call, in a line or in code, stays text. */
export class CallFinder {
  readonly #mark: string;
  readonly #anywhere: boolean;
  readonly #track: CodeTrack;
  /** The beginning of a line that may yet become a marker. */
  #held = "";

  /** `atLineStart`: whether what comes first begins a line. */
  constructor({ open, anywhere }: Pick<CallFrame, "open" | "anywhere">, atLineStart = true) {
    this.#mark = open;
    this.#anywhere = anywhere;
    this.#track = new CodeTrack(atLineStart);
  }

  push(chunk: string): Found {
    return this.#anywhere ? this.#find(this.#held + chunk) : this.#read(this.#held + chunk);
  }

  #find(rest: string): Found {
    const at = rest.indexOf(this.#mark);
    const end = at === -1 ? certain(rest, this.#mark) : at;
    this.#held = at === -1 ? rest.slice(end) : "";
    return { text: rest.slice(0, end), after: at === -1 ? null : rest.slice(at + this.#mark.length) };
  }

  #read(whole: string): Found {
    let rest = whole;
    let text = "";
    this.#held = "";
    while (rest !== "") {
      if (this.#track.free) {
        const [indent = ""] = mostIndent.exec(rest) ?? [];
        const line = rest.slice(indent.length);
        if (line.startsWith(this.#mark)) return { text: text + indent, after: line.slice(this.#mark.length) };
        if (this.#mark.startsWith(line)) {
          this.#held = rest;
          return { text, after: null };
        }
      }
      const end = rest.indexOf("\n") + 1 || rest.length;
      const passed = rest.slice(0, end);
      this.#track.pass(passed);
      text += passed;
      rest = rest.slice(end);
    }
    return { text, after: null };
  }

  /** What was held back when the answer ended. */
  end(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}

/** Length of the beginning of `text` that cannot be part of a `mark` that more text may complete. */
export function certain(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(mark.slice(0, length))) return text.length - length;
  }
  return text.length;
}
