/** Owns the way from an upstream's response body to deltas: bytes, SSE events, JSON, each parsed once. */
import { StringDecoder } from "node:string_decoder";
import { createParser } from "eventsource-parser";
import { limits } from "../../limits.ts";
import type { Delta } from "../engine.ts";
import { type BodyReader, readText, type Answer } from "./answer.ts";
import { parse } from "../../spec/json.ts";
import type { ChatReader } from "./reader.ts";

/** The deltas of an answer. Reads ahead of whoever asks by `limits.upstreamHeldBytes`; ends without a last delta once `signal` is aborted. */
export function readAnswer(
  answer: Answer,
  reader: ChatReader,
  graceMs: number,
  signal: AbortSignal,
): AsyncIterable<Delta> {
  const type = answer.headers["content-type"] ?? "";
  // Some servers answer a request to stream with one JSON body, for some models or when they fail.
  return /^application\/json/i.test(type)
    ? readJson(answer, reader, signal)
    : new EventReading(answer, reader, graceMs, signal);
}

/**
 * The deltas of a stream of events. Written by hand upon what the body tells: a generator would cost each token more than
 * all that is done with it.
 */
class EventReading implements AsyncIterableIterator<Delta, undefined>, BodyReader {
  readonly #answer: Answer;
  readonly #reader: ChatReader;
  readonly #graceMs: number;
  readonly #signal: AbortSignal;
  readonly #events: Events;
  /** Not TextDecoder: while it streams, that takes the long way through ICU, for each token. */
  readonly #decoder = new StringDecoder("utf8");
  readonly #deltas: Delta[] = [];
  /** Bytes that came while nobody waited for a delta. */
  #held = 0;
  #wake: ((step: IteratorResult<Delta, undefined>) => void) | null = null;
  #grace: NodeJS.Timeout | null = null;
  #over = false;

  constructor(answer: Answer, reader: ChatReader, graceMs: number, signal: AbortSignal) {
    this.#answer = answer;
    this.#reader = reader;
    this.#graceMs = graceMs;
    this.#signal = signal;
    this.#events = createEvents(reader, this.#deltas);
    answer.read(this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Delta, undefined>> {
    if (this.#over || this.#deltas.length > 0) return Promise.resolve(this.#step());
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#endSoon();
      this.#held = 0;
      this.#answer.resume();
    });
  }

  return(): Promise<IteratorResult<Delta, undefined>> {
    this.#stop();
    this.#deltas.length = 0;
    return Promise.resolve(this.#step());
  }

  #step(): IteratorResult<Delta, undefined> {
    if (this.#signal.aborted) {
      this.#stop();
      this.#deltas.length = 0;
    }
    const delta = this.#deltas.shift();
    return delta === undefined ? { done: true, value: undefined } : { done: false, value: delta };
  }

  data(bytes: Buffer): void {
    if (this.#over) return;
    try {
      this.#events.feed(this.#decoder.write(bytes));
    } catch (error) {
      this.broke(error);
    }
    if (this.#reader.ended) this.#stop();
    else if (this.#wake === null) this.#hold(bytes.length);
    else if (this.#deltas.length > 0) this.#give();
    else this.#endSoon();
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    if (this.#held > limits.upstreamHeldBytes) this.#answer.pause();
  }

  /** To whom waits, if anybody does. */
  #give(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.(this.#step());
  }

  /** Once the answer is whole, the rest of the stream is waited for only so long: some servers leave it open. */
  #endSoon(): void {
    if (this.#reader.finished && !this.#over) this.#grace ??= setTimeout(() => this.end(), this.#graceMs);
  }

  end(): void {
    if (this.#over) return;
    try {
      this.#events.end();
    } catch (error) {
      this.broke(error);
    }
    this.#stop();
  }

  broke(error: unknown): void {
    if (this.#over) return;
    if (this.#reader.finished) this.#reader.end(this.#deltas);
    else this.#reader.break(error, this.#deltas);
    this.#stop();
  }

  /**
   * Lets go of the body: one that said `[DONE]` is read to its end, which keeps the connection for the next request; any
   * other is closed at once, which makes the upstream stop its work.
   */
  #stop(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#grace !== null) clearTimeout(this.#grace);
    if (this.#events.done()) this.#answer.skipRest(this.#graceMs);
    else this.#answer.leave();
    this.#give();
  }
}

interface Events {
  feed(text: string): void;
  end(): void;
  done(): boolean;
}

/** SSE text in, `deltas` filled. */
function createEvents(reader: ChatReader, deltas: Delta[]): Events {
  let done = false;
  const parser = createParser({
    maxBufferSize: limits.upstreamEventChars,
    onEvent({ data }) {
      if (done || data === "") return;
      if (data === "[DONE]") {
        done = true;
        reader.end(deltas);
        return;
      }
      const chunk = parse(data);
      if (typeof chunk === "object" && chunk !== null) reader.push(chunk, deltas);
      else if (!reader.finished) reader.reject("sent an event that is not JSON", deltas);
    },
    onError(error) {
      if (error.type === "max-buffer-size-exceeded") reader.reject("sent an event without end", deltas);
    },
  });
  return {
    feed(text) {
      if (!reader.ended) parser.feed(text);
    },
    end() {
      // The last event may lack its blank line.
      if (!reader.ended) parser.feed("\n\n");
      reader.end(deltas);
    },
    done: () => done,
  };
}

async function* readJson(answer: Answer, reader: ChatReader, signal: AbortSignal): AsyncGenerator<Delta> {
  const deltas: Delta[] = [];
  try {
    const body = parse(await readText(answer, limits.upstreamJsonBytes));
    if (typeof body === "object" && body !== null) reader.push(body, deltas);
    else reader.reject("sent JSON that does not parse", deltas);
    reader.end(deltas);
  } catch (error) {
    reader.break(error, deltas);
  }
  if (!signal.aborted) yield* deltas;
}
