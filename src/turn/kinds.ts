/**
 * Owns the kinds of tools that a client runs. Models know only functions, so each kind says which function stands for a
 * tool, which item a call of that function becomes, and which call an item of history was.
 */
import type { EngineTool } from "../engine/engine.ts";
import type { Channel } from "../spec/channels.ts";
import type { ItemType } from "../spec/items.ts";
import { at, type Fields, isFields, parse, words } from "../spec/json.ts";
import type { ClientToolType } from "../spec/tools.ts";
import { plainText } from "./content.ts";
import { plainPatch } from "./patch.ts";

export interface Kind {
  /** Item type of a call. */
  readonly call: ItemType;
  /** Where the text of a call streams to; null where a call leaves whole. */
  readonly channel: Channel | null;
  /** The function's own name where the tool has none. */
  readonly name: string | null;
  readonly describe: (tool: Fields) => Pick<EngineTool, "description" | "parameters"> & {
    readonly inputGrammar?: EngineTool["inputGrammar"];
  };
  /**
   * The call item's fields for arguments (and their text) that the model wrote for the tool `name`; null where they say no
   * such call.
   */
  readonly fields: (args: Fields, text: string, name: string) => Fields | null;
  /** The arguments that the model wrote, from an item of history: the text of a JSON object. */
  readonly args: (item: Fields) => string;
}

export const kinds = {
  function: {
    call: "function_call",
    channel: "arguments",
    name: null,
    describe: (tool) => ({ description: words(tool["description"]), parameters: schemaOf(tool) }),
    fields: (_, text) => ({ arguments: text }),
    args: (item) => words(item["arguments"]) || "{}",
  },
  custom: {
    call: "custom_tool_call",
    channel: "input",
    name: null,
    describe: (tool) => ({
      description: [words(tool["description"]), grammarOf(tool["format"])].filter((text) => text !== "").join("\n\n"),
      parameters: objectOf({ input: { type: "string", description: "The raw input of the tool." } }, ["input"]),
      inputGrammar: inputGrammarOf(tool["format"]),
    }),
    fields: ({ input }, _, name) =>
      typeof input === "string" ? { input: name === "apply_patch" ? plainPatch(input) : input } : null,
    args: (item) => JSON.stringify({ input: plainText(item["input"]) }),
  },
  tool_search: {
    call: "tool_search_call",
    channel: null,
    name: "tool_search",
    describe: (tool) => ({
      description:
        words(tool["description"]) || "Finds tools that are not listed here. What it finds can be called then.",
      parameters: { ...objectOf({ query: { type: "string" } }, ["query"]), ...schemaOf(tool) },
    }),
    fields: (args) => ({ execution: "client", arguments: args }),
    args: (item) => json(item["arguments"]),
  },
  local_shell: {
    call: "local_shell_call",
    channel: null,
    name: "local_shell",
    describe: () => ({
      description: "Runs a command on the user's machine and returns its output.",
      parameters: objectOf(
        {
          command: { type: "array", items: { type: "string" }, description: "The program and its arguments." },
          working_directory: { type: "string" },
          timeout_ms: { type: "integer" },
        },
        ["command"],
      ),
    }),
    fields: ({ command, working_directory, timeout_ms }) =>
      isStrings(command)
        ? { action: { type: "exec", command, env: {}, ...given({ working_directory, timeout_ms }) } }
        : null,
    args: (item) => json(withoutKeys(item["action"], ["type", "env"])),
  },
  shell: {
    call: "shell_call",
    channel: null,
    name: "shell",
    describe: () => ({
      description: "Runs shell commands on the user's machine, each in a shell of its own, and returns their outputs.",
      parameters: objectOf(
        {
          commands: { type: "array", items: { type: "string" } },
          timeout_ms: { type: "integer" },
          max_output_length: { type: "integer" },
        },
        ["commands"],
      ),
    }),
    fields: ({ commands, timeout_ms, max_output_length }) =>
      isStrings(commands)
        ? {
            action: { commands, timeout_ms: count(timeout_ms), max_output_length: count(max_output_length) },
            environment: null,
          }
        : null,
    args: (item) => json(item["action"]),
  },
  apply_patch: {
    call: "apply_patch_call",
    channel: null,
    name: "apply_patch",
    describe: () => ({
      description:
        "Creates, changes or deletes one file. A diff has lines that begin with '+', '-' or a space; " +
        "changes are set off by lines that begin with '@@'.",
      parameters: objectOf(
        {
          type: { type: "string", enum: [...operations] },
          path: { type: "string" },
          diff: { type: "string", description: "Not for delete_file." },
        },
        ["type", "path"],
      ),
    }),
    fields: ({ type, path, diff }) => {
      if (typeof path !== "string" || !operations.some((known) => known === type)) return null;
      if (type === "delete_file") return { operation: { type, path } };
      return typeof diff === "string" ? { operation: { type, path, diff } } : null;
    },
    args: (item) => json(item["operation"]),
  },
} as const satisfies Record<ClientToolType, Kind>;

/** Calls of history that no tool of ours stands for: what they did, as arguments. */
export const foreignCalls = {
  computer_call: { name: "computer", args: (item: Fields) => json({ actions: item["actions"] ?? [item["action"]] }) },
} as const;

const operations = ["create_file", "update_file", "delete_file"] as const;

/** A tool's own schema; chat-style tools nest what the Responses API has flat, and that is unfolded before. */
function schemaOf(tool: Fields): Fields {
  const { parameters } = tool;
  return isFields(parameters) ? parameters : {};
}

function objectOf(properties: Fields, required: readonly string[]): Fields {
  return { type: "object", properties, required, additionalProperties: false };
}

function inputGrammarOf(format: unknown): EngineTool["inputGrammar"] {
  const definition = words(at(format, "definition"));
  if (at(format, "type") !== "grammar" || definition === "") return null;
  return { syntax: at(format, "syntax") === "regex" ? "regex" : "lark", definition };
}

/** A model writes what it was told to; constraining it is the engine's affair. */
function grammarOf(format: unknown): string {
  const definition = words(at(format, "definition"));
  if (at(format, "type") !== "grammar" || definition === "") return "";
  return `The input must match this ${words(at(format, "syntax")) || "lark"} grammar:\n${definition}`;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function count(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** Optional keys are left out, never null: async-openai's types are closed. */
function given(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

function withoutKeys(value: unknown, keys: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(isFields(value) ? value : {}).filter(([key]) => !keys.includes(key)));
}

/** The text of a JSON object. */
function json(value: unknown): string {
  const object = typeof value === "string" ? parse(value) : value;
  return JSON.stringify(isFields(object) ? object : {});
}
