/** Owns the reading of content: strings, part lists and whatever clients send in their place, as text or engine parts. */
import type { EnginePart } from "../engine/engine.ts";
import { at, type Fields, isFields } from "../spec/json.ts";
import { isPartType, parts } from "../spec/parts.ts";

/** All text of a string, a part, or a list of parts; "" where there is none, or only another server could read it. */
export function plainText(content: unknown): string {
  if (typeof content === "string") return content;
  if (typeof content === "number" || typeof content === "boolean") return String(content);
  if (Array.isArray(content)) return content.map(plainText).join("");
  if (!isFields(content)) return "";
  const { type } = content;
  const field = isPartType(type) ? parts[type].text : "text";
  const value = field === null ? null : content[field];
  return typeof value === "string" && !isSealed(content) ? value : "";
}

/** Codex puts plain text where sealed text belongs; what OpenAI's servers sealed is one long word. */
function isSealed({ type, encrypted_content: sealed }: Fields): boolean {
  return type === "encrypted_content" && typeof sealed === "string" && /^[\w+/-]{64,}={0,2}$/.test(sealed);
}

/** What an engine is given of some content: texts, images, and a note in place of what cannot be shown. */
export function contentParts(content: unknown): EnginePart[] {
  if (Array.isArray(content)) return content.flatMap(contentParts);
  const media = isFields(content) && isPartType(content["type"]) ? parts[content["type"]].media : null;
  if (media === "image" && isFields(content)) return [imagePart(content["image_url"])];
  if (media !== null) return [text(`[${media} omitted: it cannot be shown to this model]`)];
  const words = plainText(content);
  if (words !== "") return [text(words)];
  return isFields(content) && (isForeign(content) || isSealed(content)) ? [text(notShown(content["type"]))] : [];
}

/** What we say for a model that said nothing. Replayed, it is not the model's own, and would teach it to end so again. */
export const unanswered = "[The model ended its turn without an answer.]";

export function text(value: string): EnginePart {
  return { type: "text", text: value };
}

/** A part of another interface, like `tool_use`. */
function isForeign({ type }: Fields): boolean {
  return typeof type === "string" && type !== "" && !isPartType(type);
}

function notShown(type: unknown): string {
  return `[a part of the type ${/^[\w.:-]{1,64}$/.exec(String(type))?.[0] ?? "unknown"} is not shown]`;
}

/** Only data URLs: nothing that a client names is fetched. */
function imagePart(image: unknown): EnginePart {
  const url = typeof image === "string" ? image : at(image, "url");
  if (typeof url === "string" && url.startsWith("data:image/")) return { type: "image", url };
  return text("[image omitted: only images sent inline, as data URLs, can be shown to the model]");
}
