/**
 * Owns how families of models write tool calls as text, one row a way. Whoever serves a model reads these himself, but where
 * his parser missed one - a wrong template, a wrong flag - the call arrives as text, and agents would take it for the answer.
 */
import { at, type Fields, isFields, listOf, parse, textOf } from "../../spec/json.ts";
import { targetOf } from "../../spec/schema.ts";
import { argumentsText, readNoted } from "./notation.ts";

/** A call as it was written; `arguments` is what stands where the text of a JSON object should. */
export interface LeakedCall {
  readonly name: string;
  readonly arguments: string;
}

/** The value of an argument that was written without quotes, as the tool's schema wants it. */
export type ValueOf = (tool: string, argument: string, written: string) => unknown;

export interface Family {
  /** Who writes so. */
  readonly models: string;
  /** What calls begin with. */
  readonly open: string;
  /** What they end with; null: the end of the answer, as the last mark is a control token, or there is none. */
  readonly close: string | null;
  /** The calls in all from `open` to the end of `close`; null where there are none. */
  readonly read: (block: string, valueOf: ValueOf) => readonly LeakedCall[] | null;
}

export const families: readonly Family[] = [
  {
    models: "Hermes, Qwen 2.5 and 3, Qwen3-Coder, Qwen 3.5, GLM",
    open: "<tool_call>",
    close: "</tool_call>",
    read: (block, valueOf) => {
      const inner = between(block, "<tool_call>", "</tool_call>");
      return jsonCalls(inner) ?? brokenJson(inner) ?? taggedFunction(inner, valueOf) ?? taggedPairs(inner, valueOf);
    },
  },
  {
    models: "Qwen3-Coder, without its frame",
    open: "<function=",
    close: "</function>",
    read: taggedFunction,
  },
  {
    models: "Mistral",
    open: "[TOOL_CALLS]",
    close: null,
    read: (block) => {
      const written = block.split("[TOOL_CALLS]").slice(1);
      return every(written, (part) => jsonCalls(part) ?? pairOf(/^\s*([\w.-]+)(?:\[CALL_ID\]\w+)?(?:\[ARGS\])?/, part));
    },
  },
  {
    models: "Llama 3",
    open: "<|python_tag|>",
    close: null,
    read: (block) => jsonCalls(block.slice("<|python_tag|>".length).replace(/<\|eom_id\|>\s*$/, "")),
  },
  {
    models: "DeepSeek",
    open: "<｜tool▁calls▁begin｜>",
    close: "<｜tool▁calls▁end｜>",
    read: (block) =>
      every(
        segments(
          between(block, "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
          "<｜tool▁call▁begin｜>",
          "<｜tool▁call▁end｜>",
        ),
        (call) =>
          pairOf(
            /^(?:function<｜tool▁sep｜>)?([\w.-]+)(?:<｜tool▁sep｜>|\s)\s*(?:```json)?/,
            call.trimEnd().replace(/```$/, ""),
          ),
      ),
  },
  {
    models: "Kimi",
    open: "<|tool_calls_section_begin|>",
    close: "<|tool_calls_section_end|>",
    read: (block) =>
      every(
        segments(
          between(block, "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
          "<|tool_call_begin|>",
          "<|tool_call_end|>",
        ),
        (call) => pairOf(/^\s*([\w.-]+)(?::\d+)?\s*<\|tool_call_argument_begin\|>/, call),
      ),
  },
  {
    models: "gpt-oss",
    open: "<|channel|>commentary to=",
    close: null,
    read: (block) => {
      const call = block.slice("<|channel|>commentary to=".length).replace(/<\|call\|>\s*$/, "");
      return pairOf(/^([\w.-]+)(?:[^\w.<-][^<]*)?(?:<\|constrain\|>\w+\s*)?<\|message\|>/, call);
    },
  },
  {
    models: "Gemma 4",
    open: "<|tool_call>",
    close: "<tool_call|>",
    read: (block) => every([between(block, "<|tool_call>", "<tool_call|>")], (call) => listed(readNoted(call))),
  },
  {
    models: "MiniMax",
    open: "<minimax:tool_call>",
    close: "</minimax:tool_call>",
    read: (block, valueOf) =>
      every(
        segments(between(block, "<minimax:tool_call>", "</minimax:tool_call>"), "<invoke ", "</invoke>"),
        (call) => {
          const [head, name = ""] = /^name="([\w.-]+)">/.exec(call) ?? [];
          if (head === undefined) return null;
          return callOf(name, pairs(call.slice(head.length), /<parameter name="([^"]+)">/y, "</parameter>"), valueOf);
        },
      ),
  },
];

/** `{"name": ..., "arguments": {...}}`, one or a list; null where it is nothing such. */
function jsonCalls(text: string): readonly LeakedCall[] | null {
  const value = parse(text);
  const calls = Array.isArray(value) ? listOf(value) : isFields(value) ? [value] : [];
  return every(calls, (call) => callIn(isFields(call["function"]) ? call["function"] : call));
}

function callIn(call: Fields): readonly LeakedCall[] | null {
  const name = textOf(call["name"]);
  const args = call["arguments"] ?? call["parameters"] ?? call["args"] ?? {};
  if (name === null || !(isFields(args) || typeof args === "string")) return null;
  return [{ name, arguments: typeof args === "string" ? args : JSON.stringify(args) }];
}

/** A call whose arguments are no JSON as they stand: whoever runs it may still mend them. */
function brokenJson(text: string): readonly LeakedCall[] | null {
  const [head, name = ""] = /^\s*\{\s*"name"\s*:\s*"([\w.-]+)"\s*,\s*"(?:arguments|parameters)"\s*:/.exec(text) ?? [];
  const end = text.trimEnd().length - 1;
  if (head === undefined || end < head.length || text[end] !== "}") return null;
  return [{ name, arguments: text.slice(head.length, end).trim() }];
}

/** A call in tags, without the marks around it; null where it is none. */
export function readTagged(inner: string, valueOf: ValueOf): LeakedCall | null {
  return (taggedFunction(inner, valueOf) ?? taggedPairs(inner, valueOf))?.[0] ?? null;
}

/** `<function=name><parameter=key>value</parameter></function>`. */
function taggedFunction(text: string, valueOf: ValueOf): readonly LeakedCall[] | null {
  const [head, name = ""] = /^\s*<function=([\w.-]+)>/.exec(text) ?? [];
  const written = text.trimEnd();
  if (head === undefined || !written.endsWith("</function>")) return null;
  const inner = written.slice(head.length, -"</function>".length);
  return callOf(name, pairs(inner, /<parameter=([^>\n]+)>/y, "</parameter>"), valueOf);
}

/** `name<arg_key>key</arg_key><arg_value>value</arg_value>`. */
function taggedPairs(text: string, valueOf: ValueOf): readonly LeakedCall[] | null {
  const [head, name = ""] = /^\s*([\w.-]+)\s*(?=<arg_key>|$)/.exec(text) ?? [];
  if (head === undefined) return null;
  const found = pairs(text.slice(head.length), /<arg_key>([^<]+)<\/arg_key>\s*<arg_value>/y, "</arg_value>");
  return callOf(name, found, valueOf);
}

type Pair = readonly [key: string, written: string];

/**
 * Each key that `open` (sticky) finds, with the text up to `close`; one line break next to a tag belongs to the tag. null
 * where anything else stands between them.
 */
function pairs(text: string, open: RegExp, close: string): readonly Pair[] | null {
  const found: Pair[] = [];
  for (let at = pastSpace(text, 0); at < text.length;) {
    open.lastIndex = at;
    const [, key = ""] = open.exec(text) ?? [];
    const from = open.lastIndex;
    const end = text.indexOf(close, from);
    if (key === "" || end === -1) return null;
    found.push([key.trim(), text.slice(from, end).replace(/^\n|\n$/g, "")]);
    at = pastSpace(text, end + close.length);
  }
  return found;
}

/** What stands between each `open` and the next `close`; nothing where anything else stands between those. */
function segments(text: string, open: string, close: string): readonly string[] {
  const found: string[] = [];
  for (let at = pastSpace(text, 0); at < text.length;) {
    const end = text.indexOf(close, at);
    if (!text.startsWith(open, at) || end === -1) return [];
    found.push(text.slice(at + open.length, end));
    at = pastSpace(text, end + close.length);
  }
  return found;
}

function pastSpace(text: string, from: number): number {
  const space = /\s*/y;
  space.lastIndex = from;
  space.exec(text);
  return space.lastIndex;
}

function callOf(tool: string, written: readonly Pair[] | null, valueOf: ValueOf): readonly LeakedCall[] | null {
  if (written === null) return null;
  const args = Object.fromEntries(written.map(([key, value]) => [key, valueOf(tool, key, value)]));
  return [{ name: tool, arguments: argumentsText(args) }];
}

/** The name that `head` finds at the beginning of `text`, with the rest as its arguments. */
function pairOf(head: RegExp, text: string): readonly LeakedCall[] | null {
  const [found, name = ""] = head.exec(text) ?? [];
  if (found === undefined || name === "") return null;
  const args = text.slice(found.length).trim();
  if (!args.startsWith("{") || !args.endsWith("}")) return null;
  return [{ name: name.replace(/^functions\./, ""), arguments: args }];
}

function listed(call: LeakedCall | null): readonly LeakedCall[] | null {
  return call === null ? null : [call];
}

function between(block: string, open: string, close: string): string {
  return block.slice(open.length, block.length - close.length).trim();
}

/** The calls in all parts; null where there is none, or one of the parts is no call: half of what was meant must not run. */
function every<Part>(
  parts: readonly Part[],
  read: (part: Part) => readonly LeakedCall[] | null,
): readonly LeakedCall[] | null {
  const found: LeakedCall[] = [];
  for (const part of parts) {
    const calls = read(part);
    if (calls === null) return null;
    found.push(...calls);
  }
  return found.length > 0 ? found : null;
}

/** Values as `schema` has them: text where it wants text or says nothing, else the JSON that was written. */
export function valueFor(schema: unknown, argument: string, written: string): unknown {
  const types = typesOf(at(schema, "properties", argument), schema);
  const value = parse(written.trim());
  if (value === undefined) return written;
  // What could be text is text, unless it is just what else the schema allows: `null`, mostly.
  return types.has("string") && !types.has(typeName(value))
    ? written
    : types.size === 1 && types.has("string")
      ? written
      : value;
}

/** The types that a property may have, as far as it says; `seen`: each schema says it once, however often it is named. */
function typesOf(property: unknown, root: unknown, seen = new Set<unknown>()): Set<unknown> {
  const types = new Set<unknown>();
  if (!isFields(property) || seen.has(property)) return types;
  seen.add(property);
  const { $ref, type, enum: values, anyOf, oneOf } = property;
  for (const name of [type].flat()) if (typeof name === "string") types.add(name);
  for (const value of listOf(values)) types.add(typeName(value));
  const inner = [...listOf(anyOf), ...listOf(oneOf), isFields(root) ? targetOf($ref, root) : undefined];
  for (const one of inner) for (const name of typesOf(one, root, seen)) types.add(name);
  return types;
}

function typeName(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}
