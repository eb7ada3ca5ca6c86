/** Owns the Response object: every key of the strictest client, and how a new one looks before anything happened. */
import { echoChoice, echoTool } from "./echo.ts";
import type { Item } from "./items.ts";
import type { Request } from "./request.ts";
import type { Tool } from "./tools.ts";

export type ResponseStatus = "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

/** Flat numbers only: the Agents SDK rejects nested details, and Java reads `cache_write_tokens`. */
export interface ResponseUsage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: number; readonly cache_write_tokens: number };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
}

export interface ResponseError {
  readonly code: string;
  readonly message: string;
}

/** Every key is present in every snapshot; times are whole seconds since 1970. */
export interface Response {
  readonly id: string;
  readonly object: "response";
  readonly created_at: number;
  readonly status: ResponseStatus;
  readonly completed_at: number | null;
  readonly background: boolean;
  readonly conversation: { readonly id: string } | null;
  readonly error: ResponseError | null;
  readonly incomplete_details: { readonly reason: "max_output_tokens" | "content_filter" } | null;
  readonly instructions: string | null;
  readonly max_output_tokens: number | null;
  readonly max_tool_calls: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly model: string;
  readonly output: readonly Item[];
  readonly output_text: string;
  readonly parallel_tool_calls: boolean;
  readonly presence_penalty: number;
  readonly frequency_penalty: number;
  readonly previous_response_id: string | null;
  readonly prompt_cache_key: string | null;
  readonly reasoning: { readonly effort: string | null; readonly summary: string | null };
  readonly safety_identifier: string | null;
  readonly service_tier: string;
  readonly store: boolean;
  readonly temperature: number;
  readonly text: { readonly format: Readonly<Record<string, unknown>>; readonly verbosity?: string };
  readonly tool_choice: unknown;
  readonly tools: readonly Tool[];
  readonly top_logprobs: number;
  readonly top_p: number;
  readonly truncation: "auto" | "disabled";
  readonly usage: ResponseUsage;
  readonly user: string | null;
  readonly access_programs: null;
}

/** Zeros, not null: clients add up what they see, and OpenAI's schema wants an object. */
export const noUsage: ResponseUsage = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};

/** The closed enums of async-openai: another value in an echo breaks its parser, so the nearest known one is echoed. */
const echoes = {
  effort: new Set(["none", "minimal", "low", "medium", "high", "xhigh"]),
  summary: new Set(["auto", "concise", "detailed"]),
  tier: new Set(["auto", "default", "flex", "scale", "priority"]),
  verbosity: new Set(["low", "medium", "high"]),
} as const;

/** The Response of `request` at its very beginning. `createdAt` in seconds; `model` is the name the client asked for. */
export function newResponse(request: Request, id: string, model: string, createdAt: number): Response {
  const effort = request.reasoning?.effort ?? null;
  const summary = request.reasoning?.summary ?? null;
  const tier = request.service_tier ?? "default";
  const verbosity = request.text?.verbosity;
  return {
    id,
    object: "response",
    created_at: createdAt,
    status: "in_progress",
    completed_at: null,
    background: request.background ?? false,
    conversation: null,
    error: null,
    incomplete_details: null,
    instructions: instructionsText(request.instructions),
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    model,
    output: [],
    output_text: "",
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    presence_penalty: request.presence_penalty ?? 0,
    frequency_penalty: request.frequency_penalty ?? 0,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: {
      effort: effort === null ? null : effort === "max" ? "xhigh" : echoes.effort.has(effort) ? effort : "medium",
      summary: summary === null ? null : echoes.summary.has(summary) ? summary : "auto",
    },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: echoes.tier.has(tier) ? tier : "default",
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: {
      format: request.text?.format ?? { type: "text" },
      ...(verbosity !== undefined && verbosity !== null && echoes.verbosity.has(verbosity) ? { verbosity } : {}),
    },
    tool_choice: echoChoice(request.tool_choice ?? "auto"),
    tools: (request.tools ?? []).flatMap(echoTool),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? "disabled",
    usage: noUsage,
    user: request.user ?? null,
    access_programs: null,
  };
}

/** Instructions as text; items are joined, as Open Responses allows only a string in the echo. */
export function instructionsText(instructions: Request["instructions"]): string | null {
  if (instructions === null || instructions === undefined || typeof instructions === "string")
    return instructions ?? null;
  const texts = instructions.flatMap((item) => {
    const content: unknown = typeof item === "object" && item !== null && "content" in item ? item.content : item;
    if (typeof content === "string") return [content];
    if (!Array.isArray(content)) return [];
    return content.flatMap((part: unknown) =>
      typeof part === "object" && part !== null && "text" in part && typeof part.text === "string" ? [part.text] : [],
    );
  });
  return texts.join("\n\n");
}
