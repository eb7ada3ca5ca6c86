/** Owns the telling of what else a stream or a body may be, where it is not the Responses API's. */
import { type Fields, fieldsOf, nameOf } from "./rules.ts";

const streams: readonly { readonly name: string; readonly is: (first: Fields) => boolean }[] = [
  {
    name: "a Chat Completions stream",
    is: (first) =>
      first["object"] === "chat.completion.chunk" || (nameOf(first) === "" && Array.isArray(first["choices"])),
  },
  { name: "an Anthropic Messages stream", is: (first) => nameOf(first) === "message_start" },
  { name: "a Gemini stream", is: (first) => Array.isArray(first["candidates"]) },
];

/** What a stream is that begins with the event `first`; null where it may be of the Responses API. */
export function foreignStream(first: unknown): string | null {
  const fields = fieldsOf(first);
  const found = streams.find(({ is }) => is(fields));
  return found ? `this is ${found.name}, not one of the Responses API` : null;
}

const bodies: readonly { readonly pattern: RegExp; readonly name: string }[] = [
  { pattern: /^\s*$/, name: "it is empty" },
  { pattern: /^\s*<(?:!doctype|html)/i, name: "this is a web page, not a stream" },
  {
    pattern: /^\s*\{[^]*"object"\s*:\s*"response"/,
    name: 'this is a whole Response, not a stream: ask with "stream": true',
  },
  { pattern: /^\s*\{[^]*"object"\s*:\s*"chat\.completion"/, name: "this is a Chat Completions body, not a stream" },
  { pattern: /^\s*\{[^]*"done"\s*:\s*(?:false|true)/, name: "this is Ollama's own format, not the Responses API" },
  { pattern: /^\s*\{[^]*"error"\s*:/, name: "this is an error, not a stream" },
];

/** What a text without a single event is; `head` is its beginning. */
export function foreignBody(head: string): string {
  return bodies.find(({ pattern }) => pattern.test(head))?.name ?? "there are no events in it";
}
