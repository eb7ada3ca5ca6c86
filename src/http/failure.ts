/** Owns how an error leaves: OpenAI's error body, and the headers by which the SDKs decide whether to try again. */
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";

/** The answer to whatever was thrown. What is not an ApiError is a bug: logged, and told without its inside. */
export function failure(thrown: unknown, log: Log): Response {
  const error = thrown instanceof ApiError ? thrown : unexpected(thrown, log);
  const { status, retryable } = error.row;
  const wait = error.retryAfterSeconds ?? (status === 429 || status === 503 ? limits.retryAfterSeconds : null);
  const headers = new Headers({ "content-type": "application/json" });
  // The SDKs retry 409, 429 and all 5xx unless told not to.
  if (!retryable) headers.set("x-should-retry", "false");
  else if (wait !== null) headers.set("retry-after", String(wait));
  return new Response(JSON.stringify(error.body), { status, headers });
}

function unexpected(thrown: unknown, log: Log): ApiError {
  log.error("a request failed unexpectedly", { reason: thrown instanceof Error ? thrown.stack : String(thrown) });
  return new ApiError("server_error", "The server failed unexpectedly. Its log says more.");
}
