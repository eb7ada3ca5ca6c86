/**
 * Owns what items hold but do not show: our own sealed thinking is opened, attached files are read, and images become a note
 * where the model has no eyes.
 */
import type { Item } from "../spec/items.ts";
import { isFields } from "../spec/json.ts";
import { isPartType, type Part, type PartRow, parts } from "../spec/parts.ts";
import { plainText } from "./content.ts";
import { type FileReader, fileTexts } from "./files.ts";
import type { Seal } from "./seal.ts";

export interface Means {
  readonly seal: Seal;
  readonly files: FileReader;
  /** Whether the model can see images. */
  readonly images: boolean;
}

/**
 * `items` with texts in place of what is sealed or packed. What cannot be opened stays as it is, or becomes a note. Throws
 * the reason of `signal`: nobody needs the files of a client that is gone.
 */
export async function reveal(
  items: readonly Item[],
  { seal, files, images }: Means,
  signal: AbortSignal,
): Promise<readonly Item[]> {
  const parts = items.flatMap(partsOf);
  const attached = parts.filter((part) => mediaOf(part) === "file");
  const shown = new Map<unknown, string>(attached.length > 0 ? await fileTexts(attached, files, signal) : []);
  if (!images) for (const part of parts) if (mediaOf(part) === "image") shown.set(part, unseen);
  return items.map((item) => withTexts(open(item, seal), shown));
}

const unseen = "[image omitted: this model cannot see images]";

/** Thinking and summaries that we sealed ourselves; those of other servers mean nothing here. */
function open(item: Item, seal: Seal): Item {
  const { type, encrypted_content: sealed } = item;
  if ((type !== "reasoning" && type !== "compaction") || typeof sealed !== "string") return item;
  if (plainText(item["content"]) !== "") return item;
  const text = seal.open(sealed);
  return text === null ? item : { ...item, content: [{ type: "reasoning_text", text }] };
}

/** The fields of an item that hold content parts: a list of them, or one (a screenshot). */
const fields = ["content", "output"] as const;

function partsOf(item: Item): Part[] {
  return fields.flatMap((name) => item[name]).filter(isPart);
}

function withTexts(item: Item, shown: ReadonlyMap<unknown, string>): Item {
  const changed = fields.filter((name) => [item[name]].flat().some((part) => shown.has(part)));
  if (changed.length === 0) return item;
  const told = (part: unknown): unknown => {
    const text = shown.get(part);
    return text === undefined ? part : { type: "input_text", text };
  };
  return { ...item, ...Object.fromEntries(changed.map((name) => [name, [item[name]].flat().map(told)])) };
}

function isPart(value: unknown): value is Part {
  return isFields(value) && isPartType(value["type"]);
}

function mediaOf({ type }: Part): PartRow["media"] {
  return isPartType(type) ? parts[type].media : null;
}
