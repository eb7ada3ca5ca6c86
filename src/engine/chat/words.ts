/** Owns what an upstream says in its own words when it refuses: its message, without what it quotes of the request. */
import { type Fields, fieldsOf, listOf, parse, textOf } from "../../spec/json.ts";

export interface Words {
  /** For people; "" where there is none. */
  readonly message: string;
  /** The message, and the server's names for what went wrong: what patterns may be matched against. */
  readonly all: string;
}

/** Nesting of an error body; Mistral's four levels are the deepest known. */
const maximumDepth = 5;

/** pydantic's quote of the offending value, in what vLLM makes of its errors; the rest is more of the same. */
const quoted = /['"]input['"]:|\binput_value=/;

/**
 * The words of an error body. Servers of the FastAPI kind quote the request in it, and a prompt may say anything, even
 * `context_length_exceeded`: so only what is a message counts. A body that is no JSON is one message; JSON cut short is none.
 */
export function ownWords(text: string): Words {
  const body = parse(text);
  if (body !== undefined) return wordsIn(body);
  return wordsIn(/^\s*[[{"]/.test(text) ? "" : text);
}

/** The words of an error that stands in a stream or in a JSON answer. */
export function wordsIn(error: unknown): Words {
  const names: string[] = [];
  const message = messageIn(error, names, 0).replace(/\s+/g, " ").trim();
  return { message, all: [message, ...names].join(" ") };
}

function messageIn(value: unknown, names: string[], depth: number): string {
  if (typeof value === "string") return value.split(quoted, 1)[0] ?? "";
  if (depth > maximumDepth) return "";
  if (Array.isArray(value)) return complaints(value, names);
  const fields = fieldsOf(value);
  keepNames(fields, names);
  const inner = [fields["error"], fields["message"], fields["detail"]];
  return inner.map((part) => messageIn(part, names, depth + 1)).find((message) => message !== "") ?? "";
}

/** pydantic's list; the field stands second in `loc`, after "body". */
function complaints(list: unknown, names: string[]): string {
  const told = listOf(list).map((entry) => {
    keepNames(entry, names);
    const [, field] = Array.isArray(entry["loc"]) ? (entry["loc"] as readonly unknown[]) : [];
    const message = messageIn(entry["msg"], names, maximumDepth);
    return typeof field === "string" && message !== "" ? `${field}: ${message}` : message;
  });
  return told.filter((message) => message !== "").join("; ");
}

function keepNames(fields: Fields, names: string[]): void {
  const found = [textOf(fields["code"]), textOf(fields["type"])];
  names.push(...found.filter((name) => name !== null && /^\w{1,64}$/.test(name)).map(String));
}
