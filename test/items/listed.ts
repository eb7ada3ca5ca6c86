/** Owns what `input_items` must say: each item as it was sent, to the byte, but for what is documented to be given. */
import assert from "node:assert/strict";
import { type Fields, isFields } from "../../src/spec/json.ts";

/**
 * Throws where `listed` is not what was `sent`. Given are: an id that is missing, not a text, empty, or taken in the same
 * request; a type that is missing; a part for the text of a message; an item around what is no object.
 */
export function checkListed(sent: readonly unknown[], listed: readonly Fields[]): void {
  assert.equal(listed.length, sent.length, "as many items as were sent");
  const taken = new Set<string>();
  for (const [index, item] of listed.entries()) {
    assert(typeof item["id"] === "string", `item ${index} has an id`);
    assert(typeof item["type"] === "string" && item["type"] !== "", `item ${index} has a type`);
    checkOne(sent[index], item, taken);
  }
}

function checkOne(sent: unknown, item: Fields, taken: Set<string>): void {
  if (typeof sent === "string") return checkText(item, "input_text", sent);
  if (!isFields(sent)) return assert.equal(JSON.stringify(item["value"]), JSON.stringify(sent));
  const back = new Map(Object.entries(item));
  const { id, type, content } = sent;
  const reference = item["type"] === "item_reference";
  // A reference is nothing but its id.
  const kept = typeof id === "string" && id !== "" && (reference || !taken.has(id));
  if (!kept) restore(back, sent, "id");
  else if (!reference) taken.add(id);
  if (typeof type !== "string" || type === "") restore(back, sent, "type");
  const wrapped = item["type"] === "message" && typeof content === "string";
  if (wrapped) {
    checkText(item, item["role"] === "assistant" ? "output_text" : "input_text", content);
    restore(back, sent, "content");
    if (!Object.hasOwn(sent, "status")) restore(back, sent, "status");
  }
  assert.equal(write([...back], wrapped), write(Object.entries(sent), wrapped));
}

function checkText({ content }: Fields, type: string, text: string): void {
  assert(Array.isArray(content) && content.length === 1, "a text is listed as one part");
  const [part] = content as readonly unknown[];
  assert(isFields(part));
  assert.deepEqual([part["type"], part["text"]], [type, text]);
}

/** Takes a given field back. */
function restore(back: Map<string, unknown>, sent: Fields, field: string): void {
  if (Object.hasOwn(sent, field)) back.set(field, sent[field]);
  else back.delete(field);
}

/** In order, unless the message was made anew for its part. */
function write(entries: [string, unknown][], sorted: boolean): string {
  return JSON.stringify(sorted ? entries.sort(([one], [other]) => (one < other ? -1 : 1)) : entries);
}
