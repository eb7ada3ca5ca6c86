/** Owns the reading of content: strings, part lists and whatever clients send in their place, as text or engine parts. */
import type { EnginePart } from "../engine/engine.ts";
import { isPartType, parts } from "../spec/parts.ts";

/** All text of a string, a part, or a list of parts; "" where there is none. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.map(textOf).join("");
  const part = fieldsOf(content);
  const type = part?.["type"];
  const field = isPartType(type) ? parts[type].text : "text";
  const value = field === null ? null : part?.[field];
  return typeof value === "string" ? value : "";
}

/** What an engine is given of some content: texts, images, and a note in place of what cannot be shown. */
export function contentParts(content: unknown): EnginePart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (Array.isArray(content)) return content.flatMap(contentParts);
  const part = fieldsOf(content);
  if (!part) return [];
  const { type } = part;
  const media = isPartType(type) ? parts[type].media : null;
  if (media === "image") return [imagePart(part["image_url"])];
  if (media !== null) return [{ type: "text", text: `[${media} omitted: it cannot be shown to this model]` }];
  const text = textOf(content);
  return text === "" ? [] : [{ type: "text", text }];
}

/** Only data URLs: nothing that a client names is fetched. */
function imagePart(image: unknown): EnginePart {
  const url = typeof image === "string" ? image : fieldsOf(image)?.["url"];
  if (typeof url === "string" && url.startsWith("data:image/")) return { type: "image", url };
  return { type: "text", text: "[image omitted: only images sent inline, as data URLs, can be shown to the model]" };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}
