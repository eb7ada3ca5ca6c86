/** Owns what each item looks like to a model: one row an item type. Calls and outputs find each other later, in prompt.ts. */
import type { EnginePart } from "../engine/engine.ts";
import { isItemType, type Item, type ItemType } from "../spec/items.ts";
import { at, isFields, parse, wellFormed, words } from "../spec/json.ts";
import { contentParts, plainText, text, unanswered } from "./content.ts";
import { hostedText, isHosted } from "./hosted.ts";
import { foreignCalls, kinds } from "./kinds.ts";
import { functionsFor, nameForEngine, toolsIn } from "./offer.ts";

/** A call of history, before it has the id by which engines know it. */
export interface DraftCall {
  /** As the client has it; "" where it has none. */
  readonly callId: string;
  readonly itemId: string;
  readonly name: string;
  /** The text of a JSON object. */
  readonly arguments: string;
  /** What the model is to know about this call; it stands with the output. */
  readonly note: string | null;
}

/** A message in the making. */
export type Draft =
  | { readonly role: "system" | "user"; readonly content: readonly EnginePart[] }
  | {
      readonly role: "assistant";
      readonly content: string;
      readonly reasoning: string | null;
      readonly calls: readonly DraftCall[];
    }
  /** `name`: of the tool, where the output says it. */
  | {
      readonly role: "tool";
      readonly callId: string;
      readonly name: string | null;
      readonly content: readonly EnginePart[];
    };

export type AssistantDraft = Extract<Draft, { role: "assistant" }>;

/** The message that an item is or belongs to; null for what a model does not see. */
export function draft(item: Item): Draft | null {
  return isItemType(item.type) ? renderers[item.type](item) : null;
}

/** How many items of each type a model does not see. */
export function skipped(items: readonly Item[]): Record<string, number> {
  const unseen = Map.groupBy(
    items.filter((item) => draft(item) === null),
    ({ type }) => type,
  );
  return Object.fromEntries([...unseen].map(([type, { length }]) => [type, length]));
}

const hosted = (item: Item): Draft | null =>
  isHosted(item.type)
    ? item.type === "mcp_approval_response"
      ? { role: "user", content: [text(hostedText(item.type, item))] }
      : assistant({ content: hostedText(item.type, item) })
    : null;

const nothing = (): null => null;

const renderers = {
  message: fromMessage,
  reasoning: (item) => {
    const thought = plainText(item["content"]) || paragraphs(item["summary"]);
    return thought === "" ? null : assistant({ reasoning: thought });
  },
  function_call: (item) => called(item, nameOf(item), kinds.function.args(item)),
  function_call_output: (item) => output(item, contentParts(item["output"])),
  custom_tool_call: (item) => called(item, nameOf(item), kinds.custom.args(item)),
  custom_tool_call_output: (item) => output(item, contentParts(item["output"])),
  tool_search_call: (item) => called(item, kinds.tool_search.name, kinds.tool_search.args(item)),
  tool_search_output: (item) => output(item, [text(found(item)), ...contentParts(item["output"])]),
  local_shell_call: (item) => called(item, kinds.local_shell.name, kinds.local_shell.args(item)),
  local_shell_call_output: (item) => output(item, contentParts(item["output"])),
  shell_call: (item) => called(item, kinds.shell.name, kinds.shell.args(item)),
  shell_call_output: (item) => output(item, shellOutput(item["output"])),
  apply_patch_call: (item) => called(item, kinds.apply_patch.name, kinds.apply_patch.args(item)),
  apply_patch_call_output: (item) => {
    const status = item["status"] === "failed" ? "[The patch could not be applied.]" : "[The patch was applied.]";
    return output(item, [text(status), ...contentParts(item["output"])]);
  },
  computer_call: (item) => called(item, foreignCalls.computer_call.name, foreignCalls.computer_call.args(item)),
  computer_call_output: (item) => output(item, contentParts(item["output"])),
  web_search_call: hosted,
  file_search_call: hosted,
  code_interpreter_call: hosted,
  image_generation_call: hosted,
  mcp_list_tools: hosted,
  mcp_call: hosted,
  mcp_approval_request: hosted,
  mcp_approval_response: hosted,
  program: hosted,
  program_output: hosted,
  multi_agent_call: hosted,
  multi_agent_call_output: hosted,
  agent_message: (item) => {
    const title = `[Message of agent ${words(item["author"])} to ${words(item["recipient"])}:]`;
    return { role: "user", content: [text(title), ...contentParts(item["content"])] };
  },
  compaction: (item) => {
    const summary = plainText(item["summary"]) || plainText(item["content"]) || plainText(item["text"]);
    if (summary === "") return { role: "user", content: [text(lostCompaction)] };
    return { role: "user", content: [text("[Summary of the conversation so far:]"), text(summary)] };
  },
  compaction_trigger: nothing,
  additional_tools: (item) => ({ role: "system", content: [text(found(item))] }),
  configuration_update: nothing,
  item_reference: nothing,
} as const satisfies Record<ItemType, (item: Item) => Draft | null>;

