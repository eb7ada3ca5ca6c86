/** Owns what a chat template is given: the neutral prompt in the form of Chat Completions, tools and thinking with it. */
import type { EngineCall, EngineMessage, EnginePart, EngineRequest, EngineTool } from "../engine.ts";
import { type CallForm, callTags, type Tags } from "../format/forms.ts";
import { dump } from "../grammar/notations.ts";

/** What a template can do; found out by rendering something known. */
export interface TemplateTraits {
  /** The form in which it renders calls itself, tools and results too; null: we put them into the text, as JSON. */
  readonly calls: CallForm | null;
  /** It takes arguments as JSON text, and so renders them to the byte as the model wrote them. */
  readonly argumentsAsText: boolean;
  /** It renders the text of a message that also calls; Hermes' templates drop it. */
  readonly textWithCalls: boolean;
  /** It renders all calls of a message; gpt-oss' renders the first, and takes every result for that one's. */
  readonly callsTogether: boolean;
  /** It renders a system message, and before all others. */
  readonly system: boolean;
}

export const responseTags: Tags = { open: "<tool_response>", close: "</tool_response>" };

type TemplateMessage = Readonly<Record<string, unknown>> & { readonly role: string; readonly content: string };

/** The variables for `request`, whose texts are already shielded. */
export function templateVariables(request: EngineRequest, traits: TemplateTraits): Record<string, unknown> {
  const native = traits.calls !== null;
  const tools = request.toolChoice === "none" ? [] : toolsOfHead(request.tools);
  const told = [native || tools.length === 0 ? null : toolProtocol(tools), formatRequest(request)];
  const messages = instruct(
    native ? nativeMessages(request.messages, traits) : promptedMessages(request.messages),
    told.filter((text) => text !== null),
    traits,
  );
  const kwargs = request.extra["chat_template_kwargs"];
  return {
    ...thinkingVariables(request.effort, traits),
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
function thinkingVariables(effort: string | null, { calls }: TemplateTraits): Record<string, unknown> {
  if (effort === null) return {};
  // gpt-oss always thinks, and was taught three efforts.
  if (calls?.type === "harmony") return { reasoning_effort: harmonyEfforts[effort] ?? effort };
  if (effort === "none") return { enable_thinking: false, thinking: false };
  return { enable_thinking: true, thinking: true, reasoning_effort: effort };
}

const harmonyEfforts: Readonly<Record<string, string>> = {
  none: "low",
  minimal: "low",
  xhigh: "high",
  max: "high",
};

function templateTool({ name, description, parameters }: EngineTool): Record<string, unknown> {
  return { type: "function", function: { name, description, parameters } };
}

function nativeMessages(messages: readonly EngineMessage[], traits: TemplateTraits): TemplateMessage[] {
  const apart = traits.textWithCalls ? messages : messages.flatMap((message) => withoutText(message, traits));
  return (traits.callsTogether ? apart : oneByOne(apart)).map((message) => nativeMessage(message, traits));
}

/** The text of a message that also calls, in a message of its own. */
function withoutText(message: EngineMessage, traits: TemplateTraits): readonly EngineMessage[] {
  if (message.role !== "assistant" || message.content === "" || message.calls.length === 0) return [message];
  const { reasoning } = message;
  // gpt-oss' shows thinking before calls only.
  const [said, called] = traits.calls?.type === "harmony" ? [null, reasoning] : [reasoning, null];
  return [
    { ...message, reasoning: said, calls: [] },
    { ...message, reasoning: called, content: "" },
  ];
}

/** Each call in a message of its own, its result right behind it. */
function oneByOne(messages: readonly EngineMessage[]): readonly EngineMessage[] {
  const told: EngineMessage[] = [];
  const results = new Map<string, EngineMessage>();
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool" && results.delete(message.callId)) continue;
    if (message.role !== "assistant" || message.calls.length < 2) {
      told.push(message);
      continue;
    }
    for (const next of messages.slice(index + 1, index + 1 + message.calls.length)) {
      if (next.role === "tool" && message.calls.some(({ id }) => id === next.callId)) results.set(next.callId, next);
    }
    for (const [at, call] of message.calls.entries()) {
      const result = results.get(call.id);
      told.push({ ...message, reasoning: at === 0 ? message.reasoning : null, calls: [call] });
      if (result !== undefined) told.push(result);
    }
  }
  return told;
}

function nativeMessage(message: EngineMessage, traits: TemplateTraits): TemplateMessage {
  const thinkingField = traits.calls?.type === "harmony" ? "thinking" : "reasoning_content";
  switch (message.role) {
    case "assistant":
      return {
        role: message.role,
        content: message.content,
        ...(message.reasoning === null ? {} : { [thinkingField]: message.reasoning }),
        ...(message.calls.length === 0 ? {} : { tool_calls: message.calls.map((call) => templateCall(call, traits)) }),
      };
    case "tool":
      return {
        role: message.role,
        tool_call_id: message.callId,
        name: message.name,
        content: textOf(message.content),
      };
    case "system":
    case "user":
      return { role: message.role, content: textOf(message.content) };
  }
}

function templateCall(call: EngineCall, traits: TemplateTraits): Record<string, unknown> {
  const args = traits.argumentsAsText ? call.arguments : parsed(call.arguments);
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
