/** Owns the event stream on the wire: framing, comments in silence, and the pace of a client that reads slowly. */
import type { ServerResponse } from "node:http";
import { type ClientDialect, endOf, eventIn, type SpelledEvent } from "../spec/client-dialects.ts";
import type { Event } from "../spec/events.ts";
import type { Send } from "../turn/stream.ts";
import { wireOf } from "./wire.ts";

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  // nginx would hold events back.
  "x-accel-buffering": "no",
} as const;

export interface StreamOptions {
  /** Milliseconds of silence before a comment, for proxies that close quiet connections; the first may take twice as long. */
  readonly commentMs: number;
  /** Milliseconds in which a client must have taken something of what was sent. */
  readonly stalledMs: number;
}

/**
 * Sends what `write` sends, until it is done. The headers leave before it begins; a promise that `send` gives resolves once
 * the socket has room again. The events are in nobody's dialect but leave in the client's.
 */
export async function sendEvents(
  outgoing: ServerResponse,
  dialect: ClientDialect,
  { commentMs, stalledMs }: StreamOptions,
  write: (send: Send) => Promise<unknown>,
): Promise<void> {
  outgoing.writeHead(200, headers);
  outgoing.flushHeaders();
  const wire = wireOf(outgoing, stalledMs);
  /** While the socket is full; one for all that is sent meanwhile. */
  let room: Promise<void> | null = null;
  let quiet = false;
  const silence = setInterval(() => {
    if (quiet && room === null) wire.write([": waiting\n\n"]);
    quiet = true;
  }, commentMs);
  const send: Send = (events) => {
    if (outgoing.destroyed) return null;
    quiet = false;
    if (wire.write(events.map((event) => frame(eventIn(dialect, event))))) return room;
    room ??= wire.drained().then(() => {
      room = null;
    });
    return room;
  };
  try {
    await write(send);
  } finally {
    clearInterval(silence);
  }
  const last = endOf(dialect).map((data) => `data: ${data}\n\n`);
  if (last.length > 0) wire.write(last);
  wire.end();
}

/** `event` and `data` of one line each, however a client splits lines: Python's `splitlines` knows three more breaks. */
function frame(event: Event | SpelledEvent): string {
  const data = JSON.stringify(event).replace(/[\u0085\u2028\u2029]/g, escape);
  return `event: ${event.type}\ndata: ${data}\n\n`;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
