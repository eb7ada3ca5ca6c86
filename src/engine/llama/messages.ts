/** Owns what a chat template is given: the neutral prompt in the form of Chat Completions, tools and thinking with it. */
import type { EngineCall, EngineMessage, EnginePart, EngineRequest, EngineTool } from "../engine.ts";
import { callTags } from "../format/marker.ts";
import type { CallTags } from "../grammar/answer.ts";
import { dump } from "../grammar/schema.ts";

/** What a template can do; found out by rendering something known. */
export interface TemplateTraits {
  /** `native`: it renders tools, calls and results itself, in a form that we read. `prompted`: we put them into the text. */
  readonly tools: "native" | "prompted";
  /** What stands around the parts of calls, where it writes them in tags; null: they are JSON. */
  readonly tags: CallTags | null;
  /** It takes arguments as JSON text, and so renders them to the byte as the model wrote them. */
  readonly argumentsAsText: boolean;
  /** It renders the text of a message that also calls; Hermes' templates drop it. */
  readonly textWithCalls: boolean;
  /** It renders a system message. */
  readonly system: boolean;
}

export const responseTags = { open: "<tool_response>", close: "</tool_response>" } as const;

type TemplateMessage = Readonly<Record<string, unknown>> & { readonly role: string; readonly content: string };

/** The variables for `request`, whose texts are already shielded. */
export function templateVariables(request: EngineRequest, traits: TemplateTraits): Record<string, unknown> {
  const native = traits.tools === "native";
  const tools = request.toolChoice === "none" ? [] : toolsOfHead(request.tools);
  const told = [native || tools.length === 0 ? null : toolProtocol(tools), formatRequest(request)];
  const messages = instruct(
    native ? nativeMessages(request.messages, traits) : promptedMessages(request.messages),
    told.filter((text) => text !== null),
    traits,
  );
  const kwargs = request.extra["chat_template_kwargs"];
  return {
    ...thinkingVariables(request.effort),
    ...(typeof kwargs === "object" ? kwargs : {}),
    // Last: a client may set what its template listens to, not what the prompt is made of.
    messages,
    ...(native && tools.length > 0 ? { tools: tools.map(templateTool) } : {}),
    add_generation_prompt: true,
  };
}

/** Without any in its head, a prompt would not tell how tools are called. */
function toolsOfHead(tools: readonly EngineTool[]): readonly EngineTool[] {
  const head = tools.filter(({ inThread }) => !inThread);
  return head.length > 0 ? head : tools;
}

/** Names that templates in use listen to: Qwen and GLM to the first, DeepSeek and Granite to the second, gpt-oss to the third. */
function thinkingVariables(effort: string | null): Record<string, unknown> {
  if (effort === null) return {};
  if (effort === "none") return { enable_thinking: false, thinking: false };
  return { enable_thinking: true, thinking: true, reasoning_effort: effort };
}

function templateTool({ name, description, parameters }: EngineTool): Record<string, unknown> {
  return { type: "function", function: { name, description, parameters } };
}

function nativeMessages(messages: readonly EngineMessage[], traits: TemplateTraits): TemplateMessage[] {
  return messages.flatMap((message) => {
    const calls = message.role === "assistant" && message.content !== "" && message.calls.length > 0;
    if (!calls || traits.textWithCalls) return nativeMessage(message, traits);
    return [
      nativeMessage({ ...message, calls: [] }, traits),
      nativeMessage({ ...message, content: "", reasoning: null }, traits),
    ];
  });
}

function nativeMessage(message: EngineMessage, traits: TemplateTraits): TemplateMessage {
  switch (message.role) {
    case "assistant":
      return {
        role: message.role,
        content: message.content,
        ...(message.reasoning === null ? {} : { reasoning_content: message.reasoning }),
        ...(message.calls.length === 0 ? {} : { tool_calls: message.calls.map((call) => templateCall(call, traits)) }),
      };
    case "tool":
      return { role: message.role, tool_call_id: message.callId, name: message.name, content: textOf(message.content) };
    case "system":
    case "user":
      return { role: message.role, content: textOf(message.content) };
  }
}

function templateCall(call: EngineCall, { argumentsAsText }: TemplateTraits): Record<string, unknown> {
  const args = argumentsAsText ? call.arguments : parsed(call.arguments);
  return { id: call.id, type: "function", function: { name: call.name, arguments: args } };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

/** Calls and results as text; results are a user's words, and neighbours of one role become one message. */
function promptedMessages(messages: readonly EngineMessage[]): TemplateMessage[] {
  const told: TemplateMessage[] = [];
  for (const message of messages) {
    const last = told.at(-1);
    const next = promptedMessage(message);
    if (last?.role === "user" && next.role === "user") {
      told[told.length - 1] = { role: "user", content: `${last.content}\n${next.content}` };
    } else told.push(next);
  }
  return told;
}

function promptedMessage(message: EngineMessage): TemplateMessage {
  if (message.role === "tool") {
    return { role: "user", content: `${responseTags.open}\n${textOf(message.content)}\n${responseTags.close}` };
  }
  if (message.role !== "assistant") return { role: message.role, content: textOf(message.content) };
  const content = [message.content, ...message.calls.map(callText)].filter((text) => text !== "").join("\n");
  return {
    role: message.role,
    content,
    ...(message.reasoning === null ? {} : { reasoning_content: message.reasoning }),
  };
}

function callText({ name, arguments: args }: EngineCall): string {
  return `${callTags.open}\n{"name": ${JSON.stringify(name)}, "arguments": ${args}}\n${callTags.close}`;
}

function toolProtocol(tools: readonly EngineTool[]): string {
  return [
    "# Tools",
    "",
    "You may call these functions. Each line is one function, with the JSON Schema of its arguments:",
    "<tools>",
    ...tools.map((tool) => dump(templateTool(tool))),
    "</tools>",
    "",
    "To call a function, begin a new line with exactly this, in place of the words in angle brackets:",
    callTags.open,
    '{"name": "<function name>", "arguments": <JSON object of arguments>}',
    callTags.close,
    "",
    `The result comes back between ${responseTags.open} and ${responseTags.close}. Call only what you need.`,
  ].join("\n");
}

/** A grammar forces the form only; a model that knows the schema also puts the right things into it. */
function formatRequest({ format }: EngineRequest): string | null {
  if (format.type === "text") return null;
  if (format.type === "json_object") return "Answer with a JSON object only.";
  return `Answer with JSON only, which fits this JSON Schema:\n${dump(format.schema)}`;
}

/** Adds `texts` to the system message, or to the first message where the template knows no system. */
function instruct(
  messages: readonly TemplateMessage[],
  texts: readonly string[],
  { system }: TemplateTraits,
): TemplateMessage[] {
  if (texts.length === 0) return [...messages];
  const [first, ...others] = messages;
  const text = texts.join("\n\n");
  if (first?.role === "system") return [{ ...first, content: `${first.content}\n\n${text}` }, ...others];
  if (system || first?.role !== "user") return [{ role: "system", content: text }, ...messages];
  return [{ ...first, content: `${text}\n\n${first.content}` }, ...others];
}

function textOf(content: readonly EnginePart[]): string {
  return content.map((part) => (part.type === "text" ? part.text : imagePlaceholder)).join("\n");
}

/** The embedded engine has no eyes; a model that is told so can say so. */
export const imagePlaceholder = "[An image that this model cannot see.]";
