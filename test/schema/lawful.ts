/** Owns the judgement of what leaves us in tests: each event and body is held against OpenAI's types, and counted. */
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { at, fieldsOf, listOf, parse } from "../../src/spec/json.ts";
import { type Kind, schemas } from "./schemas.ts";
import { countsVariable } from "./total.ts";

/** How many of each were as they should be, in this process. */
export const counts: Record<Kind, number> = {
  event: 0,
  response: 0,
  items: 0,
  model: 0,
  tokens: 0,
  compacted: 0,
  error: 0,
};

process.on("exit", () => {
  const file = process.env[countsVariable];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(counts)}\n`);
});

/** Where `value` is not what OpenAI's types say. */
function judge(kind: Kind, value: unknown): string[] {
  const found = schemas.deviations(kind, value);
  if (found.length === 0) counts[kind] += 1;
  return found;
}

/** Asserts that every event is as OpenAI's types say. */
export function assertEvents(sent: readonly unknown[]): void {
  const found = sent.flatMap((event) => judge("event", event));
  assert.deepEqual(found, []);
}

/** Where an answer of our door deviates; of a stream that was cut off, as far as its frames are whole. */
export function deviationsOf(contentType: string, text: string): string[] {
  if (contentType.startsWith("text/event-stream")) return eventsIn(text).flatMap((event) => judge("event", event));
  return contentType.startsWith("application/json") ? partsOf(parse(text)).flatMap((part) => judge(...part)) : [];
}

function eventsIn(text: string): unknown[] {
  const frames = text.split("\n\n").slice(0, -1);
  const data = frames.flatMap((frame) => frame.split("\n").filter((line) => line.startsWith("data: {")));
  return data.map((line) => JSON.parse(line.slice("data: ".length)) as unknown);
}

/** What a JSON body holds. */
function partsOf(body: unknown): (readonly [Kind, unknown])[] {
  const { object, error, deleted, models } = fieldsOf(body);
  if (object === "response" && deleted === undefined) return [["response", body]];
  if (object === "model") return [["model", body]];
  if (object === "list" && models !== undefined) {
    return listOf(at(body, "data")).map((model) => ["model", model] as const);
  }
  if (object === "list") return [["items", body]];
  return object === undefined && error !== undefined ? [["error", error]] : [];
}
