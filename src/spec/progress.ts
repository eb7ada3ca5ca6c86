/** Owns the progress families: the events `response.<item type>.<status>` that a hosted call announces, in order. */

export const progress = {
  web_search_call: ["in_progress", "searching", "completed"],
  file_search_call: ["in_progress", "searching", "completed"],
  code_interpreter_call: ["in_progress", "interpreting", "completed"],
  image_generation_call: ["in_progress", "generating", "completed"],
  mcp_call: ["in_progress", "completed", "failed"],
  mcp_list_tools: ["in_progress", "completed", "failed"],
} as const satisfies Record<string, readonly string[]>;

export type ProgressItem = keyof typeof progress;
export type ProgressEvent = { [T in ProgressItem]: `response.${T}.${(typeof progress)[T][number]}` }[ProgressItem];
