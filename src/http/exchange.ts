/** Owns what a handler is given: one HTTP exchange, and the line it may put turns on. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "hono";
import { limits } from "../limits.ts";
import type { Line } from "../turn/prepare.ts";

export interface Bindings {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** Aborted when the client is gone; with an ApiError when the server shuts down. */
  readonly signal: AbortSignal;
}

export type Exchange = Context<{ Bindings: Bindings }>;

/** Answers a request; an ApiError that it throws becomes the answer. */
export type Handler = (exchange: Exchange, line: Line) => Response | Promise<Response>;

/** A header's value as it may be used further: one, printable, of bounded length; null where it is not. */
export function saneHeader(value: string | readonly string[] | undefined): string | null {
  if (typeof value !== "string" || value === "" || value.length > limits.headerChars) return null;
  return /^[\x20-\x7e]+$/.test(value) ? value : null;
}
