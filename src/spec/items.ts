/** Owns the item types of the Responses API: one row a type. */

export interface ItemRow {
  /** Prefix of the ids we give to items of this type. */
  readonly prefix: string;
  /**
   * What the item is to a thread: `call` and `output` pair up by `call_id`; `control` steers a request;
   * `hosted` was run by a server.
   */
  readonly role: "message" | "reasoning" | "call" | "output" | "reference" | "control" | "hosted";
  /** Whether it may stand in `output` of a Response (the SDK's ResponseOutputItem). */
  readonly output: boolean;
  /** What a model sees of it: its own form, a short text, or nothing. Anything else in `input` is opaque. */
  readonly prompt: "native" | "text" | "none";
}

const call = { role: "call", output: true, prompt: "native" } as const;
const callOutput = { role: "output", output: true, prompt: "native" } as const;
const hosted = { role: "hosted", output: true, prompt: "text" } as const;
const control = { role: "control", prompt: "none" } as const;

export const items = {
  message: { prefix: "msg", role: "message", output: true, prompt: "native" },
  reasoning: { prefix: "rs", role: "reasoning", output: true, prompt: "native" },
  function_call: { ...call, prefix: "fc" },
  function_call_output: { ...callOutput, prefix: "fco" },
  custom_tool_call: { ...call, prefix: "ctc" },
  custom_tool_call_output: { ...callOutput, prefix: "ctco" },
  tool_search_call: { ...call, prefix: "tsc" },
  tool_search_output: { ...callOutput, prefix: "tso" },
  local_shell_call: { ...call, prefix: "lsh" },
  local_shell_call_output: { ...callOutput, prefix: "lsho" },
  shell_call: { ...call, prefix: "sh" },
  shell_call_output: { ...callOutput, prefix: "sho" },
  apply_patch_call: { ...call, prefix: "apc" },
  apply_patch_call_output: { ...callOutput, prefix: "apco" },
  computer_call: { ...call, prefix: "cu" },
  computer_call_output: { ...callOutput, prefix: "cuo" },
  web_search_call: { ...hosted, prefix: "ws" },
  file_search_call: { ...hosted, prefix: "fs" },
  code_interpreter_call: { ...hosted, prefix: "ci" },
  image_generation_call: { ...hosted, prefix: "ig" },
  mcp_list_tools: { ...hosted, prefix: "mcpl" },
  mcp_call: { ...hosted, prefix: "mcp" },
  mcp_approval_request: { ...hosted, prefix: "mcpr" },
  mcp_approval_response: { ...hosted, prefix: "mcpa" },
  program: { ...hosted, prefix: "prog" },
  program_output: { ...hosted, prefix: "progo" },
  compaction: { prefix: "cmp", role: "message", output: true, prompt: "text" },
  compaction_trigger: { ...control, prefix: "cmpt", output: false },
  additional_tools: { ...control, prefix: "at", output: true },
  configuration_update: { ...control, prefix: "cfg", output: false },
  item_reference: { prefix: "ref", role: "reference", output: false, prompt: "none" },
} as const satisfies Record<string, ItemRow>;

export type ItemType = keyof typeof items;

export function isItemType(type: unknown): type is ItemType {
  return typeof type === "string" && Object.hasOwn(items, type);
}

/** An item on the wire. Loose on purpose: a thread may hold items that no table knows, and they must survive. */
export interface Item {
  readonly type: string;
  readonly id: string;
  readonly [field: string]: unknown;
}

export type ItemStatus = "in_progress" | "completed" | "incomplete" | "failed";
