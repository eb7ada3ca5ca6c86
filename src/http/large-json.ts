/** Owns the parsing of large bodies away from the event loop, and their return to it in portions. */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Portion } from "./json-worker.ts";

/** From the checkout this is a .ts file, from the built package a .js file; the worker stands beside it. */
const workerFile = new URL(`./json-worker${extname(import.meta.url)}`, import.meta.url);

/**
 * As `parseJson`; `bytes` are handed over and gone afterwards. A worker a body: no state between clients, and one that runs
 * out of memory takes nothing with it. The result is fetched portion by portion, as taking it over at once would block
 * longer than parsing it here.
 */
export async function parseLargeJson(bytes: Buffer<ArrayBuffer>): Promise<unknown> {
  await enter();
  return parseInWorker(bytes).finally(leave);
}

/** Each worker may take a large part of the memory, and there are few processors for them: others wait their turn. */
let parsing = 0;
const waiting: (() => void)[] = [];

function enter(): Promise<void> {
  if (parsing >= limits.jsonWorkers) return new Promise((resolve) => void waiting.push(resolve));
  parsing += 1;
  return Promise.resolve();
}

/** The place goes to the next one, or is free. */
function leave(): void {
  const next = waiting.shift();
  if (next) next();
  else parsing -= 1;
}

function parseInWorker(bytes: Buffer<ArrayBuffer>): Promise<unknown> {
  const worker = new Worker(workerFile, {
    workerData: bytes,
    transferList: [bytes.buffer],
    resourceLimits: { maxOldGenerationSizeMb: limits.jsonWorkerMiB },
  });
  const fields: [string, unknown][] = [];
  const parsed = new Promise<unknown>((resolve, reject) => {
    worker.on("message", (portion: Portion) => {
      if (portion.kind === "refused") reject(new ApiError(portion.code, portion.message));
      else if (portion.kind === "other") resolve(portion.value);
      else if (portion.kind === "end") resolve(Object.fromEntries(fields));
      else {
        if (portion.kind === "fields") fields.push(...portion.fields);
        else addItems(fields, portion.name, portion.items);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
        worker.postMessage("next");
      }
    });
    worker.once("error", (error) => reject(isOutOfMemory(error) ? tooMuch() : error));
    worker.once("exit", () => reject(new Error("The JSON worker ended without a result.")));
  });
  return parsed.finally(() => void worker.terminate());
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function tooMuch(): ApiError {
  return new ApiError("request_too_large", "The request body needs too much memory to be parsed.");
}

/** Items of one list come in one run of portions. */
function addItems(fields: [string, unknown][], name: string, items: readonly unknown[]): void {
  const [last, list] = fields.at(-1) ?? [];
  if (last === name && Array.isArray(list)) list.push(...items);
  else fields.push([name, [...items]]);
}
