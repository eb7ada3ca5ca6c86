/** Owns what `input` becomes: a list of items, whatever the client sent. Nothing in it is ever refused. */
import { limits } from "../limits.ts";
import { ApiError } from "../errors.ts";
import { newId } from "../spec/ids.ts";
import { isItemType, type Item, items } from "../spec/items.ts";
import type { Request } from "../spec/request.ts";

/** The type under which something that is no item at all (null, a number) is kept. */
const opaqueType = "opaque";

/**
 * One item for each element of `input`, each with an id; a string is a user message. Fields stay as they were sent. Throws
 * an ApiError (400) only when there are more items than the limit.
 */
export function normalise(input: Request["input"]): Item[] {
  if (input === null || input === undefined) return [];
  if (typeof input === "string") return input === "" ? [] : [userMessage(input)];
  if (input.length > limits.inputItems) {
    throw new ApiError("invalid_value", `'input' has ${input.length} items; at most ${limits.inputItems}.`, "input");
  }
  return input.map(toItem);
}

function toItem(value: unknown): Item {
  if (typeof value === "string") return userMessage(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { id: newId(opaqueType), type: opaqueType, value };
  }
  const sent: Readonly<Record<string, unknown>> = { ...value };
  const type = typeof sent["type"] === "string" ? sent["type"] : inferType(sent);
  const id = typeof sent["id"] === "string" && sent["id"] !== "" ? sent["id"] : newId(prefixOf(type));
  return { ...sent, type, id };
}

/** Messages may come without a type (EasyInputMessage), and so may references. */
function inferType(sent: Readonly<Record<string, unknown>>): string {
  if (typeof sent["role"] === "string") return "message";
  return Object.keys(sent).length === 1 && typeof sent["id"] === "string" ? "item_reference" : opaqueType;
}

function prefixOf(type: string): string {
  return isItemType(type) ? items[type].prefix : opaqueType;
}

function userMessage(text: string): Item {
  return {
    id: newId("msg"),
    type: "message",
    status: "completed",
    role: "user",
    content: [{ type: "input_text", text }],
  };
}
