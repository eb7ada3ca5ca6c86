/** Owns the life of the PDF worker: started for the first PDF, ended when it takes too much time or memory, or rests. */
import { strict as assert } from "node:assert";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { PdfExtent, PdfOutcome, PdfRefusal } from "./pdf-worker.ts";

/** From the checkout this is a .ts file, from the built package a .js file; the worker stands beside it. */
const workerFile = new URL(`./pdf-worker${extname(import.meta.url)}`, import.meta.url);

export interface HostBounds extends PdfExtent {
  /** Milliseconds for one PDF. */
  readonly ms: number;
  /** Of the worker's heap, and of heap and buffers together. */
  readonly memoryMiB: number;
  readonly memoryPollMs: number;
  /** Milliseconds without a PDF after which the worker ends. */
  readonly idleMs: number;
}

export class PdfHost {
  readonly #bounds: HostBounds;
  #worker: Worker | null = null;
  #rest: NodeJS.Timeout | undefined;
  #busy = false;

  constructor(bounds: HostBounds) {
    this.#bounds = bounds;
  }

  /** One at a time; `bytes` are handed over and gone afterwards. */
  async read(bytes: Uint8Array<ArrayBuffer>): Promise<PdfOutcome> {
    assert(!this.#busy, "one PDF at a time");
    clearTimeout(this.#rest);
    const worker = (this.#worker ??= this.#start());
    // Nothing else may keep the program alive until the answer is here; a worker that rests must not.
    worker.ref();
    this.#busy = true;
    const outcome = await ask(worker, bytes, this.#bounds);
    this.#busy = false;
    worker.unref();
    if (outcome.kind === "refused" && ending.has(outcome.why)) await this.close();
    else this.#rest = setTimeout(() => void this.close(), this.#bounds.idleMs).unref();
    return outcome;
  }

  /** A PDF being read is `failed`. */
  async close(): Promise<void> {
    clearTimeout(this.#rest);
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  #start(): Worker {
    const { pages, chars, memoryMiB } = this.#bounds;
    const worker = new Worker(workerFile, {
      workerData: { pages, chars } satisfies PdfExtent,
      resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
      // A parser of strangers' files needs no keys.
      env: {},
      // What it prints is nobody's to read; whoever read it would keep the program alive.
      stdout: true,
      stderr: true,
    });
    // It may fail between two PDFs too, and an error that nobody hears ends the program.
    worker.on("error", () => {});
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = null;
    });
    return worker;
  }
}

/** After these the worker is still at work, or gone. */
const ending: ReadonlySet<PdfRefusal> = new Set(["slow", "greedy", "failed"]);

function ask(worker: Worker, bytes: Uint8Array<ArrayBuffer>, bounds: HostBounds): Promise<PdfOutcome> {
  const { promise, resolve } = Promise.withResolvers<PdfOutcome>();
  const refuse = (why: PdfRefusal): void => resolve({ kind: "refused", why });
  const onError = (error: unknown): void => refuse(isOutOfMemory(error) ? "greedy" : "failed");
  const onExit = (): void => refuse("failed");
  const clock = setTimeout(() => refuse("slow"), bounds.ms);
  // The limit that V8 keeps counts no buffers, and those are what a small deflated stream grows to.
  const poll = setInterval(() => {
    worker.getHeapStatistics().then(
      (memory) => {
        if (memory.used_heap_size + memory.external_memory > bounds.memoryMiB * 2 ** 20) refuse("greedy");
      },
      () => {},
    );
  }, bounds.memoryPollMs);
  worker.once("message", resolve).once("error", onError).once("exit", onExit);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
  worker.postMessage(bytes, [bytes.buffer]);
  return promise.finally(() => {
    clearTimeout(clock);
    clearInterval(poll);
    worker.off("message", resolve).off("error", onError).off("exit", onExit);
  });
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}
