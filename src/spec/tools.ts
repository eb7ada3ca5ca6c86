/** Owns the tool types that a request may offer: one row a type. */

export interface ToolRow {
  /**
   * `client`: called by the model, run by the client, so the model is shown a function for it. `group`: holds client
   * tools. `hosted`: run by a server; left out of the prompt where none is configured, never an error.
   */
  readonly run: "client" | "group" | "hosted";
  /** The item type in which a call of it leaves. */
  readonly call: string | null;
}

const hosted = { run: "hosted", call: null } as const;

export const tools = {
  function: { run: "client", call: "function_call" },
  custom: { run: "client", call: "custom_tool_call" },
  namespace: { run: "group", call: null },
  tool_search: hosted,
  local_shell: hosted,
  shell: hosted,
  apply_patch: hosted,
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

export function isToolType(type: unknown): type is ToolType {
  return typeof type === "string" && Object.hasOwn(tools, type);
}

/** A tool on the wire. */
export interface Tool {
  readonly type: string;
  readonly [field: string]: unknown;
}
