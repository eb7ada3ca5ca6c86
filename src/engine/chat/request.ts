/** Owns the Chat-Completions body of an engine request, in the upstream's dialect. */
import type { EngineMessage, EnginePart, EngineRequest, EngineTool } from "../engine.ts";
import type { Dialect } from "./dialects.ts";
import { type Fields, fieldsOf } from "../../spec/json.ts";

export type ChatBody = Readonly<Record<string, unknown>> & { readonly messages: readonly ChatMessage[] };
export type ChatMessage = Readonly<Record<string, unknown>>;

/** The body to post; `stream` is always asked for. What our tables know wins over `extra`. */
export function chatBody(request: EngineRequest, dialect: Dialect): ChatBody {
  const effort = request.effort === null ? {} : dialect.effort(request.effort);
  const kwargs = { ...fieldsOf(effort["chat_template_kwargs"]), ...fieldsOf(request.extra["chat_template_kwargs"]) };
  // A null means the same as nothing, but vLLM and others refuse it.
  const extra = Object.fromEntries(Object.entries(request.extra).filter(([, value]) => value !== null));
  return {
    ...extra,
    ...effort,
    ...(Object.keys(kwargs).length > 0 && { chat_template_kwargs: kwargs }),
    ...dialect.constants,
    ...sampling(request),
    ...tools(request, dialect),
    ...format(request, dialect),
    ...(request.maxTokens !== null && { max_tokens: request.maxTokens }),
    ...(request.topLogprobs !== null && { logprobs: true, top_logprobs: request.topLogprobs }),
    model: request.model,
    messages: chatMessages(request.messages, dialect),
    stream: true,
    stream_options: { include_usage: true },
  };
}

function sampling({ sampling }: EngineRequest): Fields {
  const fields = {
    temperature: sampling.temperature,
    top_p: sampling.topP,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    seed: sampling.seed,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** Tools are left out where none may be called: llama-server's "none" lets calls through as text. */
function tools({ tools: shown, toolChoice, parallelToolCalls }: EngineRequest, dialect: Dialect): Fields {
  const tools = shown.filter(({ callable }) => callable);
  if (tools.length === 0 || toolChoice === "none") return {};
  const all = { tools: tools.map(chatTool), parallel_tool_calls: parallelToolCalls };
  if (toolChoice === "auto") return all;
  if (toolChoice === "required") return { ...all, tool_choice: "required" };
  const [only, ...others] = toolChoice.names;
  if (dialect.namedChoice === "object" && others.length === 0) {
    return { ...all, tool_choice: { type: "function", function: { name: only } } };
  }
  const named = tools.filter(({ name }) => toolChoice.names.includes(name));
  return { ...all, tools: named.map(chatTool), tool_choice: "required" };
}

function chatTool({ name, description, parameters, strict }: EngineTool): Fields {
  return { type: "function", function: { name, description, parameters, ...(strict && { strict }) } };
}

function format({ format }: EngineRequest, dialect: Dialect): Fields {
  if (format.type === "text") return {};
  if (format.type === "json_object") return { response_format: dialect.jsonObject };
  const { name, schema, strict } = format;
  return { response_format: { type: "json_schema", json_schema: { name, schema, strict } } };
}

/** Images of tool results follow in a user message after their batch: tool messages may hold text only. */
function chatMessages(messages: readonly EngineMessage[], dialect: Dialect): ChatMessage[] {
  const chat: ChatMessage[] = [];
  let images: EnginePart[] = [];
  const flush = (): void => {
    if (images.length > 0) chat.push({ role: "user", content: content(images) });
    images = [];
  };
  for (const message of messages) {
    if (message.role !== "tool") flush();
    if (message.role === "tool") {
      const pictures = message.content.filter(({ type }) => type === "image");
      if (pictures.length > 0) images.push({ type: "text", text: `Images of ${message.name}:` }, ...pictures);
      const text = content(message.content.filter(({ type }) => type === "text"));
      chat.push({ role: "tool", tool_call_id: message.callId, content: text });
    } else if (message.role === "assistant") chat.push(assistant(message, dialect));
    else chat.push({ role: message.role, content: content(message.content) });
  }
  flush();
  return chat;
}

function assistant(message: Extract<EngineMessage, { role: "assistant" }>, dialect: Dialect): ChatMessage {
  const { reasoning, calls } = message;
  return {
    role: "assistant",
    content: message.content,
    ...(reasoning !== null && Object.fromEntries(dialect.reasoningFields.map((field) => [field, reasoning]))),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, name, arguments: text }) => ({
        id,
        type: "function",
        function: { name, arguments: text },
      })),
    }),
  };
}

/** A plain string where there is only text: many servers and templates know nothing else. */
function content(parts: readonly EnginePart[]): string | Fields[] {
  if (parts.every((part) => part.type === "text")) return parts.map(({ text }) => text).join("\n");
  return parts.map((part) =>
    part.type === "text" ? { type: "text", text: part.text } : { type: "image_url", image_url: { url: part.url } },
  );
}
