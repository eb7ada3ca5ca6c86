/** Owns the reading of server-sent events as any server writes them, with their lines, and with what is odd about them. */
import { limits } from "../../limits.ts";

/** What stands between two blank lines, comments left out. */
export interface Frame {
  /** On which line it begins, from 1. */
  readonly line: number;
  readonly event: string | null;
  /** Lines of data, joined; null where there are none. */
  readonly data: string | null;
  /** How it differs from `event: T`, `data: ...`, blank line. */
  readonly faults: readonly string[];
}

/** The stream is longer than the checker can hold; the message says what, and where. */
export class UnreadableStream extends Error {
  override readonly name = "UnreadableStream";
}

interface Draft {
  readonly line: number;
  event: string | null;
  readonly data: string[];
  readonly faults: string[];
}

/** More of them say no more about one frame. */
const mostFaults = 4;

/** Takes the text in pieces of any size. Lines end as the standard of SSE has it: LF, CR LF, or CR. */
export class FrameReader {
  #line = 0;
  #pieces: string[] = [];
  #afterReturn = false;
  #draft: Draft | null = null;
  /** Characters of the frame so far. */
  #held = 0;
  #taken = 0;
  /** Whether these are the headers that `curl -i` leaves in front. */
  #head = false;
  #begun = false;

  /** How many lines there were. */
  get line(): number {
    return this.#line;
  }

  /** Throws UnreadableStream. */
  *push(text: string): Generator<Frame> {
    if (text === "") return;
    this.#taken += text.length;
    if (this.#taken > limits.checkStreamChars) this.#tooLong("the stream", limits.checkStreamChars);
    let from = this.#afterReturn && text.startsWith("\n") ? 1 : 0;
    this.#afterReturn = text.endsWith("\r");
    const ends = /\r\n|\n|\r/g;
    ends.lastIndex = from;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.#keep(text.slice(from, end.index));
      yield* this.#lineDone();
      from = ends.lastIndex;
    }
    this.#keep(text.slice(from));
  }

  /** What is left when the stream has ended. */
  *end(): Generator<Frame> {
    if (this.#pieces.length > 0) yield* this.#lineDone();
    if (this.#draft === null) return;
    fault(this.#draft, "no blank line behind it");
    yield* this.#frameDone();
  }

  #keep(piece: string): void {
    if (piece === "") return;
    this.#held += piece.length;
    if (this.#held > limits.checkEventChars)
      this.#tooLong(`the event at line ${this.#line + 1}`, limits.checkEventChars);
    this.#pieces.push(piece);
  }

  #tooLong(what: string, most: number): never {
    throw new UnreadableStream(`${what} is longer than ${most} characters`);
  }

  *#lineDone(): Generator<Frame> {
    const line = this.#pieces.join("");
    this.#pieces = [];
    this.#line += 1;
    if (!this.#begun && line.startsWith("HTTP/")) this.#head = true;
    if (line === "") {
      this.#head = false;
      return yield* this.#frameDone();
    }
    if (this.#head) return;
    this.#begun = true;
    if (line.startsWith(":")) return;
    this.#draft ??= { line: this.#line, event: null, data: [], faults: [] };
    readField(line, this.#draft);
  }

  *#frameDone(): Generator<Frame> {
    const draft = this.#draft;
    this.#draft = null;
    this.#held = 0;
    if (draft === null) return;
    const { line, event, data, faults } = draft;
    if (data.length === 0) fault(draft, "an event without data");
    if (data.length > 1) fault(draft, `data in ${data.length} lines`);
    yield { line, event, data: data.length === 0 ? null : data.join("\n"), faults };
  }
}

function readField(line: string, draft: Draft): void {
  const colon = line.indexOf(":");
  const name = colon < 0 ? line : line.slice(0, colon);
  const rest = colon < 0 ? "" : line.slice(colon + 1);
  const spaced = rest.startsWith(" ");
  const value = spaced ? rest.slice(1) : rest;
  if (name === "data") draft.data.push(value);
  else if (name === "event") {
    if (draft.event !== null) fault(draft, "two event lines");
    draft.event = value;
  } else if (name === "id" || name === "retry") return fault(draft, `a line '${name}'`);
  else return fault(draft, `a line that is no field: '${line.slice(0, 40)}'`);
  if (!spaced && rest !== "") fault(draft, `no space behind '${name}:'`);
}

function fault(draft: Draft, what: string): void {
  if (draft.faults.length < mostFaults) draft.faults.push(what);
}
