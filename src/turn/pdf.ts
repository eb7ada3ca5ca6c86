/** Owns the texts of PDFs: read once, one after the other, and remembered, since clients send a file with every turn. */
import { hash } from "node:crypto";
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import { type HostBounds, PdfHost } from "./pdf-host.ts";
import type { PdfOutcome } from "./pdf-worker.ts";

export interface PdfBounds extends HostBounds {
  /** Size of the PDFs that wait to be read, together. */
  readonly waitingBytes: number;
  /** Text remembered of all PDFs, in characters. */
  readonly keptChars: number;
  /** Refusals remembered. */
  readonly keptRefusals: number;
}

export const pdfBounds: PdfBounds = {
  pages: limits.pdfPages,
  chars: limits.pdfChars,
  ms: limits.pdfMs,
  memoryMiB: limits.pdfMemoryMiB,
  memoryPollMs: limits.pdfMemoryPollMs,
  idleMs: limits.pdfIdleMs,
  waitingBytes: limits.pdfWaitingBytes,
  keptChars: limits.pdfKeptChars,
  keptRefusals: limits.pdfKeptRefusals,
};

export class PdfReader {
  readonly #bounds: PdfBounds;
  readonly #host: PdfHost;
  /** Refusals apart from texts: that a PDF took too long must not be forgotten because others were read. */
  readonly #texts: Recent;
  readonly #refusals: Recent;
  readonly #reading = new Map<string, Promise<PdfOutcome>>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  constructor(bounds: PdfBounds) {
    this.#bounds = bounds;
    this.#host = new PdfHost(bounds);
    this.#texts = new Recent(bounds.keptChars, (outcome) => (outcome.kind === "text" ? outcome.text.length : 0));
    this.#refusals = new Recent(bounds.keptRefusals, () => 1);
  }

  /** `bytes` may be handed over. Throws where too many PDFs wait, as that must not become what a file holds. */
  read(bytes: Buffer<ArrayBuffer>): Promise<PdfOutcome> {
    if (this.#closed) return Promise.reject(shuttingDown());
    const digest = hash("sha256", bytes, "base64");
    const known = this.#texts.get(digest) ?? this.#refusals.get(digest);
    if (known) return Promise.resolve(known);
    const running = this.#reading.get(digest);
    if (running) return running;
    if (this.#waiting + bytes.length > this.#bounds.waitingBytes) {
      return Promise.reject(new ApiError("server_is_overloaded", "Too many PDFs wait to be read; try again later."));
    }
    const reading = this.#inTurn(bytes, digest);
    this.#reading.set(digest, reading);
    return reading.finally(() => this.#reading.delete(digest));
  }

  /** What waits is refused as the server's end. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#host.close();
    await this.#last;
  }

  async #inTurn(bytes: Buffer<ArrayBuffer>, digest: string): Promise<PdfOutcome> {
    this.#waiting += bytes.length;
    const size = bytes.length;
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    try {
      await before;
      if (this.#closed) throw shuttingDown();
      const outcome = await this.#host.read(ownBytes(bytes));
      // It ended with the server, and says nothing of the file.
      if (this.#closed) throw shuttingDown();
      (outcome.kind === "text" ? this.#texts : this.#refusals).set(digest, outcome);
      return outcome;
    } finally {
      this.#waiting -= size;
      resolve();
    }
  }
}

function shuttingDown(): ApiError {
  return new ApiError("server_shutting_down", "The server shuts down.");
}

/** Small buffers share their memory with others, which must not be handed over. */
function ownBytes(bytes: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const alone = bytes.byteLength === bytes.buffer.byteLength;
  return alone ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}

/** Outcomes by digest; those not asked for the longest go first. */
class Recent {
  readonly #room: number;
  readonly #weigh: (outcome: PdfOutcome) => number;
  readonly #kept = new Map<string, PdfOutcome>();
  #weight = 0;

  constructor(room: number, weigh: (outcome: PdfOutcome) => number) {
    this.#room = room;
    this.#weigh = weigh;
  }

  get(digest: string): PdfOutcome | undefined {
    const outcome = this.#kept.get(digest);
    if (outcome === undefined) return undefined;
    this.#kept.delete(digest);
    this.#kept.set(digest, outcome);
    return outcome;
  }

  set(digest: string, outcome: PdfOutcome): void {
    this.#kept.set(digest, outcome);
    this.#weight += this.#weigh(outcome);
    for (const [oldest, dropped] of this.#kept) {
      if (this.#weight <= this.#room) return;
      this.#kept.delete(oldest);
      this.#weight -= this.#weigh(dropped);
    }
  }
}
