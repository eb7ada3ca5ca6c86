/**
 * Owns how families of models write tool calls as text, one row a way. Whoever serves a model reads these himself, but where
 * his parser missed one - a wrong template, a wrong flag - the call arrives as text, and agents would take it for the answer.
 */
import { type Fields, isFields, listOf, parse, textOf } from "../../spec/json.ts";
import { readNoted } from "./notation.ts";
import { endOf, pastSpace, readInvoked, readTagged, taggedFunction, type ValueOf, type WrittenCall } from "./tags.ts";

export interface Family {
  /** Who writes so. */
  readonly models: string;
  /** What calls begin with. */
  readonly open: string;
  /** What they end with; null: the end of the answer, as the last mark is a control token, or there is none. */
  readonly close: string | null;
  /** The calls in all from `open` to the end of `close`; null where there are none. */
  readonly read: (block: string, valueOf: ValueOf) => readonly WrittenCall[] | null;
}

/** What DeepSeek sets before the names of its tags. */
const dsml = "｜DSML｜";

export const families: readonly Family[] = [
  {
    models: "Hermes, Qwen 2.5 and 3, Qwen3-Coder, Qwen 3.5, GLM",
    open: "<tool_call>",
    close: "</tool_call>",
    read: (block, valueOf) => {
      const inner = between(block, "<tool_call>", "</tool_call>");
      return jsonCalls(inner) ?? brokenJson(inner) ?? listed(readTagged(inner, valueOf, "usually"));
    },
  },
  {
    models: "Qwen3-Coder, without its frame",
    open: "<function=",
    close: "</function>",
    read: (block, valueOf) => listed(taggedFunction(block, valueOf, "usually")),
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
  invoking("MiniMax M2", "minimax:tool_call", ""),
  invoking("DeepSeek V3.2", `${dsml}function_calls`, dsml),
  invoking("DeepSeek V4", `${dsml}tool_calls`, dsml),
];

/** Who writes `<invoke name="name"><parameter name="key">value</parameter></invoke>` in a block named `block`. */
function invoking(models: string, block: string, mark: string): Family {
  const [open, close] = [`<${block}>`, `</${block}>`];
  return {
    models,
    open,
    close,
    read: (text, valueOf) =>
      every(segments(between(text, open, close), `<${mark}invoke `, `</${mark}invoke>`), (call) =>
        listed(readInvoked(`<${mark}invoke ${call}</${mark}invoke>`, valueOf)),
      ),
  };
}

/** `{"name": ..., "arguments": {...}}`, one or a list; null where it is nothing such. */
function jsonCalls(text: string): readonly WrittenCall[] | null {
  const value = parse(text);
  const calls = Array.isArray(value) ? listOf(value) : isFields(value) ? [value] : [];
  return every(calls, (call) => callIn(isFields(call["function"]) ? call["function"] : call));
}

function callIn(call: Fields): readonly WrittenCall[] | null {
  const name = textOf(call["name"]);
  const args = call["arguments"] ?? call["parameters"] ?? call["args"] ?? {};
  if (name === null || !(isFields(args) || typeof args === "string")) return null;
  return [{ name, arguments: typeof args === "string" ? args : JSON.stringify(args) }];
}

/** A call whose arguments are no JSON as they stand: whoever runs it may still mend them. */
function brokenJson(text: string): readonly WrittenCall[] | null {
  const [head, name = ""] = /^\s*\{\s*"name"\s*:\s*"([\w.-]+)"\s*,\s*"(?:arguments|parameters)"\s*:/.exec(text) ?? [];
  const end = text.trimEnd().length - 1;
  if (head === undefined || end < head.length || text[end] !== "}") return null;
  return [{ name, arguments: text.slice(head.length, end).trim() }];
}

/** What stands between each `open` and its `close`; nothing where anything else stands between those. */
function segments(text: string, open: string, close: string): readonly string[] {
  const found: string[] = [];
  const opening = new RegExp(open.replaceAll("|", "\\|"), "y");
  for (let at = pastSpace(text, 0); at < text.length;) {
    const end = endOf(text, at, opening, close);
    if (!text.startsWith(open, at) || end === -1) return [];
    found.push(text.slice(at + open.length, end));
    at = pastSpace(text, end + close.length);
  }
  return found;
}

/** The name that `head` finds at the beginning of `text`, with the rest as its arguments. */
function pairOf(head: RegExp, text: string): readonly WrittenCall[] | null {
  const [found, name = ""] = head.exec(text) ?? [];
  if (found === undefined || name === "") return null;
  const args = text.slice(found.length).trim();
  if (!args.startsWith("{") || !args.endsWith("}")) return null;
  return [{ name: name.replace(/^functions\./, ""), arguments: args }];
}

function listed(call: WrittenCall | null): readonly WrittenCall[] | null {
  return call === null ? null : [call];
}

function between(block: string, open: string, close: string): string {
  return block.slice(open.length, block.length - close.length).trim();
}

/** The calls in all parts; null where there is none, or one of the parts is no call: half of what was meant must not run. */
function every<Part>(
  parts: readonly Part[],
  read: (part: Part) => readonly WrittenCall[] | null,
): readonly WrittenCall[] | null {
  const found: WrittenCall[] = [];
  for (const part of parts) {
    const calls = read(part);
    if (calls === null) return null;
    found.push(...calls);
  }
  return found.length > 0 ? found : null;
}
