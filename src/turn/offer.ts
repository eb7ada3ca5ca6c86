/** Owns the callable set of a turn: which tools the model is shown under which name, and what a call of each leaves as. */
import { hash } from "node:crypto";
import type { EngineRequest, EngineTool } from "../engine/engine.ts";
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Item } from "../spec/items.ts";
import { at, type Fields, fieldsOf, isFields, words } from "../spec/json.ts";
import { type ClientToolType, isToolType, type Tool, tools } from "../spec/tools.ts";
import { type Kind, kinds } from "./kinds.ts";
import { cleanSchema, wantsSecrets } from "./schema.ts";

/** A tool as the client knows it, and as the engine does. */
export interface OfferedTool {
  readonly kind: Kind;
  readonly type: ClientToolType;
  readonly name: string;
  readonly namespace: string | null;
  /** What every call of it says besides its name. */
  readonly callFields: Fields;
  readonly engine: EngineTool;
}

export interface Offer {
  /** Those that may be called, by the engine's name. */
  readonly tools: ReadonlyMap<string, OfferedTool>;
  /** All of them, for the engine. */
  readonly shown: readonly EngineTool[];
  /** Engine names of those whose own name was taken, by `keyOf`. */
  readonly renamed: ReadonlyMap<string, string>;
  readonly choice: EngineRequest["toolChoice"];
}

/** What Chat Completions servers and templates accept as a function name. */
const engineName = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The callable set of `offered` and of the tools that items of the thread bring, under `choice` (all as on the wire).
 * Hosted and unknown tools are left out. Throws an ApiError (400) when `choice` asks for what is not on offer.
 */
export function makeOffer(offered: readonly Tool[], items: readonly Item[], choice: unknown): Offer {
  const set = new Map<string, OfferedTool>();
  const late = answered(items);
  add(set, functionsFor(offered), false);
  for (const [index, item] of items.entries()) add(set, functionsFor(toolsIn(item)), index >= late);
  const renamed = [...set.values()].filter((tool) => tool.engine.name !== nameForEngine(tool.name, tool.namespace));
  const chosen = choose(set, choice);
  const shown = [...set.values()].map(({ engine }) => ({ ...engine, callable: chosen.tools.has(engine.name) }));
  return { ...chosen, shown, renamed: new Map(renamed.map((tool) => [keyOf(tool), tool.engine.name])) };
}

/** `items` with the calls and the lists of renamed tools under the names that the model is shown. */
export function asOffered(items: readonly Item[], { renamed }: Offer): readonly Item[] {
  if (renamed.size === 0) return items;
  return items.map((item) => {
    if (toolsIn(item).length > 0) {
      const shown = functionsFor(toolsIn(item)).map((tool) => ({
        ...tool.engine,
        type: "function",
        name: renamed.get(keyOf(tool)) ?? tool.engine.name,
      }));
      return { ...item, tools: shown };
    }
    const type = item.type === kinds.custom.call ? "custom" : "function";
    const namespace = stringOf(item["namespace"]);
    const name = renamed.get(keyOf({ type, namespace, name: words(item["name"]) }));
    return name === undefined ? item : { ...item, name, namespace: null };
  });
}

/** The tools that an item brings into a thread. */
export function toolsIn(item: Item): readonly unknown[] {
  if (item.type !== "additional_tools" && item.type !== "tool_search_output") return [];
  return Array.isArray(item["tools"]) ? item["tools"] : [];
}

/** Index of the first thing that an assistant said: from there on the prompt only grows, its head stays as it is. */
export function answered(items: readonly Item[]): number {
  const index = items.findIndex(({ type, role }) => (type === "message" ? role === "assistant" : isAnswer(type)));
  return index === -1 ? items.length : index;
}

function isAnswer(type: string): boolean {
  return type === "reasoning" || type.endsWith("_call");
}

/** What the model is shown for `list`, namespaces unfolded, in order. */
export function functionsFor(list: readonly unknown[]): OfferedTool[] {
  return list.filter(isFields).flatMap((tool) => {
    if (tool["type"] !== "namespace") return functionFor(tool, null) ?? [];
    const inner: readonly unknown[] = Array.isArray(tool["tools"]) ? tool["tools"] : [];
    return inner.filter(isFields).flatMap((member) => functionFor(member, stringOf(tool["name"])) ?? []);
  });
}

/** The name under which an engine sees `name`: itself where it can, else shortened with a digest that keeps it unique. */
export function nameForEngine(name: string, namespace: string | null): string {
  const full = namespace ? `${namespace}${namespace.endsWith("__") ? "" : "__"}${name}` : name || "unnamed";
  return engineName.test(full) ? full : distinct(full, full);
}

/** A name like `full` that `key` alone has. */
function distinct(full: string, key: string): string {
  const digest = hash("sha256", key, "hex").slice(0, 8);
  return `${full.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 55)}_${digest}`;
}

/**
 * The first tool of a name keeps it; a different one that maps to the same gets a name of its own. What a thread brings
 * beyond the limit is left out.
 */
