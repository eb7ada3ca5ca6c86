/** Owns every way text can stream into an output item: one row a channel, from which machine and reducer derive the events. */

export interface ChannelRow {
  /** The item type it streams into. */
  readonly item: string;
  /** The field that the text ends up in: of the part, or of the item where there is no part. */
  readonly field: string;
  /** The item's list that holds the part; null where the text belongs to the item itself. */
  readonly part: "content" | "summary" | null;
  /** Event names are `${event}.delta` and `${event}.done`. */
  readonly event: string;
}

export const channels = {
  output_text: { item: "message", field: "text", part: "content", event: "response.output_text" },
  refusal: { item: "message", field: "refusal", part: "content", event: "response.refusal" },
  reasoning_text: { item: "reasoning", field: "text", part: "content", event: "response.reasoning_text" },
  summary_text: { item: "reasoning", field: "text", part: "summary", event: "response.reasoning_summary_text" },
  arguments: { item: "function_call", field: "arguments", part: null, event: "response.function_call_arguments" },
  mcp_arguments: { item: "mcp_call", field: "arguments", part: null, event: "response.mcp_call_arguments" },
  input: { item: "custom_tool_call", field: "input", part: null, event: "response.custom_tool_call_input" },
  code: { item: "code_interpreter_call", field: "code", part: null, event: "response.code_interpreter_call_code" },
} as const satisfies Record<string, ChannelRow>;

export type Channel = keyof typeof channels;
export type ChannelEvent = (typeof channels)[Channel]["event"];
export type ChannelField = (typeof channels)[Channel]["field"];

/** Names of the events that tokens make, each one text for all of them: a new one a token would be compared and hashed anew. */
export const deltaEvents = Object.fromEntries(
  Object.entries(channels).map(([channel, { event }]) => [channel, `${event}.delta`]),
) as Readonly<Record<Channel, `${ChannelEvent}.delta`>>;

/** Event names of the parts in each list of an item. */
export const partEvents = {
  content: "response.content_part",
  summary: "response.reasoning_summary_part",
} as const;

export type PartList = keyof typeof partEvents;
