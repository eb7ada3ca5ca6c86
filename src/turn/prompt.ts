/** Owns the prompt: drafts become neutral messages, at a shape from 0 (as it is) to 3 (what every template accepts). */
import type { EngineMessage, EnginePart } from "../engine/engine.ts";
import type { limits } from "../limits.ts";
import type { Item } from "../spec/items.ts";
import { text } from "./content.ts";
import { answered } from "./offer.ts";
import { balance } from "./pairs.ts";
import { type Draft, draft } from "./render.ts";

/**
 * Each shape does what the ones before it do, and more. 0: developer and system messages before the first answer are
 * folded into one leading message, later ones become marked user text: a good part of the templates in use drops them
 * without a word, and some the leading one with them. 1: neighbours of one role are merged, an output is followed by the
 * assistant, and a user has the last word. 2: the leading message moves into the first user message. 3: calls and outputs are told in plain text.
 */
export type Shape = 0 | 1 | 2 | 3;
export const shapes = [0, 1, 2, 3] as const satisfies readonly Shape[] & { length: typeof limits.promptShapes };

/** The messages of a thread. A pure function that looks only back, so the prompt of a turn begins the next turn's. */
export function plan(instructions: string | null, items: readonly Item[], shape: Shape): EngineMessage[] {
  const messages = balance(joinTurns(fold(instructions, items, shape)));
  if (shape === 0) return atLeastOne(messages);
  const told = shape >= 3 ? messages.map(inPlainText) : messages;
  return joinUsers(joinTurns(endingWithUser(withAnswers(shape >= 2 ? withoutSystem(told) : told))));
}

/** Items to drafts, one leading system message first. */
function fold(instructions: string | null, items: readonly Item[], shape: Shape): Draft[] {
  const late = answered(items);
  let spoken = false;
  const leading: string[] = instructions ? [instructions] : [];
  const drafts: Draft[] = [];
  for (const [index, item] of items.entries()) {
    const next = draft(item);
    // Tools that stand in front are listed with those of the request.
    if (next === null || (item.type === "additional_tools" && index < late)) continue;
    // A prompt that ended here had the user's last word.
    if (shape >= 1 && spoken && next.role === "assistant" && next.calls.length === 0) drafts.push(goOn);
    spoken = next.role === "assistant" && item.type === "message";
    if (next.role !== "system") drafts.push(next);
    // No template has a place for images in its leading message.
    else if (index < late && next.content.every(isText))
      leading.push(next.content.map((part) => part.text).join("\n\n"));
    else drafts.push(asUser(next.content));
  }
  if (leading.length === 0) return drafts;
  return [{ role: "system", content: [text(leading.join("\n\n"))] }, ...drafts];
}

interface Spoken<Call> {
  readonly role: "assistant";
  readonly content: string;
  readonly reasoning: string | null;
  readonly calls: readonly Call[];
}

/**
 * Thinking, text and calls of one turn become one message. After calls the next one begins: their outputs come in between,
 * and did so in earlier prompts.
 */
function joinTurns<Call, Other extends { readonly role: string }>(
  messages: readonly (Spoken<Call> | Other)[],
): (Spoken<Call> | Other)[] {
  const joined: (Spoken<Call> | Other)[] = [];
  let turn: Spoken<Call>[] = [];
  let called = false;
  const close = (): void => {
    if (turn.length > 0) joined.push(oneTurn(turn));
    turn = [];
    called = false;
  };
  for (const message of messages) {
    if (!isSpoken(message)) {
      close();
      joined.push(message);
      continue;
    }
    if (called && (message.reasoning !== null || message.content !== "")) close();
    turn.push(message);
    called ||= message.calls.length > 0;
  }
  close();
  return joined;
}

function isSpoken<Call>(message: Spoken<Call> | { readonly role: string }): message is Spoken<Call> {
  return message.role === "assistant";
}

function oneTurn<Call>(turn: readonly Spoken<Call>[]): Spoken<Call> {
  return {
    role: "assistant",
    content: turn
      .map(({ content }) => content)
      .filter((content) => content !== "")
      .join("\n\n"),
    reasoning: turn.flatMap(({ reasoning }) => reasoning ?? []).join("\n") || null,
    calls: turn.flatMap(({ calls }) => calls),
  };
}

/** Strict templates want user and assistant to alternate. */
function joinUsers(messages: readonly EngineMessage[]): EngineMessage[] {
  const joined: EngineMessage[] = [];
  let said: EnginePart[][] = [];
  const close = (): void => {
    if (said.length > 0) joined.push({ role: "user", content: said.flat() });
    said = [];
  };
  for (const message of messages) {
    if (message.role === "user") said.push([...message.content]);
    else {
      close();
      joined.push(message);
    }
  }
  close();
  return joined;
}

const noAnswer = { role: "assistant", content: "[No answer.]", reasoning: null, calls: [] } as const;

/** Strict templates (Mistral's) skip calls and outputs when they look whether roles alternate: users must not meet there. */
function withAnswers(messages: readonly EngineMessage[]): EngineMessage[] {
  return messages.flatMap((message, index) =>
    message.role === "user" && messages[index - 1]?.role === "tool" ? [noAnswer, message] : [message],
  );
}

function inPlainText(message: EngineMessage): EngineMessage {
  if (message.role === "tool") {
    return { role: "user", content: [text(`[Output of ${message.name}:]`), ...message.content] };
  }
  if (message.role !== "assistant") return message;
  const calls = message.calls.map((call) => `[Called ${call.name} with ${call.arguments}]`);
  return { ...message, content: [message.content, ...calls].filter((line) => line !== "").join("\n"), calls: [] };
}

/** Instructions in a place where templates know no system message. */
function asUser(content: readonly EnginePart[]): { readonly role: "user"; readonly content: readonly EnginePart[] } {
  return { role: "user", content: [text("[Instructions:]"), ...content] };
}

function withoutSystem(messages: readonly EngineMessage[]): EngineMessage[] {
  const [first, ...rest] = messages;
  return first?.role === "system" ? [asUser(first.content), ...rest] : [...messages];
}

/** Codex warms up with an empty input; servers refuse a list without messages. */
function atLeastOne(messages: EngineMessage[]): EngineMessage[] {
  return messages.length > 0 ? messages : [{ role: "user", content: [text("")] }];
}

const goOn = { role: "user", content: [text("[Go on.]")] } as const;

/** Templates take a last message of the assistant for one to be continued, and refuse it where they think. */
function endingWithUser(messages: readonly EngineMessage[]): EngineMessage[] {
  const last = messages.at(-1);
  if (last !== undefined && last.role !== "assistant" && last.role !== "system") return [...messages];
  return [...messages, last ? goOn : { role: "user", content: [text("")] }];
}

function isText(part: EnginePart): part is EnginePart & { readonly type: "text" } {
  return part.type === "text";
}
