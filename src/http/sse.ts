/** Owns the event stream on the wire: framing, comments in silence, and the pace of a client that reads slowly. */
import type { ServerResponse } from "node:http";
import { type ClientDialect, endOf, eventIn, type SpelledEvent } from "../spec/client-dialects.ts";
import type { Event } from "../spec/events.ts";

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  // nginx would hold events back.
  "x-accel-buffering": "no",
} as const;

export interface StreamOptions {
  /** Milliseconds of silence before a comment, for proxies that close quiet connections. */
  readonly commentMs: number;
  /** Milliseconds in which a client must have taken something of what was sent. */
  readonly stalledMs: number;
}

/**
 * Sends `events` until they end or the client is gone; the next one is asked for only when the socket took the last. The
 * headers leave before the first is asked for. The events are in nobody's dialect but leave in the client's.
 */
export async function sendEvents(
  outgoing: ServerResponse,
  events: AsyncIterable<Event>,
  dialect: ClientDialect,
  { commentMs, stalledMs }: StreamOptions,
): Promise<void> {
  outgoing.writeHead(200, headers);
  outgoing.flushHeaders();
  // Comments are traffic, so a silent engine does not count.
  outgoing.setTimeout(stalledMs, () => outgoing.destroy());
  const silence = setInterval(() => {
    if (!outgoing.writableNeedDrain) outgoing.write(": waiting\n\n");
  }, commentMs);
  try {
    for await (const event of events) {
      if (outgoing.destroyed) break;
      // One write an event: some parsers take what one read brings for one event.
      if (!outgoing.write(frame(eventIn(dialect, event)))) await drained(outgoing);
      silence.refresh();
    }
  } finally {
    clearInterval(silence);
  }
  outgoing.end(
    endOf(dialect)
      .map((data) => `data: ${data}\n\n`)
      .join(""),
  );
}

/** `event` and `data` of one line each, however a client splits lines: Python's `splitlines` knows three more breaks. */
function frame(event: Event | SpelledEvent): string {
  const data = JSON.stringify(event).replace(/[\u0085\u2028\u2029]/g, escape);
  return `event: ${event.type}\ndata: ${data}\n\n`;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Resolves when there is room again, or nobody left who makes some. */
function drained(outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      outgoing.off("drain", wake).off("close", wake);
      resolve();
    };
    outgoing.on("drain", wake).on("close", wake);
  });
}
