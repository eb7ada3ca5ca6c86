/** Owns the tool types that a request may offer: one row a type. */

export interface ToolRow {
  /**
   * `client`: called by the model, run by the client, so the model is shown a function for it. `group`: holds client
   * tools. `hosted`: run by a server; left out of the prompt where none is configured, never an error.
   */
  readonly run: "client" | "group" | "hosted";
  /** The item type in which a call of it leaves. */
  readonly call: string | null;
  /** How a model is shown it, or why not; for people. */
  readonly shown: string;
}

const hosted = { run: "hosted", call: null, shown: "left out: run by a server, and none is configured" } as const;
const client = { run: "client" } as const;

export const tools = {
  function: { ...client, call: "function_call", shown: "a function" },
  custom: {
    ...client,
    call: "custom_tool_call",
    shown: "a function with the one argument `input`; a grammar stands in its description",
  },
  namespace: { run: "group", call: null, shown: "each tool in it as `namespace__name`" },
  tool_search: {
    ...client,
    call: "tool_search_call",
    shown: "a function where the client runs it; left out where a server should",
  },
  local_shell: { ...client, call: "local_shell_call", shown: "a function that takes a command as a list of words" },
  shell: { ...client, call: "shell_call", shown: "a function that takes a list of commands" },
  apply_patch: { ...client, call: "apply_patch_call", shown: "a function that takes one operation on a file" },
  web_search: hosted,
  web_search_2025_08_26: hosted,
  web_search_preview: hosted,
  web_search_preview_2025_03_11: hosted,
  file_search: hosted,
  code_interpreter: hosted,
  image_generation: hosted,
  mcp: hosted,
  computer: hosted,
  computer_use_preview: hosted,
  programmatic_tool_calling: hosted,
} as const satisfies Record<string, ToolRow>;

export type ToolType = keyof typeof tools;
/** Tools whose calls leave as items that a client runs. */
export type ClientToolType = { [T in ToolType]: (typeof tools)[T]["run"] extends "client" ? T : never }[ToolType];

export function isToolType(type: unknown): type is ToolType {
  return typeof type === "string" && Object.hasOwn(tools, type);
}

export interface ChoiceRow {
  readonly use: "used" | "ignored";
  readonly note: string;
}

const demand = { use: "used", note: "the model must call it; 400 where it is not among the tools" } as const;
const elsewhere = { use: "ignored", note: "run by a server, and none is configured: as `auto`" } as const;

/** The forms of `tool_choice`: its text, or the `type` of the object. */
export const choices = {
  auto: { use: "used", note: "the model decides" },
  none: { use: "used", note: "the model may not call anything" },
  required: { use: "used", note: "the model must call something; `any` means the same" },
  allowed_tools: {
    use: "used",
    note: "only these may be called; with the mode `required` one must be. The embedded model is shown the others too, so that its cache holds",
  },
  function: demand,
  custom: demand,
  local_shell: demand,
  shell: demand,
  apply_patch: demand,
  tool_search: demand,
  mcp: elsewhere,
  web_search: elsewhere,
  web_search_preview: elsewhere,
  web_search_preview_2025_03_11: elsewhere,
  file_search: elsewhere,
  code_interpreter: elsewhere,
  image_generation: elsewhere,
  computer: elsewhere,
  computer_use: elsewhere,
  computer_use_preview: elsewhere,
  programmatic_tool_calling: elsewhere,
} as const satisfies Record<string, ChoiceRow>;

export type ChoiceName = keyof typeof choices;

/** A tool on the wire. */
export interface Tool {
  readonly type: string;
  readonly [field: string]: unknown;
}
