/** Owns the request body on its way in: decompression, the size bound while it streams, and who parses it. */
import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import { parseJson } from "./json.ts";
import { parseLargeJson } from "./large-json.ts";

/** What Content-Encoding may say. Codex can send zstd, others gzip. */
const codings: Readonly<Record<string, (() => Transform) | null>> = {
  identity: null,
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** First size of the buffer that a body is collected in, where it does not say that it is shorter; it doubles. */
const firstBytes = 64 * 1024;

/** The parsed JSON body. Throws an ApiError: 400 not JSON, 413 too large, 415 unknown encoding. */
export async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const bytes = await readBody(incoming);
  return bytes.length > limits.inlineJsonBytes ? parseLargeJson(bytes) : parseJson(bytes);
}

/** The decompressed body, which owns its memory. The request stays readable, so that a refusal can still be answered. */
async function readBody(incoming: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const coding = (incoming.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const create = codings[coding];
  if (create === undefined || !Object.hasOwn(codings, coding)) {
    const known = Object.keys(codings).join(", ");
    throw new ApiError("unsupported_encoding", `Content-Encoding '${coding}' is not supported. Supported: ${known}.`);
  }
  if (create === null) {
    const announced = Number(incoming.headers["content-length"] ?? firstBytes);
    if (announced > limits.bodyBytes) throw tooLarge();
    return collect(incoming, Math.min(announced, firstBytes));
  }
  const decoder = create();
  // A pipe hands on the end, but not that the client went away.
  const leave = (): void => {
    if (isGone(incoming)) decoder.destroy(new Error("The client went away."));
  };
  incoming.once("close", leave).pipe(decoder);
  try {
    return await collect(decoder, firstBytes);
  } catch (thrown) {
    if (thrown instanceof ApiError || isGone(incoming)) throw thrown;
    throw new ApiError("invalid_value", `The body is not valid ${coding}, which its Content-Encoding says it is.`);
  } finally {
    incoming.off("close", leave).unpipe(decoder);
    decoder.destroy();
  }
}

/** Whether the client left in the middle of its request; a whole one is destroyed too, once it was read. */
export function isGone(incoming: IncomingMessage): boolean {
  return incoming.destroyed && !incoming.complete;
}

/** One growing buffer and not a list of chunks: a client that sends single bytes would make each cost a hundred. */
async function collect(source: IncomingMessage | Transform, first: number): Promise<Buffer<ArrayBuffer>> {
  let body = Buffer.allocUnsafeSlow(first);
  let size = 0;
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const next = size + chunk.length;
    if (next > limits.bodyBytes) throw tooLarge();
    if (next > body.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(next, Math.min(body.length * 2, limits.bodyBytes)));
      body.copy(larger, 0, 0, size);
      body = larger;
    }
    chunk.copy(body, size);
    size = next;
  }
  return body.subarray(0, size);
}

function tooLarge(): ApiError {
  const most = limits.bodyBytes / 1024 / 1024;
  return new ApiError(
    "request_too_large",
    `The request body is larger than ${most} MiB (counted decompressed). Send fewer or smaller items.`,
  );
}
