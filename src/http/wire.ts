/** Owns the way of a streamed answer onto its socket, one piece of text at a time. */
import type { ServerResponse } from "node:http";

export interface Wire {
  /** Takes a piece of the body; says whether there is room for more. */
  write(text: string): boolean;
  /** Resolves when there is room again, or nobody left who makes some. */
  drained(): Promise<void>;
  /** Ends the answer. */
  end(): void;
}

/** The wire of an answer whose headers have left. A client that takes nothing for `stalledMs`, of what waits for it, is left. */
export function wireOf(outgoing: ServerResponse, stalledMs: number): Wire {
  const { socket } = outgoing;
  const wait = (target: NodeJS.EventEmitter): Promise<void> => {
    if (outgoing.destroyed) return Promise.resolve();
    // Only while something waits: the clock of a socket is set anew with every write.
    outgoing.setTimeout(stalledMs);
    return new Promise((resolve) => {
      const wake = (): void => {
        target.off("drain", wake);
        outgoing.off("close", wake);
        outgoing.setTimeout(0);
        resolve();
      };
      target.on("drain", wake);
      outgoing.on("close", wake);
    });
  };
  const end = (): void => {
    outgoing.setTimeout(stalledMs);
    outgoing.end();
  };
  // A pipelined request has no socket before its turn, and HTTP/1.0 no chunks.
  if (socket === null || !outgoing.chunkedEncoding) {
    return { write: (text) => outgoing.write(text), drained: () => wait(outgoing), end };
  }
  // Node writes a chunk in four pieces; as one, a token costs a seventh less in all. What one turn of the loop brings leaves together.
  let pending = "";
  const flush = (): void => {
    if (pending !== "" && !socket.destroyed) socket.write(pending);
    pending = "";
  };
  return {
    write(text) {
      if (pending === "") process.nextTick(flush);
      pending += `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
      if (pending.length > socket.writableHighWaterMark) flush();
      return !socket.writableNeedDrain;
    },
    drained: () => wait(socket),
    end() {
      flush();
      end();
    },
  };
}
