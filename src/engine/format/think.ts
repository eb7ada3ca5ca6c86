/** Owns the splitting of inline thinking (`<think>...</think>` at the start of an answer) from the answer itself. */

/** Tags that models open their thinking with, and what ends it (Qwen and DeepSeek; Claude-like tunes; Seed; Magistral). */
const tags: Readonly<Record<string, string>> = {
  "<think>": "</think>",
  "<thinking>": "</thinking>",
  "<seed:think>": "</seed:think>",
  "[THINK]": "[/THINK]",
};
const openers = Object.keys(tags);

export interface ThinkPiece {
  readonly type: "reasoning" | "message";
  /** Never empty. */
  readonly text: string;
}

type Stage =
  /** Nothing but white space and perhaps a part of a tag has come. */
  | "start"
  | "thinking"
  /** The white space between the closing tag and the answer. */
  | "between"
  | "answer";

/**
 * Splits one answer, in chunks of any size. Only a tag that opens the answer counts: one that comes later is text that
 * quotes it. White space around the thinking belongs to neither side, since chat templates put it back themselves.
 */
export class ThinkSplitter {
  #stage: Stage;
  #close = "</think>";
  /** Text that may turn out to be a tag, or white space that may turn out to stand before one. */
  #held = "";
  #thought = false;

  /** `inside`: the prompt already ended with `<think>`, so the answer starts in the middle of it. */
  constructor(inside = false) {
    this.#stage = inside ? "thinking" : "start";
  }

  /** Whether all that follows is plain answer, so that it need not pass through here. */
  get settled(): boolean {
    return this.#stage === "answer";
  }

  push(text: string): readonly ThinkPiece[] {
    if (this.#stage === "answer") return text === "" ? [] : [{ type: "message", text }];
    const pieces: ThinkPiece[] = [];
    this.#held += text;
    if (this.#stage === "start") this.#begin(pieces);
    if (this.#stage === "thinking") this.#think(pieces);
    if (this.#stage === "between") this.#answer(pieces);
    return pieces;
  }

  /** What was held back when the stream ended, for whatever reason it did. */
  end(): readonly ThinkPiece[] {
    const type = this.#stage === "thinking" ? "reasoning" : "message";
    const text = this.#stage === "between" || this.#held.trim() === "" ? "" : this.#held;
    this.#held = "";
    this.#stage = "answer";
    return text === "" ? [] : [{ type, text }];
  }

  #begin(pieces: ThinkPiece[]): void {
    const text = this.#held.trimStart();
    const opener = openers.find((tag) => text.startsWith(tag));
    if (opener !== undefined) {
      this.#stage = "thinking";
      this.#close = tags[opener] ?? this.#close;
      this.#held = text.slice(opener.length);
    } else if (!openers.some((tag) => tag.startsWith(text))) {
      this.#stage = "answer";
      pieces.push({ type: "message", text: this.#held });
      this.#held = "";
    }
  }

  #think(pieces: ThinkPiece[]): void {
    if (!this.#thought) this.#held = this.#held.trimStart();
    const at = this.#held.indexOf(this.#close);
    const end = at === -1 ? certain(this.#held, this.#close) : at;
    const text = this.#held.slice(0, end).trimEnd();
    if (text !== "") pieces.push({ type: "reasoning", text });
    this.#thought ||= text !== "";
    if (at === -1) {
      this.#held = this.#held.slice(text.length);
      return;
    }
    this.#held = this.#held.slice(at + this.#close.length);
    this.#stage = "between";
  }

  #answer(pieces: ThinkPiece[]): void {
    const text = this.#held.trimStart();
    this.#held = "";
    if (text === "") return;
    this.#stage = "answer";
    pieces.push({ type: "message", text });
  }
}

/** Length of the beginning of `text` that cannot be part of a `tag` that more text may complete. */
function certain(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(tag.slice(0, length))) return text.length - length;
  }
  return text.length;
}
