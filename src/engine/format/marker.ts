/** Owns the finding of a tool call in an answer: its marker counts at the start of a line, outside code fences, only. */

/** The marks of Hermes models (Qwen, Hermes, Granite, ...), which our own protocol for all other models uses as well. */
export const callTags = { open: "<tool_call>", close: "</tool_call>" } as const;
export const thinkTags = { open: "<think>", close: "</think>" } as const;

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
  #atLineStart = true;
  /** What ends the code block that the answer is in. */
  #fence: string | null = null;

  push(chunk: string): Found {
    let rest = this.#held + chunk;
    let text = "";
    this.#held = "";
    while (rest !== "") {
      if (this.#atLineStart) {
        const line = rest.replace(/^[ \t]+/, "");
        if (this.#fence === null && line.startsWith(callTags.open)) {
          const before = rest.slice(0, rest.length - line.length);
          return { text: text + before, after: line.slice(callTags.open.length) };
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
    return [callTags.open, ...fences].some((mark) => line.length < mark.length && mark.startsWith(line));
  }

  #toggleFence(line: string): void {
    if (this.#fence === null) this.#fence = fences.find((fence) => line.startsWith(fence)) ?? null;
    else if (line.startsWith(this.#fence)) this.#fence = null;
  }
}