const lostCompaction =
  "[An earlier part of this conversation was compacted by another server and cannot be read here.]";

function fromMessage(item: Item): Draft | null {
  const { role } = item;
  const content = contentParts(item["content"]);
  if (role === "assistant") {
    const said = content.map(spoken).join("");
    return said === "" || said === unanswered ? null : assistant({ content: said });
  }
  if (content.length === 0) return null;
  return { role: role === "system" || role === "developer" ? "system" : "user", content };
}

/** An assistant's own message is text alone, in every template. */
function spoken(part: EnginePart): string {
  return part.type === "text" ? part.text : "[image]";
}

function called(item: Item, name: string, args: string): Draft {
  const call = { callId: words(item["call_id"]), itemId: item.id, name, arguments: soundArguments(args) };
  return assistant({ calls: [{ ...call, note: typeof item["note"] === "string" ? item["note"] : null }] });
}

/** llama-server parses them, and refuses half of a surrogate pair for ever. */
function soundArguments(args: string): string {
  if (!/\\ud[89a-f]/i.test(args)) return args;
  const value = parse(args);
  const sound = wellFormed(value);
  return sound === value ? args : JSON.stringify(sound);
}

function nameOf(item: Item): string {
  return nameForEngine(words(item["name"]), words(item["namespace"]) || null);
}

function output(item: Item, content: readonly EnginePart[]): Draft {
  const name = words(item["name"]) === "" ? null : nameOf(item);
  return { role: "tool", callId: words(item["call_id"]), name, content };
}

/** The tools that an item brings, in the form in which heads of prompts list them too. */
function found(item: Item): string {
  const tools = functionsFor(toolsIn(item)).map(({ engine: { name, description, parameters } }) =>
    JSON.stringify({ name, description, parameters }),
  );
  return tools.length === 0
    ? "[No tools were found.]"
    : ["[These tools can be called from now on:]", ...tools].join("\n");
}

/** One entry a command; some send plain content instead. */
function shellOutput(outputs: unknown): EnginePart[] {
  return [outputs].flat().flatMap((entry: unknown) => {
    if (!isFields(entry) || !["stdout", "stderr", "outcome"].some((field) => field in entry))
      return contentParts(entry);
    const exit = at(entry["outcome"], "exit_code");
    const code = typeof exit === "number" ? exit : "unknown";
    const ending = at(entry["outcome"], "type") === "timeout" ? "[It ran out of time.]" : `[Exit code: ${code}]`;
    return [text([words(entry["stdout"]), words(entry["stderr"]), ending].filter((line) => line !== "").join("\n"))];
  });
}

/** Summaries are written as one paragraph a part. */
function paragraphs(summary: unknown): string {
  return Array.isArray(summary)
    ? summary
        .map(plainText)
        .filter((part) => part !== "")
        .join("\n\n")
    : plainText(summary);
}

function assistant(fields: Partial<AssistantDraft>): AssistantDraft {
  return { role: "assistant", content: "", reasoning: null, calls: [], ...fields };
}
