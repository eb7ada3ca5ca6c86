/** Owns a model's entry in Codex's catalog, which decides what Codex sends: its prompt, its tools, when it compacts. */
import type { ModelInfo } from "../engine/engine.ts";

/** Replaces Codex's own prompt of 17 kB, which a small model with a small context cannot afford. */
const instructions = `You are a coding agent. You work in the user's repository through the tools you are given, and you finish the task.

- Look before you change: read the files that matter, search with rg, learn how the project builds and tests.
- Make the smallest change that does the whole task, in the style of the code around it. Change nothing else.
- Edit files with apply_patch when you have it. Never revert changes that you did not make.
- Run commands with the shell tool and read what they print. Do not invent output, files or results.
- When a command fails, read the error and try another way; do not repeat the same call.
- When you have changed code, run its tests or build if that is quick, and repair what you broke.
- Ask only when you cannot go on. Otherwise decide, do it, and say what you assumed.
- Do not commit, push, install or delete anything that the task does not call for.

When all is done, answer in a few plain sentences: what you changed, in which files, and how you checked it.`;

const levels = [
  { effort: "none", description: "Answer without thinking first" },
  { effort: "low", description: "Think briefly" },
  { effort: "medium", description: "Think as the task needs" },
  { effort: "high", description: "Think long" },
] as const;

/** Fields that Codex 0.169 requires, those that 0.114 and 0.147 require, and the ones that change what it does. */
export function codexModel({ id, contextLength, capabilities }: ModelInfo): object {
  const { images, reasoning } = capabilities;
  return {
    slug: id,
    display_name: id,
    description: "Served by Antiphon.",
    base_instructions: instructions,
    supported_reasoning_levels: reasoning ? levels : [],
    ...(reasoning ? { default_reasoning_level: "medium" } : {}),
    // Codex shows thinking only as a summary.
    supports_reasoning_summaries: reasoning,
    default_reasoning_summary: reasoning ? "auto" : "none",
    supports_reasoning_summary_parameter: reasoning,
    shell_type: "shell_command",
    apply_patch_tool_type: "freeform",
    web_search_tool_type: "text",
    supports_parallel_tool_calls: true,
    supports_search_tool: false,
    support_verbosity: false,
    experimental_supported_tools: [],
    input_modalities: images ? ["text", "image"] : ["text"],
    // Without it Codex believes in 272,000 tokens; an upstream that does not tell leaves it at that.
    ...(contextLength === null ? {} : { context_window: contextLength, max_context_window: contextLength }),
    truncation_policy: { mode: "tokens", limit: 10_000 },
    // Its ten kilobytes of tools for sub-agents are more than most local models can use.
    multi_agent_version: "disabled",
    tool_mode: "direct",
    use_responses_lite: false,
    visibility: "list",
    supported_in_api: true,
    priority: 0,
    availability_nux: null,
    upgrade: null,
  };
}
