/** Owns the rules that a stream of events must obey: one row a rule, by the number under which our notes know it. */

export interface InvariantRow {
  /** What holds in every right stream. */
  readonly rule: string;
  /** Clients that fail, or lose something, where it does not; as seen in their source or by breaking a mock on purpose. */
  readonly breaks: readonly string[];
  /** Specifications and test suites that demand it. */
  readonly demanded: readonly string[];
}

const node = "openai (Node)";
const runner = "openai (Node, tool runner)";
const python = "openai (Python)";
const java = "openai-java";
const go = "openai-go";
const dotnet = "openai-dotnet";
const rust = "async-openai";
const agents = "Agents SDK";
const sdk = "AI SDK";
const specified = ["Open Responses"];
const openai = ["OpenAI's API description"];
/** What no client was seen to need: a stream that contradicts itself. */
const ours = ["Antiphon"];

/** The rules that can be seen in the stream of one response. */
export const invariants = {
  1: {
    rule: "the answer is 200, with content-type text/event-stream",
    breaks: ["Qwen Code"],
    demanded: specified,
  },
  2: { rule: "the SSE event name equals the type inside the data", breaks: [], demanded: specified },
  3: {
    rule: "a frame is `event: T`, `data: ` with one JSON object on one line, and a blank line; no id",
    breaks: [go, "VS Code", "Zed", "Qwen Code", "Codex"],
    demanded: specified,
  },
  4: {
    rule: "no [DONE], as it is no JSON; in dialect open-responses one, as the last",
    breaks: ["VS Code"],
    demanded: [],
  },
  5: { rule: "nothing follows the terminal event", breaks: [], demanded: ["vLLM", "LM Studio"] },
  7: { rule: "no event but `error` has a truthy top-level `error`", breaks: [node, python, go, java], demanded: [] },
  8: { rule: "only event types that every client of the dialect knows", breaks: [rust, node, dotnet], demanded: [] },
  11: { rule: "the first event is response.created", breaks: [node, python], demanded: ["LM Studio", "vLLM", "OGX"] },
  12: {
    rule: "sequence_number is 0, 1, 2, ... without a gap",
    breaks: [rust, "pydantic-ai", "openai (Node, replay)"],
    demanded: ["Hugging Face", ...specified],
  },
  13: { rule: "response.created comes once", breaks: [], demanded: ["vLLM"] },
  14: {
    rule: "there is exactly one terminal event: completed, incomplete or failed",
    breaks: ["Codex", agents, sdk, "Crush"],
    demanded: ["LM Studio", "OGX"],
  },
  15: { rule: "no item event before response.in_progress", breaks: [], demanded: ["Open Responses state machine"] },
  16: {
    rule: "a repeated response.in_progress carries the Response so far",
    breaks: [node],
    demanded: [],
  },
  17: {
    rule: "the response ends only after response.in_progress",
    breaks: [],
    demanded: ["Open Responses state machine"],
  },
  18: { rule: "an error event is followed by response.failed", breaks: ["Codex"], demanded: specified },
  21: { rule: "response.id never changes", breaks: [node], demanded: ["OGX"] },
  22: {
    rule: "at its beginning a Response has no output, no end, no error, and no usage but zeros",
    breaks: ["pydantic-ai"],
    demanded: openai,
  },
  23: {
    rule: "a completed Response has completed_at, usage, and neither error nor incomplete_details",
    breaks: [],
    demanded: ["OGX", ...specified],
  },
  24: { rule: "an incomplete Response says why, and has no completed_at", breaks: [], demanded: openai },
  25: { rule: "a failed Response has a known error code and a message", breaks: [], demanded: ["OGX", ...openai] },
  26: {
    rule: "every key of the strictest union is in every Response",
    breaks: [java, rust, sdk],
    demanded: specified,
  },
  27: { rule: "echoed request fields are the same in every Response", breaks: [], demanded: ours },
  28: { rule: "created_at is one integer", breaks: [rust, dotnet], demanded: openai },
  29: { rule: "usage adds up, with all details", breaks: [java, rust, "VS Code"], demanded: ["LiteLLM"] },
  30: { rule: "response.status fits its terminal event", breaks: [agents], demanded: openai },
  31: {
    rule: "an item is added before anything happens to it",
    breaks: [node, python, "Crush"],
    demanded: specified,
  },
  32: { rule: "output_index counts up from 0", breaks: [node, python, rust, sdk], demanded: ["vLLM"] },
  33: {
    rule: "each added item is done once, under the same id, type and call_id",
    breaks: [node, "Codex"],
    demanded: ["vLLM"],
  },
  34: { rule: "ids and call ids are unique and not empty", breaks: [node, sdk], demanded: [] },
  35: { rule: "nothing happens to an item after it is done", breaks: [], demanded: specified },
  36: {
    rule: "an added item is empty but for its names",
    breaks: ["LangChain", "Home Assistant"],
    demanded: specified,
  },
  37: { rule: "a done item is not in progress", breaks: [runner, sdk], demanded: specified },
  38: { rule: "an incomplete item is the last, and its response is not completed", breaks: [], demanded: specified },
  39: { rule: "names and roles stay from added to done", breaks: [], demanded: ours },
  40: {
    rule: "the final output equals the done items",
    breaks: [runner],
    demanded: ["Hugging Face"],
  },
  41: { rule: "no item or part is open at the end", breaks: [node], demanded: ["Open Responses state machine"] },
  43: { rule: "every item has id, type and status", breaks: [node, sdk, agents], demanded: specified },
  44: {
    rule: "an event's item_id, output_index and family fit the item",
    breaks: [node, sdk, "pydantic-ai", rust],
    demanded: [],
  },
  45: {
    rule: "text comes between the added and the done of its part",
    breaks: [node, python],
    demanded: specified,
  },
  46: { rule: "content_index and summary_index count up from 0", breaks: [node, rust], demanded: [] },
  47: { rule: "an added part is empty and of a kind that fits its item", breaks: [rust], demanded: openai },
  48: {
    rule: "a part is added, gets its text, its text is done, and it is done, each once",
    breaks: [],
    demanded: specified,
  },
  49: {
    rule: "deltas, done text, done part and done item say the same",
    breaks: [],
    demanded: ["Hugging Face", "vLLM", "llama.cpp"],
  },
  51: {
    rule: "parts of an item, and items, do not interleave",
    breaks: ["LlamaIndex (Python)", "Home Assistant"],
    demanded: ["vLLM"],
  },
  52: {
    rule: "output_text has its list of annotations; annotation_index counts up",
    breaks: [rust, sdk, "LangChain", node],
    demanded: [],
  },
  53: {
    rule: "logprobs are arrays, and their deltas add up to the done ones",
    breaks: [java, dotnet],
    demanded: ["vLLM", ...openai],
  },
  54: {
    rule: "arguments of a completed call are the sum of their deltas, and a JSON object",
    breaks: [runner, "LangChain", "Home Assistant"],
    demanded: ["vLLM"],
  },
  55: {
    rule: "arguments and input are done before their item, even without a delta",
    breaks: ["Home Assistant"],
    demanded: ["vLLM"],
  },
  56: {
    rule: "custom calls use their own events, and their input is the sum of its deltas",
    breaks: [node],
    demanded: ["vLLM"],
  },
  57: { rule: "a completed call is of an offered tool", breaks: [], demanded: ["LM Studio", ...specified] },
  58: { rule: "parallel_tool_calls false: at most one call", breaks: [], demanded: ["LM Studio", "OGX"] },
  61: { rule: "summaries follow the order of parts and say the same everywhere", breaks: [node, rust], demanded: [] },
  65: {
    rule: "a reasoning item's summary is a list, empty unless asked for",
    breaks: ["@ai-sdk/open-responses", rust],
    demanded: ["OGX"],
  },
  66: {
    rule: "hosted calls announce their steps in order, between added and done",
    breaks: [],
    demanded: ["openresponses-gw"],
  },
} as const satisfies Record<number, InvariantRow>;

export type Invariant = keyof typeof invariants;
