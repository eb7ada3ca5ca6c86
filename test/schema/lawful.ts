/** Owns the judgement of what leaves us in tests: each event and body is held against OpenAI's types, and counted. */
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { type ClientDialect, eventIn, responseIn } from "../../src/spec/client-dialects.ts";
import type { Event } from "../../src/spec/events.ts";
import { at, fieldsOf, listOf, parse } from "../../src/spec/json.ts";
import type { Response } from "../../src/spec/response.ts";
import { eventFaults, responseFaults } from "./open-responses.ts";
import { type Kind, schemas } from "./schemas.ts";
import { countsVariable } from "./total.ts";

/** How many of each were as they should be, in this process; the last, how many were so in the words of Open Responses too. */
export const counts: Record<Kind | "openResponses", number> = {
  event: 0,
  response: 0,
  items: 0,
  model: 0,
  tokens: 0,
  compacted: 0,
  error: 0,
  openResponses: 0,
};

process.on("exit", () => {
  const file = process.env[countsVariable];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(counts)}\n`);
});

/** Where `value` is not what OpenAI's types say, or not what Open Responses demands once it is put in its words. */
function judge(kind: Kind, value: unknown): string[] {
  const found = schemas.deviations(kind, value);
  if (found.length > 0) return found;
  counts[kind] += 1;
  if (kind === "event") return judgeOther(eventFaults(eventIn("open-responses", value as Event)));
  return kind === "response" ? judgeOther(responseFaults(responseIn("open-responses", value as Response))) : [];
}

function judgeOther(faults: readonly string[]): string[] {
  if (faults.length === 0) counts.openResponses += 1;
  return faults.map((fault) => `open-responses: ${fault}`);
}

/** Asserts that every event is as OpenAI's types say. */
export function assertEvents(sent: readonly unknown[]): void {
  const found = sent.flatMap((event) => judge("event", event));
  assert.deepEqual(found, []);
}

/** Where an answer of our door deviates; of a stream that was cut off, as far as its frames are whole. */
export function deviationsOf(contentType: string, text: string, dialect: ClientDialect = "openai"): string[] {
  const streamed = contentType.startsWith("text/event-stream");
  if (dialect === "open-responses")
    return streamed ? eventsIn(text).flatMap((event) => judgeOther(eventFaults(event))) : [];
  if (streamed) return eventsIn(text).flatMap((event) => judge("event", event));
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
