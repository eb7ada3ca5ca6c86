/** Owns the cleaning of tool schemas: what is no JSON Schema, and what upstreams choke on, is left out. */
import type { JsonSchema } from "../engine/engine.ts";
import { limits } from "../limits.ts";
import { type Fields, isFields } from "../spec/json.ts";

/** Keywords that hold one schema, or a list of them. */
const nested = new Set([
  "additionalItems",
  "additionalProperties",
  "allOf",
  "anyOf",
  "contains",
  "else",
  "if",
  "items",
  "not",
  "oneOf",
  "prefixItems",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
]);
/** Keywords that hold schemas by name. */
const named = new Set(["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"]);
/** Not of JSON Schema: Codex marks strings that only OpenAI's servers may read. */
const foreign = new Set(["encrypted"]);

/**
 * `schema` for the arguments of a function, so always of an object. Keywords that no schema has are dropped, and so is a
 * `$ref` that leads nowhere: llama-server refuses the whole request for one.
 */
export function cleanSchema(schema: unknown): JsonSchema {
  const root = isFields(schema) ? schema : {};
  return Object.assign({ type: "object", properties: {} }, clean(root, root, 0), { type: "object" });
}

function clean(schema: Fields, root: Fields, depth: number): Fields {
  if (depth > limits.schemaDepth) return {};
  return Object.fromEntries(
    Object.entries(schema).flatMap(([keyword, value]): [string, unknown][] => {
      if (foreign.has(keyword)) return [];
      if (keyword === "$ref") return resolves(value, root) ? [[keyword, value]] : [];
      if (nested.has(keyword)) return [[keyword, cleanNested(value, root, depth)]];
      if (!named.has(keyword)) return [[keyword, value]];
      return isFields(value) ? [[keyword, cleanNamed(value, root, depth)]] : [];
    }),
  );
}

function cleanNested(value: unknown, root: Fields, depth: number): unknown {
  if (Array.isArray(value)) return value.map((entry) => cleanNested(entry, root, depth));
  return isFields(value) ? clean(value, root, depth + 1) : value;
}

function cleanNamed(schemas: Fields, root: Fields, depth: number): Fields {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, cleanNested(schema, root, depth)]));
}

/** Whether a reference leads to something inside the same schema. */
function resolves(reference: unknown, root: Fields): boolean {
  if (typeof reference !== "string" || !reference.startsWith("#")) return false;
  const steps = reference.slice(1).split("/").slice(1);
  let place: unknown = root;
  for (const step of steps) {
    const key = unescaped(step);
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, key)) return false;
    place = (place as Fields)[key];
  }
  return isFields(place);
}

/** A step of a JSON pointer in a URI fragment. */
function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step;
  }
}
