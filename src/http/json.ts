/** Owns the parsing of JSON that strangers wrote: bounds on its shape are checked before it is built. */
import { isUtf8 } from "node:buffer";
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import { faultIn } from "./json-fault.ts";

/** Throws an ApiError (400) for what is empty, not UTF-8, not JSON, too deep, or of too many values. */
export function parseJson(bytes: Buffer): unknown {
  // Decoded all the same, it would reach the model with holes in it.
  if (!isUtf8(bytes)) throw refusal("not valid UTF-8; encode the JSON as UTF-8");
  checkShape(bytes);
  const text = withoutMark(bytes.toString());
  if (text.trim() === "") throw new ApiError("invalid_json", "The request body is empty; it must be a JSON object.");
  try {
    return JSON.parse(text);
  } catch {
    throw refusal(`not valid JSON: ${faultOf(text)}`);
  }
}

/** A byte order mark is what some Windows tools write in front of UTF-8. */
function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

function faultOf(text: string): string {
  const fault = faultIn(text);
  if (fault === null) return "it cannot be parsed";
  const { at, expected } = fault;
  const lines = text.slice(0, at).split("\n");
  const found = at === text.length ? "it ends too early" : `${JSON.stringify(text.at(at))} is wrong there`;
  const column = (lines.at(-1)?.length ?? 0) + 1;
  return `${expected} was expected at position ${at} (line ${lines.length}, column ${column}), ${found}`;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
/** The bit that makes a brace of a bracket. */
const brace = 0x20;

/** One pass over the bytes, strings left out. A value stands behind each bracket and comma, so counting these is enough. */
function checkShape(bytes: Buffer): void {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (inString) {
      if (byte === backslash) at += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === comma) values += 1;
    else if ((byte | brace) === openBrace) {
      depth += 1;
      values += 1;
      if (depth > limits.jsonDepth) throw refusal(`nested deeper than ${limits.jsonDepth} levels; send flatter JSON`);
    } else if ((byte | brace) === closeBrace) depth -= 1;
  }
  if (values > limits.jsonValues) throw refusal(`made of more than ${limits.jsonValues} values; send fewer items`);
}

function refusal(what: string): ApiError {
  return new ApiError("invalid_json", `The request body is ${what}.`);
}
