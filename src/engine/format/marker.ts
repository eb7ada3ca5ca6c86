/** Owns the finding of a tool call in an answer: a marker of text counts at the start of a line, outside code fences, only. */
import type { CallFrame } from "./forms.ts";

const fences = ["```", "~~~"] as const;
/** White space before a marker that is waited for; a longer run is text. */
const indent = 16;

export interface Found {
  /** What certainly is no marker. */
  readonly text: string;
  /** What came after the marker; null while there is none. Once there is, the finder is done. */
  readonly after: string | null;
}

/** Reads an answer in chunks of any size; text that merely quotes a call, in a line or in a fence, stays text. */
export class CallFinder {
  /** The beginning of a line that may yet become a marker or a fence. */
  #held = "";
  #atLineStart: boolean;
  /** What ends the code block that the answer is in. */
  #fence: string | null = null;
  readonly #mark: string;
  readonly #anywhere: boolean;

  /** `atLineStart`: whether what comes first begins a line. */
  constructor({ open, anywhere }: Pick<CallFrame, "open" | "anywhere">, atLineStart = true) {
    this.#atLineStart = atLineStart;
    this.#mark = open;
    this.#anywhere = anywhere;
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
      if (this.#atLineStart) {
        const line = rest.replace(/^[ \t]+/, "");
        if (this.#fence === null && line.startsWith(this.#mark)) {
          const before = rest.slice(0, rest.length - line.length);
          return { text: text + before, after: line.slice(this.#mark.length) };
        }
        if (this.#mayBecome(line) && rest.length - line.length <= indent) {
          this.#held = rest;
          return { text, after: null };
        }
        this.#toggleFence(line);
        this.#atLineStart = false;
      }
      const end = rest.indexOf("\n") + 1 || rest.length;
      this.#atLineStart = rest[end - 1] === "\n";
      text += rest.slice(0, end);
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

  #mayBecome(line: string): boolean {
    if (this.#fence !== null) return line.length < this.#fence.length && this.#fence.startsWith(line);
    return [this.#mark, ...fences].some((mark) => line.length < mark.length && mark.startsWith(line));
  }

  #toggleFence(line: string): void {
    if (this.#fence === null) this.#fence = fences.find((fence) => line.startsWith(fence)) ?? null;
    else if (line.startsWith(this.#fence)) this.#fence = null;
  }
}

/** Length of the beginning of `text` that cannot be part of a `mark` that more text may complete. */
export function certain(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(mark.slice(0, length))) return text.length - length;
  }
  return text.length;
}
