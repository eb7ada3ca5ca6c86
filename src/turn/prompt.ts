/** Owns the prompt: items become neutral messages, at a shape from 0 (as it is) to 3 (what every template accepts). */
import type { EngineCall, EngineMessage, EnginePart } from "../engine/engine.ts";
import type { limits } from "../limits.ts";
import type { Item } from "../spec/items.ts";
import { nameForEngine } from "./offer.ts";
import { contentParts, textOf } from "./content.ts";

/**
 * Each shape does what the ones before it do, and more. 0: developer and system messages before the first assistant turn
 * are folded into one leading message. 1: later ones become marked user text, and neighbours of one role are merged. 2: the
 * leading one moves into the first user message. 3: calls and their outputs are told in plain text.
 */
export type Shape = 0 | 1 | 2 | 3;
export const shapes = [0, 1, 2, 3] as const satisfies readonly Shape[] & { length: typeof limits.promptShapes };

/** The messages of a thread. A pure function that looks only back, so the prompt of a turn begins the next turn's. */
export function plan(instructions: string | null, items: readonly Item[], shape: Shape): EngineMessage[] {
  const messages = balance(fold(instructions, items));
  if (shape === 0) return messages;
  const told = shape >= 3 ? messages.map(inPlainText) : messages;
  const users = told.map((message, index) => (index > 0 && message.role === "system" ? asUser(message) : message));
  return merge(shape >= 2 ? withoutSystem(users) : users);
}

/** Items to messages, one leading system message first. */
function fold(instructions: string | null, items: readonly Item[]): EngineMessage[] {
  const leading: EnginePart[] = instructions ? [text(instructions)] : [];
  const messages: EngineMessage[] = [];
  let started = false;
  for (const item of items) {
    const message = toMessage(item);
    if (!message) continue;
    started ||= message.role === "assistant";
    if (message.role === "system" && !started) leading.push(...message.content);
    else append(messages, message);
  }
  return leading.length > 0 ? [{ role: "system", content: [joined(leading)] }, ...messages] : messages;
}

/** Adds `message`; thinking, text and calls of one assistant turn belong into one message. */
function append(messages: EngineMessage[], message: EngineMessage): void {
  const last = messages.at(-1);
  const open = last?.role === "assistant" && message.role === "assistant" ? last : null;
  if (!open || message.role !== "assistant" || (message.reasoning !== null && open.calls.length > 0)) {
    messages.push(message);
    return;
  }
  messages[messages.length - 1] = {
    role: "assistant",
    content: [open.content, message.content].filter((part) => part !== "").join("\n\n"),
    reasoning: [open.reasoning, message.reasoning].filter((part) => part !== null).join("\n") || null,
    calls: [...open.calls, ...message.calls],
  };
}

/** The message that an item is or belongs to; null for what a model does not see. */
function toMessage(item: Item): EngineMessage | null {
  switch (item.type) {
    case "message":
      return fromMessage(item);
    case "reasoning":
      return assistant({ reasoning: textOf(item["content"]) || textOf(item["summary"]) || null });
    case "function_call":
      return assistant({ calls: [toCall(item, argumentsOf(item["arguments"]))] });
    case "custom_tool_call":
      return assistant({ calls: [toCall(item, JSON.stringify({ input: textOf(item["input"]) }))] });
    case "function_call_output":
    case "custom_tool_call_output":
      return { role: "tool", callId: textOf(item["call_id"]), name: "", content: contentParts(item["output"]) };
    default:
      return null;
  }
}

function fromMessage(item: Item): EngineMessage | null {
  const content = contentParts(item["content"]);
  if (content.length === 0) return null;
  switch (item["role"]) {
    case "assistant":
      return assistant({ content: textOf(item["content"]) });
    case "system":
    case "developer":
      return { role: "system", content };
    default:
      return { role: "user", content };
  }
}

function toCall(item: Item, args: string): EngineCall {
  const namespace = textOf(item["namespace"]) || null;
  return { id: textOf(item["call_id"]), name: nameForEngine(textOf(item["name"]), namespace), arguments: args };
}

/** Templates and upstreams fail on arguments that are no JSON object; what cannot be read is shown as text instead. */
function argumentsOf(value: unknown): string {
  const source = typeof value === "string" ? value : JSON.stringify(value ?? {});
  try {
    const parsed: unknown = JSON.parse(source || "{}");
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return source || "{}";
  } catch {
    // Falls through: the model wrote it, so the model sees it.
  }
  return JSON.stringify({ unreadable_arguments: source });
}

/** Every call is followed by its output at once, and every output has its call: templates and upstreams insist. */
function balance(messages: readonly EngineMessage[]): EngineMessage[] {
  const outputs = new Map<string, Extract<EngineMessage, { role: "tool" }>[]>();
  for (const message of messages) {
    if (message.role === "tool") outputs.set(message.callId, [...(outputs.get(message.callId) ?? []), message]);
  }
  const called = new Set(
    messages.flatMap((message) => (message.role === "assistant" ? message.calls : [])).map((c) => c.id),
  );
  return messages.flatMap((message): EngineMessage[] => {
    if (message.role === "tool") {
      const note = "[Output of a tool call that is not in this conversation:]";
      return called.has(message.callId) ? [] : [{ role: "user", content: [text(note), ...message.content] }];
    }
    if (message.role !== "assistant") return [message];
    const answers = message.calls.map(({ id, name }): EngineMessage => {
      const output = outputs.get(id)?.shift();
      const content = output?.content ?? [text("[No output: the call was not answered.]")];
      return { role: "tool", callId: id, name, content };
    });
    return [message, ...answers];
  });
}

function inPlainText(message: EngineMessage): EngineMessage {
  if (message.role === "tool") {
    return { role: "user", content: [text(`[Output of ${message.name}:]`), ...message.content] };
  }
  if (message.role !== "assistant") return message;
  const calls = message.calls.map((call) => `[Called ${call.name} with ${call.arguments}]`);
  return { ...message, content: [message.content, ...calls].filter((line) => line !== "").join("\n"), calls: [] };
}

function asUser(message: EngineMessage): EngineMessage {
  if (message.role !== "system") return message;
  return { role: "user", content: [text("[Instructions:]"), ...message.content] };
}

function withoutSystem(messages: readonly EngineMessage[]): EngineMessage[] {
  const [first, ...rest] = messages;
  return first ? [asUser(first), ...rest] : [];
}

function merge(messages: readonly EngineMessage[]): EngineMessage[] {
  const merged: EngineMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === "user" && message.role === "user") {
      merged[merged.length - 1] = { role: "user", content: [...last.content, ...message.content] };
    } else append(merged, message);
  }
  return merged;
}

type Assistant = Extract<EngineMessage, { role: "assistant" }>;

function assistant(fields: Partial<Assistant>): Assistant {
  return { role: "assistant", content: "", reasoning: null, calls: [], ...fields };
}

function text(value: string): EnginePart {
  return { type: "text", text: value };
}

function joined(parts: readonly EnginePart[]): EnginePart {
  return text(parts.map((part) => (part.type === "text" ? part.text : "")).join("\n\n"));
}
