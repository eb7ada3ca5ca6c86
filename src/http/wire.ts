/** Owns the way of a streamed answer onto its socket. */
import type { ServerResponse } from "node:http";

export interface Wire {
  /** Takes pieces of the body, each a chunk of its own; says whether there is room for more. */
  write(pieces: readonly string[]): boolean;
  /** Resolves when there is room again, or nobody left who makes some. */
  drained(): Promise<void>;
  /** Ends the answer. */
  end(): void;
}

/** The wire of an answer whose headers have left. A client that takes nothing for `stalledMs`, of what waits for it, is left. */
export function wireOf(outgoing: ServerResponse, stalledMs: number): Wire {
  // A pipelined request has no socket before its turn, and HTTP/1.0 no chunks.
  const socket = outgoing.chunkedEncoding ? outgoing.socket : null;
  const target = socket ?? outgoing;
  return {
    write(pieces) {
      if (socket === null) return outgoing.write(pieces.join(""));
      return socket.destroyed || socket.write(chunksOf(pieces));
    },
    drained() {
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
    },
    end: () => void outgoing.end(),
  };
}

/** Leaves a client that takes nothing for `stalledMs` of an answer that is whole. Bounds nothing before that: models take their time. */
export function boundEnd(outgoing: ServerResponse, stalledMs: number): void {
  outgoing.once("prefinish", () => outgoing.setTimeout(stalledMs));
  // Before Node's own listener, which sets how long the connection may be idle. A pipelined request would inherit our clock.
  outgoing.prependOnceListener("finish", () => outgoing.setTimeout(0));
}

/** Node writes each chunk in four parts; in one, with all that leaves at once, a token costs a sixth less in all. */
function chunksOf(pieces: readonly string[]): string {
  return pieces.map((piece) => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`).join("");
}
