/** Owns the table of what a model is shown for each sample, in words for people. */
import assert from "node:assert/strict";
import type { EngineMessage, EnginePart, EngineRequest } from "../../src/engine/engine.ts";
import { says } from "../http/door.ts";
import { makeLine, play } from "../turn/line.ts";
import { samples } from "./samples.ts";

/** What became of every sample that stands alone in a thread, by its name; "nothing" where the model sees nothing. */
export async function rendered(): Promise<ReadonlyMap<string, string>> {
  let asked: EngineRequest | null = null;
  const line = makeLine((request) => {
    asked = request;
    return says("Understood.");
  });
  const table = new Map<string, string>();
  for (const { name, items } of samples) {
    await play(line, { input: items });
    assert(asked);
    table.set(name, told(asked).replaceAll(marker, "words") || "nothing");
  }
  return table;
}

/** The words that fill the blanks of samples, and numbers that only keep samples apart. */
const marker = /seen\d+x\d+z/g;

function told({ messages, tools }: EngineRequest): string {
  return [...messages.flatMap(sayings), ...tools.map(({ name }) => `offers ${name}`)].join("; ");
}

function sayings(message: EngineMessage): string[] {
  if (message.role === "tool") return [`result: ${textOf(message.content)}`];
  if (message.role !== "assistant") {
    const text = textOf(message.content);
    return text === "" ? [] : [`${message.role}: ${text}`];
  }
  const { reasoning, content, calls } = message;
  return [
    ...(reasoning === null ? [] : [`thinks: ${reasoning}`]),
    ...(content === "" ? [] : [`assistant: ${content}`]),
    ...calls.map(({ name, arguments: args }) => `calls ${name} with ${args}`),
  ];
}

function textOf(parts: readonly EnginePart[]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "(the image)")).join(" ");
}
