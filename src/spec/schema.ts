/** Owns the walk through a JSON Schema: where schemas stand inside of one, what a reference leads to, what is no schema. */
import { limits } from "../limits.ts";
import { type Fields, isFields } from "./json.ts";

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

export type Place = "schema" | "schemas" | "value";

/** What stands under `keyword`: a schema or a list of them, schemas by name, or anything else. */
export function placeOf(keyword: string): Place {
  return nested.has(keyword) ? "schema" : named.has(keyword) ? "schemas" : "value";
}

/** Whether a `$ref` leads to something inside the schema that it stands in, whose outermost one is `root`. */
export function resolves(reference: unknown, root: Fields): boolean {
  return targetOf(reference, root) !== null;
}

/** The schema that a `$ref` leads to; null where it leads nowhere. */
export function targetOf(reference: unknown, root: Fields): Fields | null {
  if (typeof reference !== "string" || !(reference === "#" || reference.startsWith("#/"))) return null;
  const steps = reference.slice(1).split("/").slice(1);
  let place: unknown = root;
  for (const step of steps) {
    const key = unescaped(step);
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, key)) return null;
    place = (place as Fields)[key];
  }
  return isFields(place) ? place : null;
}

/** A step of a JSON pointer in a URI fragment. */
function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step;
  }
}

const types = new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);

/** Why `schema` cannot be one, and where, for people; null where nothing speaks against it. */
export function schemaProblem(schema: Fields): string | null {
  return problemIn(schema, schema, "", 0);
}

function problemIn(schema: unknown, root: Fields, path: string, depth: number): string | null {
  const where = path === "" ? "the schema" : `'${path}'`;
  if (typeof schema === "boolean") return null;
  if (!isFields(schema)) return `${where} must be an object or a boolean`;
  if (depth > limits.schemaDepth) return `${where} is nested deeper than ${limits.schemaDepth} levels`;
  for (const [keyword, value] of Object.entries(schema)) {
    const inner = path === "" ? keyword : `${path}.${keyword}`;
    const problem = keywordProblem(keyword, value, root, inner, depth);
    if (problem !== null) return problem;
  }
  return null;
}

function keywordProblem(keyword: string, value: unknown, root: Fields, path: string, depth: number): string | null {
  if (keyword === "type") {
    if (Array.isArray(value) && value.length === 0) return `'${path}' is an empty list, which nothing fits`;
    const unknown = [value].flat().find((type) => typeof type !== "string" || !types.has(type));
    return unknown === undefined ? null : `'${path}' is ${JSON.stringify(unknown)}; known are ${[...types].join(", ")}`;
  }
  if (keyword === "$ref")
    return resolves(value, root) ? null : `'${path}' leads nowhere; use '#/$defs/NAME' and define it there`;
  if (keyword === "enum") return Array.isArray(value) && value.length > 0 ? null : `'${path}' must be a list of values`;
  if (keyword === "required" && !isNames(value)) return `'${path}' must be a list of names`;
  const place = placeOf(keyword);
  if (place === "value") return null;
  if (place === "schemas" && !isFields(value)) return `'${path}' must be an object of schemas`;
  for (const [name, inner] of place === "schemas" || Array.isArray(value)
    ? Object.entries(value as Fields)
    : [["", value] as const]) {
    const problem = problemIn(inner, root, name === "" ? path : `${path}.${name}`, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}