function add(set: Map<string, OfferedTool>, found: readonly OfferedTool[], inThread: boolean): void {
  for (const tool of found) {
    if (set.size >= limits.tools) return;
    const taken = set.get(tool.engine.name);
    if (taken !== undefined && keyOf(taken) === keyOf(tool)) continue;
    const name = taken === undefined ? tool.engine.name : distinct(tool.engine.name, keyOf(tool));
    set.set(name, { ...tool, engine: { ...tool.engine, name, inThread } });
  }
}

/** By what a client tells its tools apart. */
function keyOf({ type, namespace, name }: Pick<OfferedTool, "type" | "namespace" | "name">): string {
  return JSON.stringify([type, namespace, name]);
}

function functionFor(tool: Fields, namespace: string | null): OfferedTool | null {
  const { type } = tool;
  if (!isClientTool(type) || (type === "tool_search" && tool["execution"] !== "client")) return null;
  // Chat-style tools nest what the Responses API has flat.
  const body = isFields(tool["function"]) ? tool["function"] : tool;
  const kind: Kind = kinds[type];
  const name = stringOf(body["name"]) ?? kind.name;
  if (name === null) return null;
  const { description, parameters, inputGrammar = null } = kind.describe(body);
  return {
    kind,
    type,
    name,
    namespace,
    callFields: {
      ...(namespace === null ? {} : { namespace }),
      ...(type === "function" && wantsSecrets(parameters) ? { encrypted_function_args: [] } : {}),
    },
    engine: {
      name: nameForEngine(name, namespace),
      description,
      parameters: cleanSchema(parameters),
      strict: body["strict"] === true,
      inputGrammar,
      inThread: false,
      callable: true,
    },
  };
}

function choose(set: Map<string, OfferedTool>, choice: unknown): Pick<Offer, "tools" | "choice"> {
  if (choice === "none" || choice === "auto") return { tools: set, choice };
  // "any" is what Mistral's and Anthropic's interfaces call it. With nothing to call, nothing can be required.
  if (choice === "required" || choice === "any") return { tools: set, choice: set.size > 0 ? "required" : "auto" };
  if (typeof choice === "string") return choose(set, { name: choice });
  if (!isFields(choice)) return { tools: set, choice: "auto" };
  if (choice["type"] === "allowed_tools") return allow(set, fieldsOf(choice["allowed_tools"] ?? choice));
  if (!isWanted(choice)) return { tools: set, choice: "auto" };
  const names = meant(set, [choice]);
  if (names.size === 0) {
    const wanted = nameIn(choice) ?? String(choice["type"]);
    throw refusal(`names '${wanted}', which is not in 'tools'. Offer that tool, or use "auto".`);
  }
  return { tools: set, choice: { names: [...names] } };
}

/** Chat Completions nests the two fields, the Responses API has them flat. */
function allow(
  set: ReadonlyMap<string, OfferedTool>,
  { mode, tools: entries }: Fields,
): Pick<Offer, "tools" | "choice"> {
  const names = meant(set, Array.isArray(entries) ? entries : []);
  const allowed = new Map([...set].filter(([name]) => names.has(name)));
  if (mode === "required" && allowed.size === 0) {
    throw refusal(`requires a call, but none of its allowed tools is in 'tools'. Offer one, or use "auto".`);
  }
  return { tools: allowed, choice: mode === "required" ? "required" : "auto" };
}

/** A choice that means a tool which clients run; hosted ones are not on offer here, and asking for one changes nothing. */
function isWanted(choice: Fields): boolean {
  return nameIn(choice) !== null ? choice["type"] !== "mcp" : isClientTool(choice["type"]);
}

/** Engine names of the tools that some entries of tool_choice mean. */
function meant(set: ReadonlyMap<string, OfferedTool>, entries: readonly unknown[]): ReadonlySet<string> {
  const ways = [...set].flatMap(([engine, { type, name, namespace }]) => {
    const inSpace = namespace === null ? [] : [{ name, namespace }, { namespace }];
    return [{ type }, { name }, ...inSpace].map((way) => ({ way: meaning(way), engine }));
  });
  const byMeaning = Map.groupBy(ways, ({ way }) => way);
  const wanted = new Set(entries.map((entry) => meaning(meantBy(fieldsOf(entry)))));
  return new Set([...wanted].flatMap((way) => byMeaning.get(way) ?? []).map(({ engine }) => engine));
}

interface Meant {
  readonly type?: unknown;
  readonly name?: string;
  readonly namespace?: string | null;
}

/** A name says more than a type; a namespace is one of all its tools. */
function meantBy(entry: Fields): Meant {
  const { type } = entry;
  const name = nameIn(entry);
  const namespace = stringOf(entry["namespace"]);
  if (name === null) return { type };
  if (type === "namespace") return { namespace: name };
  return namespace === null ? { name } : { name, namespace };
}

function meaning({
  type = null,
  name = null,
  namespace = null,
}: { [field in keyof Meant]: Meant[field] | null }): string {
  return JSON.stringify([type, name, namespace]);
}

function nameIn(form: Fields): string | null {
  return stringOf(form["name"]) ?? stringOf(at(form["function"], "name")) ?? stringOf(at(form["custom"], "name"));
}

function refusal(what: string): ApiError {
  return new ApiError("invalid_value", `Invalid value for 'tool_choice': it ${what}`, "tool_choice");
}

function isClientTool(type: unknown): type is ClientToolType {
  return isToolType(type) && tools[type].run === "client";
}

function stringOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
