/** Owns how a misbehaving upstream is written down: the bytes it answers with, and what our client must see of them. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import type { ErrorCode } from "../../../src/errors.ts";
import { event } from "../../engine/upstream.ts";

/** One answer of an upstream. */
export interface Played {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Chunks as JSON, or the stream's raw text or bytes. */
  readonly sent: readonly unknown[];
  /** The connection breaks behind what was sent, instead of ending. */
  readonly breaks?: boolean;
  /** What was sent last is sent again until nobody listens. */
  readonly endless?: boolean;
}

export interface Row {
  readonly title: string;
  /** The first for the first request, and so on; the last for all others. */
  readonly answers: readonly Played[];
  /** Fields of the request beside its input and tools. */
  readonly asks?: Readonly<Record<string, unknown>>;
  /** Status, reason or code; then the items, each with its status where that is not `completed`. */
  readonly means: readonly string[];
  /** Input and output tokens, where they are told. */
  readonly usage?: string;
  /** What a client that does not stream is told where the response fails; `server_error` where nothing stands here. */
  readonly refusal?: ErrorCode;
  /** Seconds that it is asked to wait. */
  readonly wait?: string;
}

/** A stream. */
export const stream = (...sent: readonly unknown[]): Played => ({ sent });

/** An answer that is no stream. */
export const answer = (status: number, type: string, body: string, headers: Played["headers"] = {}): Played => ({
  status,
  headers: { "content-type": type, ...headers },
  sent: [Buffer.from(body)],
});

export const json = (status: number, body: unknown, headers?: Played["headers"]): Played =>
  answer(status, "application/json", JSON.stringify(body), headers);

/** Sends it. */
export async function play(
  { status = 200, headers, sent, breaks, endless }: Played,
  to: ServerResponse,
): Promise<void> {
  to.on("error", () => undefined);
  to.writeHead(status, { "content-type": "text/event-stream", ...headers });
  to.flushHeaders();
  const pieces = sent.map((piece) => (typeof piece === "string" || Buffer.isBuffer(piece) ? piece : event(piece)));
  for (const piece of pieces) await written(to, piece);
  if (endless === true) while (!to.destroyed) await written(to, pieces.at(-1) ?? "");
  if (breaks === true) to.destroy();
  else to.end();
}

/** Resolves when there is room for more, or nobody left who listens; others get their turn. */
async function written(to: ServerResponse, piece: string | Buffer): Promise<void> {
  if (!to.destroyed && !to.write(piece)) await Promise.race([once(to, "drain"), once(to, "close")]).catch(() => null);
  await turn();
}
