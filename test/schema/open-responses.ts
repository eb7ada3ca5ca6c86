/** Owns what Open Responses (2026-04-24) demands of events, Responses and items, as lines that say where it is not so. */
import { at, type Fields, isFields, listOf, words } from "../../src/spec/json.ts";

/** What the specification demands of every Response: present, and of one of these types. */
const response: Readonly<Record<string, readonly string[]>> = {
  id: ["string"],
  object: ["string"],
  created_at: ["number"],
  completed_at: ["number", "null"],
  status: ["string"],
  incomplete_details: ["object", "null"],
  model: ["string"],
  previous_response_id: ["string", "null"],
  instructions: ["string", "null"],
  output: ["list"],
  error: ["object", "null"],
  tools: ["list"],
  tool_choice: ["string", "object"],
  truncation: ["string"],
  parallel_tool_calls: ["boolean"],
  text: ["object"],
  top_p: ["number"],
  presence_penalty: ["number"],
  frequency_penalty: ["number"],
  top_logprobs: ["number"],
  temperature: ["number"],
  reasoning: ["object", "null"],
  usage: ["object", "null"],
  max_output_tokens: ["number", "null"],
  max_tool_calls: ["number", "null"],
  store: ["boolean"],
  background: ["boolean"],
  service_tier: ["string"],
  metadata: ["object"],
  safety_identifier: ["string", "null"],
  prompt_cache_key: ["string", "null"],
};

/** Of items and tools that the specification defines. */
const things: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  message: { role: ["string"], content: ["list"] },
  reasoning: { summary: ["list"], content: ["list", "undefined"], encrypted_content: ["string", "undefined"] },
  function_call: { call_id: ["string"], name: ["string"], arguments: ["string"] },
  function: {
    name: ["string"],
    description: ["string", "null"],
    parameters: ["object", "null"],
    strict: ["boolean", "null"],
  },
};

const usage = {
  input_tokens: ["number"],
  input_tokens_details: ["object"],
  output_tokens: ["number"],
  output_tokens_details: ["object"],
  total_tokens: ["number"],
};

const efforts = new Set<unknown>(["none", "low", "medium", "high", "xhigh", null]);

/** Its names of events, items and tools; others carry a slug. */
const ownNames =
  /^(response\.(created|queued|in_progress|completed|incomplete|failed)|response\.(output_item|content_part|reasoning_summary_part)\.(added|done)|response\.(output_text|refusal|reasoning|reasoning_summary_text|function_call_arguments)\.(delta|done)|response\.output_text\.annotation\.added|error|message|reasoning|function_call|function_call_output|compaction|function)$/;
const slugged = /^[\w-]+:[\w.]+$/;

/** Where an event in this dialect is not as demanded. */
export function eventFaults(event: unknown): string[] {
  if (!isFields(event)) return ["an event that is no object"];
  const { type, response: snapshot, item, sequence_number: number } = event;
  return [
    ...named(type),
    ...(typeof number === "number" ? [] : [`${words(type)}: no sequence_number`]),
    ...(snapshot === undefined ? [] : responseFaults(snapshot)),
    ...(isFields(item) ? itemFaults(item) : []),
  ];
}

/** Where a Response in this dialect is not as demanded. */
export function responseFaults(body: unknown): string[] {
  if (!isFields(body)) return ["a Response that is no object"];
  const effort = at(body, "reasoning", "effort");
  return [
    ...fields("response", body, response),
    ...(isFields(body["usage"]) ? fields("usage", body["usage"], usage) : []),
    ...(efforts.has(effort) ? [] : [`reasoning.effort: ${words(effort)}`]),
    ...(at(body, "text", "verbosity") === null ? ["text.verbosity: must be left out, not null"] : []),
    ...listOf(body["output"]).flatMap(itemFaults),
    ...listOf(body["tools"]).flatMap((tool) => [...named(tool["type"]), ...ofType(tool)]),
  ];
}

function itemFaults(item: Fields): string[] {
  const kind = words(item["type"]);
  // Of its own items: those with a slug are OpenAI's, whose SDK has fields that are null.
  const nulls = ownNames.test(kind) ? Object.keys(item).filter((key) => item[key] === null) : [];
  const parts = listOf(item["content"]).filter(({ type }) => type === "output_text");
  return [
    ...named(kind),
    ...fields(kind, item, { id: ["string"], type: ["string"], status: ["string"] }),
    ...nulls.map((key) => `${kind}.${key}: must be left out, not null`),
    ...ofType(item),
    ...parts.flatMap((part) =>
      fields("output_text", part, { text: ["string"], annotations: ["list"], logprobs: ["list"] }),
    ),
  ];
}

function ofType(thing: Fields): string[] {
  const kind = words(thing["type"]);
  const demanded = Object.hasOwn(things, kind) ? things[kind] : undefined;
  return demanded === undefined ? [] : fields(kind, thing, demanded);
}

function fields(what: string, value: Fields, demanded: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(demanded).flatMap(([key, types]) =>
    types.includes(typeOf(value[key]))
      ? []
      : [`${what}.${key}: ${typeOf(value[key])} instead of ${types.join(" or ")}`],
  );
}

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
}

function named(name: unknown): string[] {
  return ownNames.test(words(name)) || slugged.test(words(name)) ? [] : [`${words(name)}: has no slug`];
}
