/**
 * Owns the question whether a value fits a JSON Schema. Both come from outside, so that it takes a bounded number of steps;
 * what would take more, what only a regular expression could tell, and keywords that nobody knows, count as fitting.
 */
import { isDeepStrictEqual } from "node:util";
import { limits } from "../limits.ts";
import { type Fields, isFields } from "./json.ts";
import { targetOf } from "./schema.ts";

/** What is wrong with `value`, with its place (`/days must be an integer`); null where nothing is. */
export function misfit(value: unknown, schema: unknown): string | null {
  try {
    return new Check(schema).problem(value, schema, "", 0);
  } catch (thrown) {
    if (thrown instanceof Endless) return null;
    throw thrown;
  }
}

class Endless extends Error {}

type Problem = string | null;

class Check {
  readonly #root: Fields;
  #steps = 0;

  constructor(root: unknown) {
    this.#root = isFields(root) ? root : {};
  }

  problem(value: unknown, schema: unknown, place: string, depth: number): Problem {
    if (depth > limits.schemaDepth) throw new Endless();
    this.#step(1);
    if (schema === false) return `${place || "the answer"} must not be there`;
    if (!isFields(schema)) return null;
    return (
      this.#kind(value, schema, place) ??
      this.#size(value, schema, place) ??
      this.#parts(value, schema, place, depth) ??
      this.#choices(value, schema, place, depth)
    );
  }

  #step(count: number): void {
    this.#steps += count;
    if (this.#steps > limits.fitSteps) throw new Endless();
  }

  #kind(value: unknown, schema: Fields, place: string): Problem {
    const { type, enum: choices } = schema;
    this.#step(Array.isArray(choices) ? choices.length : 0);
    const types = (Array.isArray(type) ? type : [type]).filter((name) => typeof name === "string");
    const where = place || "the answer";
    if (types.length > 0 && !types.some((name) => isOfType(value, name))) {
      return `${where} must be ${types.map(named).join(" or ")}`;
    }
    if (Array.isArray(choices) && !choices.some((choice) => isDeepStrictEqual(choice, value))) {
      return `${where} must be one of ${JSON.stringify(choices).slice(0, limits.errorNameChars)}`;
    }
    if ("const" in schema && !isDeepStrictEqual(schema["const"], value)) {
      return `${where} must be ${JSON.stringify(schema["const"]).slice(0, limits.errorNameChars)}`;
    }
    return null;
  }

  #size(value: unknown, schema: Fields, place: string): Problem {
    let size: number | null = null;
    for (const [keyword, holds, words] of bounds[kindOf(value)]) {
      const bound = schema[keyword];
      if (typeof bound !== "number") continue;
      size ??= this.#sizeOf(value);
      if (!holds(size, bound)) return `${place || "the answer"} must ${words} ${bound}`;
    }
    return null;
  }

  #sizeOf(value: unknown): number {
    if (typeof value === "number") return value;
    if (typeof value !== "string") return Array.isArray(value) ? value.length : Object.keys(value ?? {}).length;
    this.#step(Math.ceil(value.length / charactersOfStep));
    return charactersOf(value);
  }

  #parts(value: unknown, schema: Fields, place: string, depth: number): Problem {
    if (Array.isArray(value)) return this.#entries(value, schema, place, depth);
    return isFields(value) ? this.#members(value, schema, place, depth) : null;
  }

  #entries(list: readonly unknown[], schema: Fields, place: string, depth: number): Problem {
    const { prefixItems, items } = schema;
    const first: readonly unknown[] = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
    const rest = Array.isArray(items) ? undefined : items;
    for (const [index, entry] of list.entries()) {
      const own = index < first.length ? first[index] : rest;
      const found = own === undefined ? null : this.problem(entry, own, `${place}/${index}`, depth + 1);
      if (found !== null) return found;
    }
    return null;
  }

  #members(value: Fields, schema: Fields, place: string, depth: number): Problem {
    const { required, additionalProperties: rest } = schema;
    const properties = isFields(schema["properties"]) ? schema["properties"] : {};
    const missing = (Array.isArray(required) ? required : []).find((name) => !Object.hasOwn(value, String(name)));
    if (missing !== undefined) return `${place || "the answer"} must have ${JSON.stringify(missing)}`;
    for (const [name, inner] of Object.entries(value)) {
      // Patterns of names are not tried, so whatever they might allow is allowed.
      const own = Object.hasOwn(properties, name)
        ? properties[name]
        : isFields(schema["patternProperties"])
          ? true
          : rest;
      const inside = `${place}/${name.slice(0, limits.errorNameChars)}`;
      const found = own === undefined ? null : this.problem(inner, own, inside, depth + 1);
      if (found !== null) return found;
    }
    return null;
  }

  #choices(value: unknown, schema: Fields, place: string, depth: number): Problem {
    const { $ref, allOf, anyOf, oneOf, not } = schema;
    const tell = (inner: unknown): Problem => this.problem(value, inner, place, depth + 1);
    const where = place || "the answer";
    if ($ref !== undefined) {
      const found = tell(targetOf($ref, this.#root) ?? true);
      if (found !== null) return found;
    }
    for (const inner of listed(allOf)) {
      const found = tell(inner);
      if (found !== null) return found;
    }
    if (anyOf !== undefined) {
      // Each is asked once: what is wrong with the last one is told.
      let last: Problem = `${where} must fit one of its forms`;
      for (const inner of listed(anyOf)) {
        last = tell(inner);
        if (last === null) break;
      }
      if (last !== null) return last;
    }
    if (oneOf !== undefined && listed(oneOf).filter((inner) => tell(inner) === null).length !== 1) {
      return `${where} must fit exactly one of its forms`;
    }
    return not !== undefined && tell(not) === null ? `${where} must not have this form` : null;
  }
}

