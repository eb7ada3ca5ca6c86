/** Owns the reading of log probabilities, as Chat Completions spells them. */
import { listOf, textOf } from "../../spec/json.ts";
import type { Logprob } from "../engine.ts";

/** Those of a choice's `logprobs.content`, one a token. */
export function logprobsIn(content: unknown): readonly Logprob[] {
  return listOf(content).map((entry) => ({ ...logprobIn(entry), top: listOf(entry["top_logprobs"]).map(logprobIn) }));
}

/** The last of `logprobs`, as many as make up `chars` characters. */
export function lastOf(logprobs: readonly Logprob[], chars: number): readonly Logprob[] {
  let left = chars;
  let from = logprobs.length;
  while (left > 0 && from > 0) {
    from -= 1;
    left -= logprobs[from]?.token.length ?? 0;
  }
  return logprobs.slice(from);
}

function logprobIn(entry: Readonly<Record<string, unknown>>): Omit<Logprob, "top"> {
  const token = textOf(entry["token"]) ?? "";
  const { logprob, bytes } = entry as { logprob?: unknown; bytes?: unknown };
  return {
    token,
    logprob: typeof logprob === "number" ? logprob : 0,
    bytes: Array.isArray(bytes) ? (bytes as readonly number[]) : [...Buffer.from(token)],
  };
}
