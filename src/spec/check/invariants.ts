/** Owns the rules that a stream of events must obey: one row a rule, by the number under which our notes know it. */

/** M rows of the stream contract that can be seen in the events of one response; who forces it stands in brackets. */
export const invariants = {
  2: "the SSE event name equals the type inside the data [Open Responses]",
  3: "the data of a frame is one JSON object, and frames carry no id [Open Responses]",
  4: "no [DONE] in dialect openai: VS Code parses every data line [VS Code]",
  5: "nothing follows the terminal event [vLLM, LM Studio]",
  7: "no event but `error` has a truthy top-level `error` [SDKs]",
  8: "only event types that every client knows [async-openai]",
  11: "the first event is response.created [SDKs]",
  12: "sequence_number is 0, 1, 2, ... [SDK replay]",
  13: "response.created comes once [vLLM]",
  14: "there is exactly one terminal event [LM Studio]",
  15: "no item event before response.in_progress [state machine]",
  16: "a repeated response.in_progress carries the Response so far [SDK accumulator]",
  17: "the response ends only after response.in_progress [state machine]",
  18: "an error event is followed by response.failed [Open Responses]",
  21: "response.id never changes [SDKs]",
  22: "at its beginning a Response has no output, no end, no error, and zero usage [OpenAI]",
  23: "a completed Response has completed_at, usage, and neither error nor incomplete_details [Open Responses]",
  24: "an incomplete Response says why, and has no completed_at [SDK]",
  25: "a failed Response has a known error code and a message [SDK]",
  26: "every key of the strictest union is in every Response [Open Responses]",
  27: "echoed request fields are the same in every Response [ours]",
  28: "created_at is one integer [OpenAI]",
  29: "usage adds up, with all details [LiteLLM]",
  30: "response.status fits its terminal event [Agents SDK]",
  31: "an item is added before anything happens to it [SDKs]",
  32: "output_index counts up from 0 [SDKs]",
  33: "each added item is done once, under the same id, type and call_id [SDKs]",
  34: "ids and call ids are unique and not empty [SDKs]",
  35: "nothing happens to an item after it is done [Open Responses]",
  36: "an added item is empty but for its names [Open Responses]",
  37: "a done item is not in progress [Open Responses]",
  38: "an incomplete item is the last, and its response is not completed [Open Responses]",
  39: "names and roles stay from added to done [ours]",
  40: "the final output equals the done items [SDK runner]",
  41: "no item or part is open at the end [SDKs]",
  43: "every item has id, type and status [Open Responses]",
  44: "an event's item_id and family fit the item at its output_index [SDKs]",
  45: "text comes between the added and the done of its part [SDKs]",
  46: "content_index and summary_index count up from 0 [SDKs]",
  47: "an added part is empty and of a kind that fits its item [SDKs]",
  48: "a part is added, gets its text, its text is done, and it is done, each once [Open Responses]",
  49: "deltas, done text, done part and done item say the same [vLLM]",
  51: "parts of an item, and items, do not interleave [vLLM]",
  52: "annotation_index counts up, and annotations end up in the part [SDK]",
  53: "logprobs are arrays, and their deltas add up to the done ones [OpenAI]",
  54: "arguments of a completed call are the sum of their deltas, and a JSON object [SDK runner]",
  55: "arguments are done even when there was no delta [vLLM]",
  56: "custom calls use their own events, and their input is the sum of its deltas [SDK]",
  57: "a completed call is of an offered tool [Open Responses]",
  58: "parallel_tool_calls false: at most one call [OpenAI]",
  61: "summaries follow the order of parts and say the same everywhere [SDK]",
  65: "a reasoning item's summary is a list, empty unless asked for [OGX]",
  66: "hosted calls announce their steps in order, between added and done [SDK]",
} as const satisfies Record<number, string>;

export type Invariant = keyof typeof invariants;

export interface Violation {
  readonly row: Invariant;
  /** Index of the event; the number of events where the stream as a whole is at fault. */
  readonly at: number;
  readonly message: string;
}

/** Reports a broken row; `message` says what was seen. */
export type Report = (row: Invariant, message: string) => void;

/** A part of the rules, with the state it needs: sees every event in order, then the end. */
export interface Rules {
  event(event: Fields, report: Report): void;
  end(report: Report): void;
}

export type Fields = Readonly<Record<string, unknown>>;

/** What the request asked for, where the checker may know it. */
export interface CheckContext {
  /** Names of offered tools; null: unknown. */
  readonly tools: ReadonlySet<string> | null;
  readonly parallel: boolean;
  readonly summary: boolean;
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function nameOf(event: Fields): string {
  return typeof event["type"] === "string" ? event["type"] : "";
}
