/** Owns the program that every engine under test plays: what a request's command words make the model say. */
import type { EngineMessage, EngineRequest, JsonSchema } from "../../src/engine/engine.ts";

/** What a request comes down to, whichever wire it came over. */
export interface Ask {
  /** Text of the last user message: the command words stand in it. */
  readonly text: string;
  /** Whether a tool has answered since. */
  readonly answered: boolean;
  /** Offered tools in order, by name. */
  readonly tools: ReadonlyMap<string, JsonSchema>;
  /** `names`: one of these must be called; `none`: none may be. */
  readonly choice: "auto" | "none" | "required" | { readonly names: readonly string[] };
  /** Schema the whole answer must fit; null for free text. */
  readonly schema: JsonSchema | null;
  readonly maxTokens: number | null;
  /** Characters of the prompt; one character is one token. */
  readonly size: number;
}

/** What the model says: pieces of text, each one token. */
export interface Saying {
  readonly reasoning: readonly string[];
  readonly text: Iterable<string>;
  readonly call: { readonly name: string; readonly arguments: readonly string[] } | null;
}

export const scriptedContext = 131_072;

const pieces = (text: string): string[] => text.match(/.{1,4}/gsu) ?? [];
const nothing: Saying = { reasoning: [], text: [], call: null };

function* endless(): Generator<string> {
  for (let count = 1; ; count += 1) yield ` ${count}`;
}

/** The answer to `ask`; null where the prompt is larger than the context. */
export function say(ask: Ask): Saying | null {
  if (ask.size > scriptedContext) return null;
  const name = chosenTool(ask);
  if (name !== null) {
    return {
      ...nothing,
      call: { name, arguments: pieces(JSON.stringify(sampleOf(ask.tools.get(name) ?? {}))) },
    };
  }
  if (ask.schema !== null) return { ...nothing, text: pieces(JSON.stringify(sampleOf(ask.schema))) };
  if (ask.text.includes("[[long]]")) return { ...nothing, text: endless() };
  if (ask.text.includes("[[echo]]")) return { ...nothing, text: pieces(ask.text) };
  if (!ask.text.includes("[[think]]")) return { ...nothing, text: pieces("Hello from the scripted model.") };
  return { ...nothing, reasoning: pieces("First I ponder."), text: pieces("My considered reply is forty-two.") };
}

function chosenTool(ask: Ask): string | null {
  if (ask.choice === "none") return null;
  if (typeof ask.choice === "object") return ask.choice.names[0] ?? null;
  const wanted = ask.choice === "required" || (ask.text.includes("[[tool]]") && !ask.answered);
  return wanted ? (ask.tools.keys().next().value ?? null) : null;
}

/** Some value that fits `schema` (objects, enums and scalars: what the suite's tools use). */
export function sampleOf(schema: JsonSchema): unknown {
  const {
    enum: values,
    properties,
    type,
  } = schema as {
    enum?: readonly unknown[];
    properties?: Readonly<Record<string, JsonSchema>>;
    type?: string;
  };
  if (values) return values[0];
  if (type === "boolean") return true;
  if (type === "integer" || type === "number") return 1;
  if (type === "string") return "Paris";
  return Object.fromEntries(Object.entries(properties ?? {}).map(([name, inner]) => [name, sampleOf(inner)]));
}

/** `request` as the program sees it. */
export function askOf(request: EngineRequest): Ask {
  const last = request.messages.findLastIndex((message) => message.role === "user");
  return {
    text: textOf(request.messages[last]),
    answered: request.messages.slice(last + 1).some((message) => message.role === "tool"),
    tools: new Map(request.tools.map((tool) => [tool.name, tool.parameters])),
    choice: request.toolChoice,
    schema: request.format.type === "json_schema" ? request.format.schema : null,
    maxTokens: request.maxTokens,
    size: request.messages.reduce((sum, message) => sum + textOf(message).length, 0),
  };
}

function textOf(message: EngineMessage | undefined): string {
  if (message === undefined) return "";
  if (message.role === "assistant") return message.content;
  return message.content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
