/** Owns the stream events: one row a name, and their shapes. */
import type { ChannelEvent, ChannelField, PartList, partEvents } from "./channels.ts";
import type { Item } from "./items.ts";
import type { Part } from "./parts.ts";
import type { ProgressEvent } from "./progress.ts";
import type { Response } from "./response.ts";

export interface EventRow {
  /** The fields it carries, by the name of their interface below; `foreign` ones we never make. */
  readonly shape: "lifecycle" | "item" | "part" | "delta" | "done" | "progress" | "annotation" | "error" | "foreign";
  /** Whether async-openai knows it: only these 49 names may be emitted, as it fails on any other. */
  readonly safe: boolean;
}

const lifecycle = { shape: "lifecycle", safe: true } as const;
const item = { shape: "item", safe: true } as const;
const part = { shape: "part", safe: true } as const;
const delta = { shape: "delta", safe: true } as const;
const done = { shape: "done", safe: true } as const;
const step = { shape: "progress", safe: true } as const;
const unsafe = { shape: "foreign", safe: false } as const;

export const events = {
  "response.created": lifecycle,
  "response.queued": lifecycle,
  "response.in_progress": lifecycle,
  "response.completed": lifecycle,
  "response.incomplete": lifecycle,
  "response.failed": lifecycle,
  error: { shape: "error", safe: true },
  "response.output_item.added": item,
  "response.output_item.done": item,
  "response.content_part.added": part,
  "response.content_part.done": part,
  "response.reasoning_summary_part.added": part,
  "response.reasoning_summary_part.done": part,
  "response.output_text.delta": delta,
  "response.output_text.done": done,
  "response.output_text.annotation.added": { shape: "annotation", safe: true },
  "response.refusal.delta": delta,
  "response.refusal.done": done,
  "response.reasoning_text.delta": delta,
  "response.reasoning_text.done": done,
  "response.reasoning_summary_text.delta": delta,
  "response.reasoning_summary_text.done": done,
  "response.function_call_arguments.delta": delta,
  "response.function_call_arguments.done": done,
  "response.custom_tool_call_input.delta": delta,
  "response.custom_tool_call_input.done": done,
  "response.mcp_call_arguments.delta": delta,
  "response.mcp_call_arguments.done": done,
  "response.code_interpreter_call_code.delta": delta,
  "response.code_interpreter_call_code.done": done,
  "response.web_search_call.in_progress": step,
  "response.web_search_call.searching": step,
  "response.web_search_call.completed": step,
  "response.file_search_call.in_progress": step,
  "response.file_search_call.searching": step,
  "response.file_search_call.completed": step,
  "response.code_interpreter_call.in_progress": step,
  "response.code_interpreter_call.interpreting": step,
  "response.code_interpreter_call.completed": step,
  "response.image_generation_call.in_progress": step,
  "response.image_generation_call.generating": step,
  "response.image_generation_call.completed": step,
  "response.image_generation_call.partial_image": { shape: "foreign", safe: true },
  "response.mcp_call.in_progress": step,
  "response.mcp_call.completed": step,
  "response.mcp_call.failed": step,
  "response.mcp_list_tools.in_progress": step,
  "response.mcp_list_tools.completed": step,
  "response.mcp_list_tools.failed": step,
  "response.compaction.compacting": unsafe,
  "response.shell_call_command.added": unsafe,
  "response.shell_call_command.delta": unsafe,
  "response.shell_call_command.done": unsafe,
  "response.shell_call_output_content.delta": unsafe,
  "response.shell_call_output_content.done": unsafe,
  "response.audio.delta": unsafe,
  "response.audio.done": unsafe,
  "response.audio.transcript.delta": unsafe,
  "response.audio.transcript.done": unsafe,
} as const satisfies Record<string, EventRow>;

export type EventName = keyof typeof events;

export type TerminalName = "response.completed" | "response.incomplete" | "response.failed";

interface Stamped {
  /** 0, 1, 2, ... without a gap; stamped by the machine alone. */
  readonly sequence_number: number;
}

/** Where in the output something happens; the index of the part under the name of its list. */
export interface Place {
  readonly item_id: string;
  readonly output_index: number;
  readonly content_index?: number;
  readonly summary_index?: number;
}

export interface LifecycleEvent extends Stamped {
  readonly type: "response.created" | "response.queued" | "response.in_progress" | TerminalName;
  readonly response: Response;
}

export interface ItemEvent extends Stamped {
  readonly type: "response.output_item.added" | "response.output_item.done";
  readonly output_index: number;
  readonly item: Item;
}

export interface PartEvent extends Stamped, Place {
  readonly type: `${(typeof partEvents)[PartList]}.${"added" | "done"}`;
  readonly part: Part;
}

export interface DeltaEvent extends Stamped, Place {
  readonly type: `${ChannelEvent}.delta`;
  readonly delta: string;
  /** On `output_text` always an array: Java and .NET read it unguarded. */
  readonly logprobs?: readonly unknown[];
}

/** Carries the whole text under its channel's field name. */
export interface DoneEvent extends Stamped, Place, Partial<Readonly<Record<ChannelField, string>>> {
  readonly type: `${ChannelEvent}.done`;
  readonly logprobs?: readonly unknown[];
  /** Of the called function. */
  readonly name?: string;
}

export interface StepEvent extends Stamped, Place {
  readonly type: ProgressEvent;
}

export interface AnnotationEvent extends Stamped, Place {
  readonly type: "response.output_text.annotation.added";
  readonly annotation_index: number;
  readonly annotation: unknown;
}

/** Every event that we send. */
export type Event = LifecycleEvent | ItemEvent | PartEvent | DeltaEvent | DoneEvent | StepEvent | AnnotationEvent;

export type TerminalEvent = LifecycleEvent & { readonly type: TerminalName };

export function isTerminal(event: Event): event is TerminalEvent {
  return (
    event.type === "response.completed" || event.type === "response.incomplete" || event.type === "response.failed"
  );
}
