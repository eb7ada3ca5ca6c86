/**
 * Owns the dialects of clients: OpenAI's own, which everything in here speaks, and that of Open Responses (specification of
 * 2026-04-24), as one row a difference. Applied where bytes leave and come in; nothing that is stored or counted knows of it.
 */
import { type Event, events } from "./events.ts";
import type { Item } from "./items.ts";
import { type Fields, fieldsOf, isFields, words } from "./json.ts";
import type { Response } from "./response.ts";

export type ClientDialect = "openai" | "open-responses";

/** Where a word stands that the dialects spell differently. */
type Spot = "event" | "item" | "tool" | "effort";

export interface Difference {
  readonly openai: string;
  readonly openResponses: string;
  /** How Open Responses spells OpenAI's words. */
  readonly spell?: Readonly<Partial<Record<Spot, (word: string) => string>>>;
  /** Data of a frame behind the last event. */
  readonly end?: string;
}

const slug = "openai:";
const slugged =
  (core: ReadonlySet<string>) =>
  (word: string): string =>
    core.has(word) ? word : slug + word;

/** What the specification defines itself: 24 events, five items, functions. */
const core = {
  event: new Set([
    ...["created", "queued", "in_progress", "completed", "incomplete", "failed"].map((state) => `response.${state}`),
    ...["output_item", "content_part", "reasoning_summary_part"].flatMap((what) => [
      `response.${what}.added`,
      `response.${what}.done`,
    ]),
    ...["output_text", "refusal", "reasoning", "reasoning_summary_text", "function_call_arguments"].flatMap((what) => [
      `response.${what}.delta`,
      `response.${what}.done`,
    ]),
    "response.output_text.annotation.added",
    "error",
  ]),
  item: new Set(["message", "reasoning", "function_call", "function_call_output", "compaction"]),
  tool: new Set(["function", "allowed_tools"]),
};

export const differences = {
  "raw thinking": {
    openai: "`response.reasoning_text.delta`, `.done`",
    openResponses: "`response.reasoning.delta`, `.done`",
    spell: { event: (name) => name.replace(/^response\.reasoning_text\./, "response.reasoning.") },
  },
  "last line": {
    openai: "none: VS Code reads every data line as JSON",
    openResponses: "`data: [DONE]`, once, behind the last event",
    end: "[DONE]",
  },
  "types beyond the specification": {
    openai: "as they are",
    openResponses: "items, tools and events as `openai:` and their name; taken from requests in both forms",
    spell: { event: slugged(core.event), item: slugged(core.item), tool: slugged(core.tool) },
  },
  "echo of effort `minimal`": {
    openai: "`minimal`",
    openResponses: "`low`: the specification knows no `minimal`",
    spell: { effort: (effort) => (effort === "minimal" ? "low" : effort) },
  },
} as const satisfies Record<string, Difference>;

const rows: readonly Difference[] = Object.values(differences);

function spelled(spot: Spot, word: string): string {
  return rows.reduce((sofar, { spell }) => spell?.[spot]?.(sofar) ?? sofar, word);
}

const eventNames: ReadonlyMap<string, string> = new Map(
  Object.keys(events).map((name) => [name, spelled("event", name)]),
);
const plainNames: ReadonlyMap<string, string> = new Map([...eventNames].map(([plain, name]) => [name, plain]));

/** Data of the frames that follow the last event. */
export function endOf(dialect: ClientDialect): readonly string[] {
  return dialect === "openai" ? [] : rows.flatMap(({ end }) => end ?? []);
}

/** An event whose name may be a dialect's own. */
export interface SpelledEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** An event as the dialect has it. */
export function eventIn(dialect: ClientDialect, event: Event): Event | SpelledEvent {
  if (dialect === "openai") return event;
  const type = eventNames.get(event.type) ?? event.type;
  if ("response" in event) return { ...event, type, response: responseIn(dialect, event.response) };
  if ("item" in event) return { ...event, type, item: typed(event.item, spellItem) };
  return { ...event, type };
}

/** A Response as the dialect has it. */
export function responseIn(dialect: ClientDialect, response: Response): Response {
  if (dialect === "openai") return response;
  const { effort } = response.reasoning;
  return {
    ...response,
    output: response.output.map((item): Item => typed(item, spellItem)),
    tools: response.tools.map((tool) => typed(tool, spellTool)),
    tool_choice: choice(response.tool_choice, spellTool),
    reasoning: { ...response.reasoning, effort: effort === null ? null : spelled("effort", effort) },
  };
}

/** A request's body in OpenAI's words, whatever the dialect: a thread may have been in another one before. */
export function plainRequest(body: unknown): unknown {
  if (!isFields(body)) return body;
  const { input, tools, tool_choice } = body;
  return {
    ...body,
    ...(Array.isArray(input) ? { input: input.map((item: unknown) => typedOrNot(item, plainType)) } : {}),
    ...(Array.isArray(tools) ? { tools: tools.map((tool: unknown) => typedOrNot(tool, plainType)) } : {}),
    ...(isFields(tool_choice) ? { tool_choice: choice(tool_choice, plainType) } : {}),
  };
}

/** Whether the dialect has an event of this name; extensions have any, behind a slug. */
export function hasEvent(dialect: ClientDialect, name: string): boolean {
  const plain = dialect === "openai" ? name : plainNames.get(name);
  if (plain === undefined) return /^[\w-]+:/.test(name) && !name.startsWith(slug);
  return Object.hasOwn(events, plain) && events[plain as keyof typeof events].safe;
}

/** An event of any stream in OpenAI's words. */
export function plainEvent(dialect: ClientDialect, event: Fields): Fields {
  if (dialect === "openai") return event;
  const type = plainNames.get(words(event["type"])) ?? event["type"];
  const response = fieldsOf(event["response"]);
  const output: unknown = response["output"];
  return {
    ...event,
    type,
    ...(isFields(event["item"]) ? { item: typed(event["item"], plainType) } : {}),
    ...(Array.isArray(output)
      ? { response: { ...response, output: output.map((item: unknown) => typedOrNot(item, plainType)) } }
      : {}),
  };
}

const spellItem = (type: string): string => spelled("item", type);
const spellTool = (type: string): string => spelled("tool", type);
const plainType = (type: string): string => (type.startsWith(slug) ? type.slice(slug.length) : type);

/** The same with another type, and the very same where it is not another. */
function typed<Thing extends Fields>(thing: Thing, rename: (type: string) => string): Thing {
  const { type } = thing;
  const renamed = typeof type === "string" ? rename(type) : type;
  return renamed === type ? thing : { ...thing, type: renamed };
}

function typedOrNot(thing: unknown, rename: (type: string) => string): unknown {
  return isFields(thing) ? typed(thing, rename) : thing;
}

/** A tool_choice and the tools it allows. */
function choice(value: unknown, rename: (type: string) => string): unknown {
  if (!isFields(value)) return value;
  const { tools } = value;
  const allowed = Array.isArray(tools) ? { tools: tools.map((tool: unknown) => typedOrNot(tool, rename)) } : {};
  return { ...typed(value, rename), ...allowed };
}
