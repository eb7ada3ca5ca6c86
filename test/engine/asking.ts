/** Owns the requests that the engine tests make: prompts, tools, and the defaults around them. */
import type { EngineMessage, EngineRequest, EngineTool, JsonSchema } from "../../src/engine/engine.ts";

const object = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/** A tool of one free text argument. */
export const weather: EngineTool = {
  name: "get_weather",
  description: "Weather of a city.",
  parameters: object({ city: { type: "string" } }),
  strict: true,
  inputGrammar: null,
  inThread: false,
  callable: true,
};
/** A tool whose arguments a grammar can bound. */
export const poll: EngineTool = {
  name: "answer_poll",
  description: "Answers the poll.",
  parameters: object({ choice: { type: "string", enum: ["yes", "no"] }, sure: { type: "boolean" } }),
  strict: true,
  inputGrammar: null,
  inThread: false,
  callable: true,
};

export const user = (text: string): EngineMessage => ({ role: "user", content: [{ type: "text", text }] });

/** A request of one user message, or of `messages`; greedy, so that the same request gets the same answer. */
export function asking(prompt: string | readonly EngineMessage[], rest: Partial<EngineRequest> = {}): EngineRequest {
  return {
    model: "default",
    messages: typeof prompt === "string" ? [user(prompt)] : prompt,
    tools: [],
    toolChoice: "auto",
    parallelToolCalls: true,
    format: { type: "text" },
    effort: null,
    sampling: { temperature: 0, topP: null, presencePenalty: null, frequencyPenalty: null, seed: null },
    maxTokens: null,
    topLogprobs: null,
    affinity: null,
    extra: {},
    ...rest,
  };
}