const atLeast = (size: number, bound: number): boolean => size >= bound;
const atMost = (size: number, bound: number): boolean => size <= bound;

type Bound = readonly [keyword: string, holds: (size: number, bound: number) => boolean, words: string];

/** Characters that are counted in the time of one step. */
const charactersOfStep = 64;

/** The keywords that bound the size of a value, by its kind. */
const bounds: Readonly<Record<SizedKind, readonly Bound[]>> = {
  number: [
    ["minimum", atLeast, "be at least"],
    ["maximum", atMost, "be at most"],
    ["exclusiveMinimum", (size, bound) => size > bound, "be more than"],
    ["exclusiveMaximum", (size, bound) => size < bound, "be less than"],
    ["multipleOf", isMultiple, "be a multiple of"],
  ],
  string: [
    ["minLength", atLeast, "have characters, at least"],
    ["maxLength", atMost, "have characters, at most"],
  ],
  list: [
    ["minItems", atLeast, "have entries, at least"],
    ["maxItems", atMost, "have entries, at most"],
  ],
  object: [
    ["minProperties", atLeast, "have properties, at least"],
    ["maxProperties", atMost, "have properties, at most"],
  ],
  other: [],
};

type SizedKind = "number" | "string" | "list" | "object" | "other";

function kindOf(value: unknown): SizedKind {
  if (typeof value === "number") return "number";
  if (typeof value === "string") return "string";
  return Array.isArray(value) ? "list" : isFields(value) ? "object" : "other";
}

/** JSON Schema counts characters, not halves of surrogate pairs. */
function charactersOf(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) if ((text.charCodeAt(at) & 0xfc00) !== 0xdc00) count += 1;
  return count;
}

/** As far as numbers of this kind can tell: 0.3 is three times 0.1. */
function isMultiple(size: number, of: number): boolean {
  const times = size / of;
  return of > 0 ? Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times)) : true;
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isFields(value);
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
    default:
      return true;
  }
}

function named(type: string): string {
  return type === "null" ? type : /^[aio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
