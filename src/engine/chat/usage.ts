/** Owns the token counts of one answer: what upstreams report, in their spellings, and the open estimate where none does. */
import type { EnginePart, EngineRequest, Usage } from "../engine.ts";
import { at, countOf } from "../../spec/json.ts";

/** Characters a token holds on average, in English prose and code alike; used for estimates only. */
const charsPerToken = 4;

export function estimateTokens(chars: number): number {
  return Math.ceil(chars / charsPerToken);
}

/** Characters of a prompt as far as it is text: images cost tokens by their size in pixels, which nobody here knows. */
export function promptChars({ messages, tools }: EngineRequest): number {
  const texts = messages.map((message) => {
    if (message.role !== "assistant") return charsIn(message.content);
    const calls = message.calls.reduce((sum, call) => sum + call.name.length + call.arguments.length, 0);
    return message.content.length + (message.reasoning?.length ?? 0) + calls;
  });
  return texts.reduce((sum, chars) => sum + chars, JSON.stringify(tools).length);
}

const charsIn = (parts: readonly EnginePart[]): number =>
  parts.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0);

/** What we saw ourselves of an answer. */
export interface Seen {
  readonly promptChars: () => number;
  readonly answerChars: number;
  readonly reasoningChars: number;
  /** Tokens of thinking, where each chunk is known to be one token; else null. */
  readonly reasoningTokens: number | null;
}

/** Counts from a `usage` object, else from llama-server's `timings`, else estimated. */
export function usageFrom(reported: unknown, timings: unknown, seen: Seen): Usage {
  const counts = reportedIn(reported) ?? timedIn(timings);
  if (counts === null) {
    const reasoning = estimateTokens(seen.reasoningChars);
    const output = reasoning + estimateTokens(seen.answerChars);
    return { input: estimateTokens(seen.promptChars()), cached: 0, output, reasoning, estimated: true };
  }
  const { input, output } = counts;
  const cached = counts.cached ?? countOf(at(timings, "cache_n")) ?? 0;
  const reasoning = counts.reasoning ?? seen.reasoningTokens ?? 0;
  return { input, cached: Math.min(cached, input), output, reasoning: Math.min(reasoning, output), estimated: false };
}

interface Counts {
  readonly input: number;
  readonly output: number;
  readonly cached: number | null;
  readonly reasoning: number | null;
}

function reportedIn(usage: unknown): Counts | null {
  const input = countOf(at(usage, "prompt_tokens"));
  const output = countOf(at(usage, "completion_tokens"));
  if (input === null || output === null) return null;
  return {
    input,
    output,
    // The second is DeepSeek's spelling.
    cached:
      countOf(at(usage, "prompt_tokens_details", "cached_tokens")) ?? countOf(at(usage, "prompt_cache_hit_tokens")),
    reasoning: countOf(at(usage, "completion_tokens_details", "reasoning_tokens")),
  };
}

function timedIn(timings: unknown): Counts | null {
  const read = countOf(at(timings, "prompt_n"));
  const cached = countOf(at(timings, "cache_n"));
  const output = countOf(at(timings, "predicted_n"));
  if (read === null || cached === null || output === null) return null;
  return { input: read + cached, output, cached, reasoning: null };
}
