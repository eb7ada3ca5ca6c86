/** Owns sums of schemas: one JSON Schema that asks for what several ask, as far as a grammar can say it. */
import { limits } from "../../limits.ts";

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** How a word that two schemas use is said once; of other words the first schema's counts. */
const both: Readonly<Record<string, (a: unknown, b: unknown) => unknown>> = {
  type: commonType,
  enum: commonValues,
  properties: (a, b) => (isFields(a) && isFields(b) ? union(a, b) : (a ?? b)),
  required: (a, b) => (Array.isArray(a) && Array.isArray(b) ? [...new Set<unknown>([...a, ...b])] : a),
  additionalProperties: (a, b) => (a === false || b === false ? false : sum(a, b)),
  items: sum,
  anyOf: product,
  oneOf: product,
  minItems: higher,
  minLength: higher,
  minimum: higher,
  exclusiveMinimum: higher,
  maximum: lower,
  exclusiveMaximum: lower,
  maxItems: lower,
  maxLength: lower,
};

/** Words that ask for something; names, descriptions and definitions do not. */
const words = new Set([...Object.keys(both), "$ref", "allOf", "const", "prefixItems", "pattern", "format", "nullable"]);

/** Whether `schema` asks for anything that a grammar could say. */
export function asks(schema: Fields): boolean {
  return Object.keys(schema).some((word) => words.has(word));
}

/**
 * `schema` with its `$ref` and `allOf` worked in, those of what they name included; its own words come first. `lookUp`
 * finds what a `$ref` points to. Each is worked in once: to ask twice is to ask once, and schemas may name themselves.
 */
export function combined(
  schema: Fields,
  lookUp: (reference: string) => unknown,
  seen: Set<string> = new Set<string>(),
): Fields {
  const { $ref: reference, allOf, ...own } = withNull(schema);
  const parts: unknown[] = Array.isArray(allOf) ? [...(allOf as readonly unknown[])] : [];
  if (typeof reference === "string" && !seen.has(reference) && seen.size < limits.grammarDepth) {
    seen.add(reference);
    parts.unshift(lookUp(reference));
  }
  return addAll([own, ...parts.filter(isFields).map((part) => combined(part, lookUp, seen))]);
}

/** OpenAPI 3.0 says `nullable` where JSON Schema has one type more. */
export function withNull(schema: Fields): Fields {
  const { nullable, ...rest } = schema;
  return nullable === true && typeof rest["type"] === "string" ? { ...rest, type: [rest["type"], "null"] } : schema;
}

/** By halves: one after the other, each would copy all that came before it. */
function addAll(parts: readonly Fields[]): Fields {
  const half = Math.ceil(parts.length / 2);
  if (parts.length <= 1) return parts[0] ?? {};
  return add(addAll(parts.slice(0, half)), addAll(parts.slice(half)));
}

function add(a: Fields, b: Fields): Fields {
  const whole: Record<string, unknown> = { ...b, ...a };
  for (const [word, join] of Object.entries(both)) {
    if (a[word] !== undefined && b[word] !== undefined) whole[word] = join(a[word], b[word]);
  }
  return whole;
}

/** Members of both; of those that both name, each asks for what both ask. */
function union(a: Fields, b: Fields): Fields {
  const whole = new Map(Object.entries(a));
  for (const [name, schema] of Object.entries(b))
    whole.set(name, whole.has(name) ? sum(whole.get(name), schema) : schema);
  return Object.fromEntries(whole);
}

function sum(a: unknown, b: unknown): unknown {
  if (!isFields(a) || !isFields(b)) return isFields(a) ? a : b;
  return JSON.stringify(a) === JSON.stringify(b) ? a : { allOf: [a, b] };
}

function fits(type: unknown, types: readonly unknown[]): boolean {
  return types.includes(type) || (type === "integer" && types.includes("number"));
}

/** Each choice of one with each of the other; where those are too many, the choices of the first. */
function product(a: unknown, b: unknown): unknown {
  if (!Array.isArray(a) || !Array.isArray(b) || a.length * b.length > limits.grammarProduct) return a;
  return a.flatMap((one) => b.map((other) => sum(one, other)));
}

/** Types that both allow; where there are none, those of the first. */
function commonType(a: unknown, b: unknown): unknown {
  const [left, right] = [[a].flat(), [b].flat()];
  const common = [...left.filter((type) => fits(type, right)), ...right.filter((type) => fits(type, left))];
  return common.length === 0 ? a : [...new Set(common)];
}

/** Values that both allow; where there are none, those of the first. */
function commonValues(a: unknown, b: unknown): unknown {
  if (!Array.isArray(a) || !Array.isArray(b)) return a;
  const right = new Set(b.map((value) => JSON.stringify(value)));
  const common = a.filter((value) => right.has(JSON.stringify(value)));
  return common.length === 0 ? a : common;
}

function higher(a: unknown, b: unknown): unknown {
  return typeof a === "number" && typeof b === "number" ? Math.max(a, b) : a;
}

function lower(a: unknown, b: unknown): unknown {
  return typeof a === "number" && typeof b === "number" ? Math.min(a, b) : a;
}
