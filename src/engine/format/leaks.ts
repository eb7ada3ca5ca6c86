/**
 * Owns how families of models write tool calls as text, one row a way. Whoever serves a model reads these himself, but where
 * his parser missed one - a wrong template, a wrong flag - the call arrives as text, and agents would take it for the answer.
 */
import { at, type Fields, isFields, listOf, parse, textOf } from "../../spec/json.ts";

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
      return whole(
        written.flatMap((part) => jsonCalls(part) ?? pairOf(/^\s*([\w.-]+)(?:\[CALL_ID\]\w+)?(?:\[ARGS\])?/, part)),
      );
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
      whole(
        segments(block, "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>").flatMap((call) =>
          pairOf(
            /^(?:function<｜tool▁sep｜>)?([\w.-]+)(?:<｜tool▁sep｜>|\s)\s*(?:```json)?/,
            call.replace(/```\s*$/, ""),
          ),
        ),
      ),
  },
  {
    models: "Kimi",
    open: "<|tool_calls_section_begin|>",
    close: "<|tool_calls_section_end|>",
    read: (block) =>
      whole(
        segments(block, "<|tool_call_begin|>", "<|tool_call_end|>").flatMap((call) =>
          pairOf(/^\s*([\w.-]+)(?::\d+)?\s*<\|tool_call_argument_begin\|>/, call),
        ),
      ),
  },
  {
    models: "gpt-oss",
    open: "<|channel|>commentary to=",
    close: null,
    read: (block) => {
      const call = block.slice("<|channel|>commentary to=".length).replace(/<\|call\|>\s*$/, "");
      return whole(pairOf(/^([\w.-]+)[^<]*(?:<\|constrain\|>\w+\s*)?<\|message\|>/, call));
    },
  },
  {
    models: "MiniMax",
    open: "<minimax:tool_call>",
    close: "</minimax:tool_call>",
    read: (block, valueOf) =>
      whole(
        segments(block, "<invoke ", "</invoke>").flatMap((call) => {
          const [, name = ""] = /^name="([\w.-]+)">/.exec(call) ?? [];
          return name === ""
            ? []
            : [
                {
                  name,
                  arguments: argumentsOf(name, pairs(call, /<parameter name="([^"]+)">/g, "</parameter>"), valueOf),
                },
              ];
        }),
      ),
  },
];

/** `{"name": ..., "arguments": {...}}`, one or a list; null where it is nothing such. */
function jsonCalls(text: string): readonly LeakedCall[] | null {
  const value = parse(text);
  const calls = Array.isArray(value) ? listOf(value) : isFields(value) ? [value] : [];
  return whole(calls.flatMap((call) => callIn(isFields(call["function"]) ? call["function"] : call)));
}

function callIn(call: Fields): LeakedCall[] {
  const name = textOf(call["name"]);
  const args = call["arguments"] ?? call["parameters"] ?? call["args"] ?? {};
  if (name === null || !(isFields(args) || typeof args === "string")) return [];
  return [{ name, arguments: typeof args === "string" ? args : JSON.stringify(args) }];
}

/** A call whose arguments are no JSON as they stand: whoever runs it may still mend them. */
function brokenJson(text: string): readonly LeakedCall[] | null {
  const [head, name = ""] = /^\s*\{\s*"name"\s*:\s*"([\w.-]+)"\s*,\s*"(?:arguments|parameters)"\s*:/.exec(text) ?? [];
  const end = text.lastIndexOf("}");
  if (head === undefined || end < head.length) return null;
  return [{ name, arguments: text.slice(head.length, end).trim() }];
}

/** `<function=name><parameter=key>value</parameter></function>`. */
function taggedFunction(text: string, valueOf: ValueOf): readonly LeakedCall[] | null {
  const [head, name = ""] = /^\s*<function=([\w.-]+)>/.exec(text) ?? [];
  if (head === undefined || !text.trimEnd().endsWith("</function>")) return null;
  return [{ name, arguments: argumentsOf(name, pairs(text, /<parameter=([^>\n]+)>/g, "</parameter>"), valueOf) }];
}

/** `name<arg_key>key</arg_key><arg_value>value</arg_value>`. */
function taggedPairs(text: string, valueOf: ValueOf): readonly LeakedCall[] | null {
  const [, name = ""] = /^\s*([\w.-]+)\s*(?:<arg_key>|$)/.exec(text) ?? [];
  if (name === "") return null;
  const found = pairs(text, /<arg_key>([^<]+)<\/arg_key>\s*<arg_value>/g, "</arg_value>");
  return [{ name, arguments: argumentsOf(name, found, valueOf) }];
}

type Pair = readonly [string, string];

/** Each key that `open` finds, with the text up to `close`; one line break next to a tag belongs to the tag. */
function pairs(text: string, open: RegExp, close: string): Pair[] {
  return [...text.matchAll(open)].map((found): Pair => {
    const from = found.index + found[0].length;
    const end = text.indexOf(close, from);
    return [(found[1] ?? "").trim(), text.slice(from, end === -1 ? text.length : end).replace(/^\n|\n$/g, "")];
  });
}

function argumentsOf(tool: string, written: readonly Pair[], valueOf: ValueOf): string {
  return JSON.stringify(Object.fromEntries(written.map(([key, value]) => [key, valueOf(tool, key, value)])));
}

/** The name that `head` finds at the beginning of `text`, with the rest as its arguments. */
function pairOf(head: RegExp, text: string): LeakedCall[] {
  const [found, name = ""] = head.exec(text) ?? [];
  if (found === undefined || name === "") return [];
  const args = text.slice(found.length).trim();
  return args.startsWith("{") && args.endsWith("}")
    ? [{ name: name.replace(/^functions\./, ""), arguments: args }]
    : [];
}

/** What stands between each `open` and the next `close`. */
function segments(text: string, open: string, close: string): readonly string[] {
  return text
    .split(open)
    .slice(1)
    .flatMap((part) => (part.includes(close) ? [part.slice(0, part.indexOf(close))] : []));
}

function between(block: string, open: string, close: string): string {
  return block.slice(open.length, block.length - close.length).trim();
}

function whole(calls: readonly LeakedCall[]): readonly LeakedCall[] | null {
  return calls.length > 0 ? calls : null;
}

/** Values as `schema` has them: text where it wants text or says nothing, else the JSON that was written. */
export function valueFor(schema: unknown, argument: string, written: string): unknown {
  const type = at(schema, "properties", argument, "type");
  const value = type === "string" ? undefined : parse(written.trim());
  return value === undefined ? written : value;
}
