/** Owns the splitting of inline thinking (`<think>...</think>` at the start of an answer) from the answer itself. */
import { limits } from "../../limits.ts";
import { type Tags, thinkForms, thinkTags } from "./forms.ts";
import { certain } from "./marker.ts";

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
  #close: string;
  /** Text that may turn out to be a tag, or white space that may turn out to stand before one. */
  #held = "";
  #thought = false;
  /** White space that was left out so far. Too much of it is told like text, so that whoever bounds answers sees it. */
  #blank = 0;

  /** `inside`: the prompt already ended with the opening one of `tags`, so the answer starts in the middle of it. */
  constructor(inside = false, tags: Tags = thinkTags) {
    this.#stage = inside ? "thinking" : "start";
    this.#close = tags.close;
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
    const tags = thinkForms.find(({ open }) => text.startsWith(open));
    if (tags !== undefined) {
      this.#stage = "thinking";
      this.#close = tags.close;
      this.#held = text.slice(tags.open.length);
    } else if (this.#held.length > limits.blankChars || !thinkForms.some(({ open }) => open.startsWith(text))) {
      this.#stage = "answer";
      pieces.push({ type: "message", text: this.#held });
      this.#held = "";
    }
  }

  #think(pieces: ThinkPiece[]): void {
    if (!this.#thought) this.#leaveBlank();
    const at = this.#held.indexOf(this.#close);
    const end = at === -1 ? certain(this.#held, this.#close) : at;
    const text = this.#held.slice(0, end - trailing(this.#held, end));
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
    this.#leaveBlank();
    const text = this.#held;
    this.#held = "";
    if (text === "") return;
    this.#stage = "answer";
    pieces.push({ type: "message", text });
  }

  /** Leaves out the white space that comes first. */
  #leaveBlank(): void {
    const text = this.#held.trimStart();
    this.#blank += this.#held.length - text.length;
    if (this.#blank <= limits.blankChars) this.#held = text;
  }
}

/** How much white space stands before `end`; none where it is too much to be held back. */
function trailing(text: string, end: number): number {
  const length = end - text.slice(0, end).trimEnd().length;
  return length > limits.blankChars ? 0 : length;
}
