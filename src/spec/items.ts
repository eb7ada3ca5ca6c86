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
  /** How a model sees it, or why not; for people. */
  readonly shown: string;
}

const call = { role: "call", output: true, prompt: "native" } as const;
const callOutput = { role: "output", output: true, prompt: "native" } as const;
const hosted = { role: "hosted", output: true, prompt: "text" } as const;
const control = { role: "control", prompt: "none" } as const;

const result = "the result of its call: text, and images where the model can see them";

export const items = {
  message: { prefix: "msg", role: "message", output: true, prompt: "native", shown: "a message in its role" },
  reasoning: {
    prefix: "rs",
    role: "reasoning",
    output: true,
    prompt: "native",
    shown: "thinking of the assistant: its text, else what our own `encrypted_content` holds, else its summary",
  },
  function_call: { ...call, prefix: "fc", shown: "a call; with a namespace, of `namespace__name`" },
  function_call_output: { ...callOutput, prefix: "fco", shown: result },
  custom_tool_call: { ...call, prefix: "ctc", shown: "a call with the one argument `input`" },
  custom_tool_call_output: { ...callOutput, prefix: "ctco", shown: result },
  tool_search_call: { ...call, prefix: "tsc", shown: "a call of `tool_search`" },
  tool_search_output: {
    ...callOutput,
    prefix: "tso",
    shown: "the result of its call: the tools found, each with its schema; they can be called from then on",
  },
  local_shell_call: { ...call, prefix: "lsh", shown: "a call of `local_shell`" },
  local_shell_call_output: { ...callOutput, prefix: "lsho", shown: result },
  shell_call: { ...call, prefix: "sh", shown: "a call of `shell`" },
  shell_call_output: { ...callOutput, prefix: "sho", shown: "the result of its call: both outputs and the exit code" },
  apply_patch_call: { ...call, prefix: "apc", shown: "a call of `apply_patch`" },
  apply_patch_call_output: { ...callOutput, prefix: "apco", shown: "the result of its call: status and output" },
  computer_call: { ...call, prefix: "cu", shown: "a call of `computer`" },
  computer_call_output: { ...callOutput, prefix: "cuo", shown: "the result of its call: the screenshot" },
  web_search_call: { ...hosted, prefix: "ws", shown: "what was searched or opened, and the sources" },
  file_search_call: { ...hosted, prefix: "fs", shown: "the queries, and each result with its file" },
  code_interpreter_call: { ...hosted, prefix: "ci", shown: "the code and its logs" },
  image_generation_call: { ...hosted, prefix: "ig", shown: "what was drawn" },
  mcp_list_tools: { ...hosted, prefix: "mcpl", shown: "the server and the names of its tools" },
  mcp_call: { ...hosted, prefix: "mcp", shown: "the tool, its arguments, and its output or error" },
  mcp_approval_request: { ...hosted, prefix: "mcpr", shown: "the tool and its arguments" },
  mcp_approval_response: { ...hosted, prefix: "mcpa", shown: "whether the user approved, and the reason" },
  program: { ...hosted, prefix: "prog", shown: "the code" },
  program_output: { ...hosted, prefix: "progo", shown: "the result" },
  /** Items of OpenAI's multi-agent beta, and of Codex's sub-agents. */
  agent_message: {
    prefix: "amsg",
    role: "message",
    output: false,
    prompt: "text",
    shown: "a user message that names author and recipient",
  },
  multi_agent_call: { ...hosted, output: false, prefix: "mac", shown: "the action and its arguments" },
  multi_agent_call_output: { ...hosted, output: false, prefix: "maco", shown: "the action and its result" },
  compaction: {
    prefix: "cmp",
    role: "message",
    output: true,
    prompt: "text",
    shown: "the summary where it can be read, else a note that an earlier part of the conversation is missing",
  },
  compaction_trigger: {
    ...control,
    prefix: "cmpt",
    output: false,
    shown: "nothing: it asks the server for a compaction",
  },
  additional_tools: {
    ...control,
    prefix: "at",
    output: true,
    prompt: "text",
    shown: "its tools: before the first answer with the tools of the request, later where it stands",
  },
  configuration_update: { ...control, prefix: "cfg", output: false, shown: "nothing: the last one sets the effort" },
  item_reference: {
    prefix: "ref",
    role: "reference",
    output: false,
    prompt: "none",
    shown: "the stored item that it names; nothing where there is none",
  },
} as const satisfies Record<string, ItemRow>;

export type ItemType = keyof typeof items;

export function isItemType(type: unknown): type is ItemType {
  return typeof type === "string" && Object.hasOwn(items, type);
}

/** Other names of types, as Codex replays them. */
export const aliases: Readonly<Record<string, ItemType>> = {
  compaction_summary: "compaction",
  context_compaction: "compaction",
};

/** An item on the wire. Loose on purpose: a thread may hold items that no table knows, and they must survive. */
export interface Item {
  readonly type: string;
  readonly id: string;
  readonly [field: string]: unknown;
}

export type ItemStatus = "in_progress" | "completed" | "incomplete" | "failed";
