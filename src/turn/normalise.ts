/** Owns what `input` becomes: a list of items, whatever the client sent. Nothing in it is ever refused. */
import { limits } from "../limits.ts";
import { ApiError } from "../errors.ts";
import { newId } from "../spec/ids.ts";
import { isItemType, type Item, items } from "../spec/items.ts";
import { type Fields, isFields } from "../spec/json.ts";
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
    const most = `at most ${limits.inputItems} are read; send fewer, and go on with 'previous_response_id'`;
    throw new ApiError("invalid_value", `'input' has ${input.length} items: ${most}.`, "input");
  }
  const taken = new Set<string>();
  return input.map((value) => toItem(value, taken));
}

function toItem(value: unknown, taken: Set<string>): Item {
  if (typeof value === "string") return userMessage(value);
  if (!isFields(value)) return { id: newId(opaqueType), type: opaqueType, value };
  const { type: sent, id } = value;
  const type = typeof sent === "string" && sent !== "" ? sent : inferType(value);
  // A reference is nothing but its id.
  const kept = type === "item_reference" && typeof id === "string" && id !== "" ? id : freeId(id, taken);
  return { ...value, type, id: kept ?? newId(prefixOf(type)) };
}

/** The client's own id, unless it has used it before: VS Code calls every answer `msg_123`, and lists go on behind an id. */
function freeId(id: unknown, taken: Set<string>): string | null {
  if (typeof id !== "string" || id === "" || taken.has(id)) return null;
  taken.add(id);
  return id;
}

/** Messages may come without a type (EasyInputMessage), and so may references. */
function inferType(sent: Fields): string {
  if (typeof sent["role"] === "string") return "message";
  const { id, type, ...rest } = sent;
  const nothingElse = (type ?? null) === null && Object.keys(rest).length === 0;
  return nothingElse && typeof id === "string" ? "item_reference" : opaqueType;
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
