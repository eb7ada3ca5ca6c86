/** Owns the cleaning of tool schemas: what is no JSON Schema, and what upstreams choke on, is left out. */
import type { JsonSchema } from "../engine/engine.ts";
import { limits } from "../limits.ts";
import { at, type Fields, isFields } from "../spec/json.ts";
import { placeOf, resolves } from "../spec/schema.ts";

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

/**
 * Whether `schema` marks an argument as one that the server encrypts. Codex then takes what it gets for sealed, and passes
 * it on as such, unless the call says that no argument is.
 */
export function wantsSecrets({ properties }: Fields): boolean {
  return isFields(properties) && Object.values(properties).some((schema) => at(schema, "encrypted") === true);
}

function clean(schema: Fields, root: Fields, depth: number): Fields {
  if (depth > limits.schemaDepth) return {};
  return Object.fromEntries(
    Object.entries(schema).flatMap(([keyword, value]): [string, unknown][] => {
      if (foreign.has(keyword)) return [];
      if (keyword === "$ref") return resolves(value, root) ? [[keyword, value]] : [];
      const place = placeOf(keyword);
      if (place === "value") return [[keyword, value]];
      if (place === "schema") return [[keyword, cleanNested(value, root, depth)]];
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
