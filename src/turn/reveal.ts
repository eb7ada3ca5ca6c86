/** Owns what items hold but do not show: our own sealed thinking is opened, and attached files are read. */
import type { Item } from "../spec/items.ts";
import { type Fields, isFields } from "../spec/json.ts";
import type { Part } from "../spec/parts.ts";
import { plainText } from "./content.ts";
import { type FileReader, fileText } from "./files.ts";
import type { Seal } from "./seal.ts";

/** `items` with texts in place of seals and files. What cannot be opened or read stays as it is, or becomes a note. */
export async function reveal(items: readonly Item[], seal: Seal, files: FileReader): Promise<readonly Item[]> {
  const attached = items.flatMap(filesIn);
  const opened = items.map((item) => open(item, seal));
  if (attached.length === 0) return opened;
  const texts = await files.texts(attached);
  return opened.map((item) =>
    withParts(item, (part) => (isFile(part) ? { type: "input_text", text: fileText(part, texts) } : part)),
  );
}

/** Thinking and summaries that we sealed ourselves; those of other servers mean nothing here. */
function open(item: Item, seal: Seal): Item {
  const { type, encrypted_content: sealed } = item;
  if ((type !== "reasoning" && type !== "compaction") || typeof sealed !== "string") return item;
  if (plainText(item["content"]) !== "") return item;
  const text = seal.open(sealed);
  return text === null ? item : { ...item, content: [{ type: "reasoning_text", text }] };
}

/** The lists of an item that hold content parts. */
const lists = ["content", "output"] as const;

function filesIn(item: Item): Part[] {
  return lists.flatMap((name) => {
    const list = item[name];
    return Array.isArray(list) ? list.filter(isFile) : [];
  });
}

function withParts(item: Item, replace: (part: unknown) => unknown): Item {
  if (filesIn(item).length === 0) return item;
  const replaced: Fields = Object.fromEntries(
    lists.flatMap((name) => {
      const list = item[name];
      return Array.isArray(list) ? [[name, list.map(replace)]] : [];
    }),
  );
  return { ...item, ...replaced };
}

function isFile(part: unknown): part is Part {
  return isFields(part) && part["type"] === "input_file";
}
