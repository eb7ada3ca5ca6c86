/** Owns the parsing of JSON that strangers wrote: bounds on its shape are checked before it is built. */
import { ApiError, messageOf } from "../errors.ts";
import { limits } from "../limits.ts";

/** Throws an ApiError (400) for what is empty, not JSON, too deep, or of too many values. */
export function parseJson(bytes: Buffer): unknown {
  checkShape(bytes);
  const text = bytes.toString();
  if (text.trim() === "") throw new ApiError("invalid_json", "The request body is empty; it must be a JSON object.");
  try {
    // A byte order mark is what some Windows tools write in front of UTF-8.
    return JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
  } catch (thrown) {
    throw new ApiError("invalid_json", `The request body is not valid JSON: ${excerpt(messageOf(thrown))}.`);
  }
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
      if (depth > limits.jsonDepth) throw refusal(`nested deeper than ${limits.jsonDepth} levels`);
    } else if ((byte | brace) === closeBrace) depth -= 1;
  }
  if (values > limits.jsonValues) throw refusal(`made of more than ${limits.jsonValues} values`);
}

function refusal(what: string): ApiError {
  return new ApiError("invalid_json", `The request body is ${what}.`);
}

/** V8 quotes the text around the error; a line of it is enough. */
function excerpt(message: string): string {
  return message.replaceAll(/\s+/g, " ").slice(0, 200);
}
