/** Owns what a recorded request keeps: its shape, its ids, and our own words; whatever else it says becomes a placeholder. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isFields } from "../../src/spec/json.ts";

const here = import.meta.dirname;

/** Where our own words stand: the suites that the clients are driven by, and the models behind them. */
const tests = join(here, "..");
const ownWords = [
  ...["clients", "recorders"].flatMap((room) =>
    readdirSync(join(tests, room))
      .filter((name) => /\.(?:ts|mjs|py)$/.test(name))
      .map((name) => join(tests, room, name)),
  ),
  join(tests, "..", "src", "model", "scripted-text.ts"),
]
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

/** Names, ids, types, numbers, and placeholders: nothing that anybody could call a text, nor a path. */
const word = /^(?:[\w.:+=$-]{0,120}|\[text of \d+ characters\])$/;
const tag = /^<(\w[\w-]*)[^>]*>([^]*)<\/\1>\s*$/;
const inline = /^data:image\/png;base64,[A-Za-z0-9+/=]{1,200}$/;

/** `body` with the texts of other products replaced; the same text always by the same placeholder. */
export function redact(body: unknown): unknown {
  if (typeof body === "string") return redactText(body);
  if (Array.isArray(body)) return body.map(redact);
  if (!isFields(body)) return body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [word.test(key) ? key : redactText(key), redact(value)]),
  );
}

function redactText(text: string): string {
  if (word.test(text) || inline.test(text) || ownWords.includes(text)) return text;
  const object = parsed(text);
  if (object !== null) return JSON.stringify(redact(object));
  const [, name, inner = ""] = tag.exec(text) ?? [];
  return name === undefined ? `[text of ${text.length} characters]` : `<${name}>${redactText(inner)}</${name}>`;
}

/** The arguments of a call, which are JSON in a string. */
function parsed(text: string): unknown {
  if (!text.startsWith("{") && !text.startsWith("[")) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
