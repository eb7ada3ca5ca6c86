/** Owns the callable set of a turn: which tools the model is shown under which name, and what a call of each leaves as. */
import { createHash } from "node:crypto";
import type { EngineRequest, EngineTool, JsonSchema } from "../engine/engine.ts";
import { ApiError } from "../errors.ts";
import type { Tool } from "../spec/tools.ts";

/** A tool as the client knows it, and as the engine does. */
export interface OfferedTool {
  readonly type: "function" | "custom";
  readonly name: string;
  readonly namespace: string | null;
  readonly engine: EngineTool;
}

export interface Offer {
  /** By the engine's name. */
  readonly tools: ReadonlyMap<string, OfferedTool>;
  readonly choice: EngineRequest["toolChoice"];
}

/** What Chat Completions servers and templates accept as a function name. */
const engineName = /^[A-Za-z0-9_-]{1,64}$/;
const anyObject: JsonSchema = { type: "object", properties: {} };

/** A custom tool takes raw text; models call functions, so its text travels as the one argument of a function. */
const rawInput: JsonSchema = {
  type: "object",
  properties: { input: { type: "string", description: "The raw input of the tool." } },
  required: ["input"],
  additionalProperties: false,
};

/**
 * The callable set of `tools` under `choice` (both as on the wire). Hosted and unknown tools are left out. Throws an
 * ApiError (400) when `choice` names a tool that is not offered.
 */
export function makeOffer(tools: readonly Tool[], choice: unknown): Offer {
  const offered = new Map<string, OfferedTool>();
  const add = (tool: Tool, namespace: string | null): void => {
    const entry = offerTool(tool, namespace);
    if (entry && !offered.has(entry.engine.name)) offered.set(entry.engine.name, entry);
  };
  for (const tool of tools) {
    if (tool.type !== "namespace") add(tool, null);
    else for (const inner of listOf(tool["tools"])) if (isTool(inner)) add(inner, stringOf(tool["name"]));
  }
  return choose(offered, choice);
}

/** The name under which an engine sees `name`: itself where it can, else shortened with a digest that keeps it unique. */
export function nameForEngine(name: string, namespace: string | null): string {
  const full = namespace ? `${namespace}${namespace.endsWith("__") ? "" : "__"}${name}` : name;
  if (engineName.test(full)) return full;
  const digest = createHash("sha256").update(full).digest("hex").slice(0, 8);
  return `${full.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 55)}_${digest}`;
}

function offerTool(tool: Tool, namespace: string | null): OfferedTool | null {
  const { type } = tool;
  // Chat-style tools nest what the Responses API has flat.
  const body = objectOf(tool["function"]) ?? tool;
  const name = stringOf(body["name"]);
  if ((type !== "function" && type !== "custom") || !name) return null;
  const engine: EngineTool = {
    name: nameForEngine(name, namespace),
    description: stringOf(body["description"]) ?? "",
    parameters: type === "custom" ? rawInput : (objectOf(body["parameters"]) ?? anyObject),
    strict: body["strict"] === true,
  };
  return { type, name, namespace, engine };
}

function choose(tools: Map<string, OfferedTool>, choice: unknown): Offer {
  if (tools.size === 0) return { tools, choice: "auto" };
  if (choice === "none" || choice === "required") return { tools, choice };
  const form = objectOf(choice);
  if (!form) return { tools, choice: "auto" };
  if (form["type"] === "allowed_tools") {
    const names = new Set(listOf(form["tools"]).flatMap((tool) => namesOf(tools, tool)));
    const allowed = new Map([...tools].filter(([name]) => names.has(name)));
    return { tools: allowed, choice: form["mode"] === "required" && allowed.size > 0 ? "required" : "auto" };
  }
  const wanted = stringOf(form["name"]) ?? stringOf(objectOf(form["function"])?.["name"]);
  if (wanted === null) return { tools, choice: "auto" };
  const names = namesOf(tools, form);
  if (names.length === 0) {
    throw new ApiError("invalid_value", `tool_choice names '${wanted}', which is not in 'tools'.`, "tool_choice");
  }
  return { tools, choice: { names } };
}

/** Engine names of the tools that a tool_choice entry means. */
function namesOf(tools: ReadonlyMap<string, OfferedTool>, entry: unknown): string[] {
  const form = objectOf(entry);
  const name = stringOf(form?.["name"]) ?? stringOf(objectOf(form?.["function"])?.["name"]);
  const namespace = stringOf(form?.["namespace"]);
  return [...tools]
    .filter(([, tool]) => tool.name === name && (namespace === null || tool.namespace === namespace))
    .map(([engine]) => engine);
}

function isTool(value: unknown): value is Tool {
  return stringOf(objectOf(value)?.["type"]) !== null;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function stringOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
