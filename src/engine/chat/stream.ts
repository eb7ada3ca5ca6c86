/** Owns the way from an upstream's response body to deltas: bytes, SSE events, JSON, each parsed once. */
import { createParser } from "eventsource-parser";
import type { Readable } from "node:stream";
import { limits } from "../../limits.ts";
import type { Delta } from "../engine.ts";
import { type Response, readText } from "./connection.ts";
import { parse } from "../../spec/json.ts";
import type { ChatReader } from "./reader.ts";

/** The deltas of an answer. Reads on only as it is asked to; ends without a last delta once `signal` is aborted. */
export function readAnswer(
  response: Response,
  reader: ChatReader,
  graceMs: number,
  signal: AbortSignal,
): AsyncIterable<Delta> {
  const type = String(response.headers["content-type"] ?? "");
  // Some servers answer a request to stream with one JSON body, for some models or when they fail.
  return /^application\/json/i.test(type)
    ? readJson(response.body, reader, signal)
    : readEvents(response.body, reader, graceMs, signal);
}

async function* readEvents(
  body: Readable,
  reader: ChatReader,
  graceMs: number,
  signal: AbortSignal,
): AsyncGenerator<Delta> {
  const deltas: Delta[] = [];
  const events = createEvents(reader, deltas);
  const decoder = new TextDecoder();
  try {
    const next = readingWithGrace(body, () => reader.finished, graceMs);
    for (let bytes = await next(); bytes.done !== true; bytes = await next()) {
      events.feed(decoder.decode(bytes.value, { stream: true }));
      for (const delta of deltas) {
        if (signal.aborted) return;
        yield delta;
      }
      deltas.length = 0;
      if (reader.ended) return;
    }
    events.end();
  } catch (error) {
    deltas.length = 0;
    if (reader.finished) reader.end(deltas);
    else reader.break(error, deltas);
  } finally {
    release(body, events.done());
  }
  if (!signal.aborted) yield* deltas;
}

type Read = IteratorResult<Uint8Array, undefined>;

/**
 * Reads `body` piece by piece, until its end or until `graceMs` after it is `finished`: some servers leave the stream open.
 * No generator around that of the body, since each costs as much as all that is done with a token.
 */
function readingWithGrace(body: Readable, finished: () => boolean, graceMs: number): () => Promise<Read> {
  const chunks: AsyncIterator<Uint8Array, undefined> = body.iterator({ destroyOnReturn: false });
  let deadline: number | null = null;
  return () => {
    if (!finished()) return chunks.next();
    deadline ??= performance.now() + graceMs;
    return before(deadline, chunks);
  };
}

/** What `chunks` give next, or their end where `deadline` comes first. */
async function before(deadline: number, chunks: AsyncIterator<Uint8Array, undefined>): Promise<Read> {
  const end: Read = { done: true, value: undefined };
  const patience = deadline - performance.now();
  if (patience <= 0) return end;
  const late = Promise.withResolvers<Read>();
  const timer = setTimeout(() => late.resolve(end), patience);
  try {
    return await Promise.race([chunks.next(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** SSE text in, `deltas` filled. */
function createEvents(reader: ChatReader, deltas: Delta[]): { feed(text: string): void; end(): void; done(): boolean } {
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

/**
 * Lets go of `body`: one that said `[DONE]` is read to its end, which keeps the connection for the next request; any
 * other is closed at once, which makes the upstream stop its work.
 */
function release(body: Readable, done: boolean): void {
  body.on("error", () => undefined);
  if (done) body.once("data", () => body.destroy()).resume();
  else body.destroy();
}

async function* readJson(body: Readable, reader: ChatReader, signal: AbortSignal): AsyncGenerator<Delta> {
  const deltas: Delta[] = [];
  try {
    const answer = parse(await readText(body, limits.upstreamJsonBytes));
    if (typeof answer === "object" && answer !== null) reader.push(answer, deltas);
    else reader.reject("sent JSON that does not parse", deltas);
    reader.end(deltas);
  } catch (error) {
    reader.break(error, deltas);
  }
  if (!signal.aborted) yield* deltas;
}
