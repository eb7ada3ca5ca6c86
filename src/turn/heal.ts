/**
 * Owns the healing of items: what clients get wrong, or send in a form of their own, becomes what the rest of the line
 * expects. One rule a function, and each looks at one item only, so that a healed thread stays the same from turn to turn.
 */
import { limits } from "../limits.ts";
import { aliases, type Item, items as rows } from "../spec/items.ts";
import { type Fields, isFields, parse } from "../spec/json.ts";
import { isPartType } from "../spec/parts.ts";
import { plainText } from "./content.ts";

export interface Rule {
  /** Who sends it. */
  readonly client: string;
  /** What the item should have been; null where nothing is wrong with it. */
  readonly heal: (item: Item) => readonly Item[] | null;
}

/** In the order in which they are tried; a later one sees what an earlier one made. */
export const rules = {
  alias: {
    client: "Codex, which replays compactions under three names",
    heal: (item) => {
      const type = Object.hasOwn(aliases, item.type) ? aliases[item.type] : undefined;
      return type === undefined ? null : [{ ...item, type }];
    },
  },
  barePart: {
    client: "scripts that forget the message around a content part",
    heal: (item) => (isPartType(item.type) ? [{ id: item.id, type: "message", role: "user", content: [item] }] : null),
  },
  role: {
    client: "histories of other interfaces (`human`, `bot`, `model`)",
    heal: (item) => {
      const { type, role } = item;
      if (type !== "message" || (typeof role === "string" && roles.has(role))) return null;
      return [{ ...item, role: typeof role === "string" && speakers.has(role) ? "assistant" : "user" }];
    },
  },
  nestedContent: {
    client: "MCP bridges that put one list of content into another",
    heal: (item) => {
      const nested = contentFields.filter((field) => isNested(item[field]));
      if (nested.length === 0) return null;
      return [{ ...item, ...Object.fromEntries(nested.map((field) => [field, [item[field]].flat(limits.jsonDepth)])) }];
    },
  },
  chatThinking: {
    client: "histories of Chat Completions, with `reasoning_content` in a message",
    heal: (item) => {
      const { reasoning_content: thought, ...message } = item;
      if (item.type !== "message" || item["role"] !== "assistant" || typeof thought !== "string") return null;
      return [{ id: `${item.id}_thought`, type: "reasoning", content: thought }, message];
    },
  },
  chatResult: {
    client: "histories of Chat Completions, with messages of the role `tool`",
    heal: (item) => {
      const { type, role, id, content, name } = item;
      if (type !== "message" || (role !== "tool" && role !== "function")) return null;
      return [{ id, type: "function_call_output", call_id: item["tool_call_id"], name, output: content }];
    },
  },
  chatCalls: {
    client: "histories of Chat Completions, with `tool_calls` (or the older `function_call`) in a message",
    heal: (item) => {
      const { tool_calls: several, function_call: single, ...message } = item;
      const calls = [several, single].flat().filter(isFields);
      if (item.type !== "message" || item["role"] !== "assistant" || calls.length === 0) return null;
      return [message, ...calls.map((call, index) => chatCall(call, `${item.id}_${index}`))];
    },
  },
  refusalText: {
    client: "clients that put the words of a refusal into `text`",
    heal: (item) => {
      const { content } = item;
      if (!Array.isArray(content) || !content.some(isMute)) return null;
      return [
        {
          ...item,
          content: content.map((part) => (isMute(part) ? { type: "output_text", text: part["text"] } : part)),
        },
      ];
    },
  },
  chatFile: {
    client: "content of Chat Completions, with a part `file` around the fields",
    heal: (item) => {
      const { content } = item;
      if (!Array.isArray(content) || !content.some(isChatFile)) return null;
      return [
        { ...item, content: content.map((part) => (isChatFile(part) ? { type: "input_file", ...part.file } : part)) },
      ];
    },
  },
  callId: {
    client: "Codex (an output without one), gateways (numbers), and local_shell, whose output is named by its id",
    heal: (item) => {
      const { call_id: callId } = item;
      if (!isCallOrOutput(item) || typeof callId === "string") return null;
      const found = item["tool_call_id"] ?? (namesItsCall(item) ? item.id : callId);
      return [{ ...item, call_id: typeof found === "string" || typeof found === "number" ? String(found) : "" }];
    },
  },
  argumentsForm: {
    client: "clients that keep arguments parsed, or send none for a tool without parameters",
    heal: (item) => {
      const { type, arguments: args } = item;
      if (type !== "function_call" || (typeof args === "string" && !blankArguments.has(args.trim()))) return null;
      const empty = args === null || args === undefined || typeof args === "string";
      return [{ ...item, arguments: empty ? "{}" : JSON.stringify(args) }];
    },
  },
  argumentsUnreadable: {
    client: "any client that replays a call which another server cut off (llama.cpp answers 500 for ever)",
    heal: (item) => {
      const { type, arguments: args } = item;
      if (type !== "function_call" || typeof args !== "string" || isFields(parse(args))) return null;
      return [{ ...item, arguments: JSON.stringify({ unreadable_arguments: args }), note: unreadable }];
    },
  },
  inputForm: {
    client: "clients that keep the input of a custom tool parsed",
    heal: (item) => {
      const { type, input } = item;
      if (type !== "custom_tool_call" || typeof input === "string") return null;
      const empty = input === null || input === undefined;
      return [{ ...item, input: empty ? "" : plainText(input) || JSON.stringify(input) }];
    },
  },
  actionForm: {
    client: "histories in which a shell's action is the command itself",
    heal: (item) => {
      const { type, action } = item;
      if ((type !== "shell_call" && type !== "local_shell_call") || typeof action !== "string") return null;
      return [{ ...item, action: type === "shell_call" ? { commands: [action] } : { command: [action] } }];
    },
  },
  outputForm: {
    client: "MCP bridges that hand on results as they are: objects, numbers, lists of anything",
    heal: (item) => {
      const { output } = item;
      if (!textOutputs.has(item.type) || isContent(output)) return null;
      return [{ ...item, output: output === null || output === undefined ? "" : JSON.stringify(output) }];
    },
  },
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;

export interface Healed {
  readonly items: readonly Item[];
  /** How often each rule was needed. */
  readonly counts: Readonly<Partial<Record<RuleName, number>>>;
}

const ordered = Object.entries(rules) as readonly (readonly [RuleName, Rule])[];

/** `items` after every rule; those that nothing is wrong with are the same objects. */
export function heal(items: readonly Item[]): Healed {
  const counts: Partial<Record<RuleName, number>> = {};
  const healed: Item[] = [];
  const mend = (item: Item, from: number): void => {
    for (const [index, [name, rule]] of ordered.entries()) {
      const better = index < from ? null : rule.heal(item);
      if (better === null) continue;
      counts[name] = (counts[name] ?? 0) + 1;
      for (const made of better) mend(made, index + 1);
      return;
    }
    healed.push(item);
  };
  for (const item of items) mend(item, 0);
  return { items: healed, counts };
}

/** For the model, with the output of the call in question. */
const unreadable = "[The arguments of this call were not a JSON object.]";

/** What stands for no arguments. */
const blankArguments = new Set(["", "null"]);

/** The fields of an item that hold content. */
const contentFields = ["content", "output"] as const;

function isNested(content: unknown): boolean {
  return Array.isArray(content) && content.some((part) => Array.isArray(part));
}

const roles = new Set(["user", "assistant", "system", "developer", "tool", "function"]);
const speakers = new Set(["bot", "model", "ai"]);
/** Outputs whose `output` is text or content; the others have forms of their own. */
const textOutputs = new Set([
  "function_call_output",
  "custom_tool_call_output",
  "local_shell_call_output",
  "apply_patch_call_output",
]);

/**
 * OpenAI's outputs of local_shell bear the id of the call's item. Ours are given where that is taken by the call itself, and
 * name nothing; such an output belongs to the call that still waits for one.
 */
function namesItsCall({ type, id }: Item): boolean {
  return type === "local_shell_call_output" && !id.startsWith(`${rows.local_shell_call_output.prefix}_`);
}

function isCallOrOutput({ type }: Item): boolean {
  const row = Object.hasOwn(rows, type) ? rows[type as keyof typeof rows] : null;
  return row?.role === "call" || row?.role === "output";
}

function isContent(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((part) => typeof part === "string" || isReadable(part));
  return typeof value === "string" || isReadable(value);
}

/** A part that shows something; `{}` or a result's own object does not. */
function isReadable(value: unknown): boolean {
  return isFields(value) && (isPartType(value["type"]) || plainText(value) !== "");
}

function isMute(part: unknown): part is Fields {
  return (
    isFields(part) &&
    part["type"] === "refusal" &&
    typeof part["refusal"] !== "string" &&
    typeof part["text"] === "string"
  );
}

function isChatFile(part: unknown): part is Fields & { readonly file: Fields } {
  return isFields(part) && part["type"] === "file" && isFields(part["file"]);
}

function chatCall(call: Fields, id: string): Item {
  const { custom } = call;
  if (isFields(custom)) {
    return { id, type: "custom_tool_call", call_id: call["id"], name: custom["name"], input: custom["input"] };
  }
  const body = isFields(call["function"]) ? call["function"] : call;
  return { id, type: "function_call", call_id: call["id"], name: body["name"], arguments: body["arguments"] };
}
