/**
 * Owns JSON Schema as GBNF rules, so that what a model writes fits, in whatever notation it writes. What a grammar cannot say (some patterns, a pattern and a length, what must not be, wide counts) is left out: the place then takes any
 * JSON of the type that is known, and of choices any may come, even where only one should fit.
 */
import { limits } from "../../limits.ts";
import { asks, combined, type Fields, isFields, withNull } from "./combine.ts";
import { formats } from "./formats.ts";
import { asJson, type Kind, type Notation, quoted } from "./notations.ts";
import { boundedNumber } from "./range.ts";
import { patternExpression, regexExpression } from "./regex.ts";
import { literal, oneOf, type RuleBook } from "./rules.ts";

/**
 * Adds rules for a value that fits `schema`; returns an expression for it. Never throws: what is no schema takes any value.
 */
export function schemaExpression(schema: unknown, rules: RuleBook, notation: Notation = asJson): string {
  return new SchemaReader(schema, rules, notation).read(schema, 0);
}

/** The member itself, as the first one and as a later one. */
const rulesOfMember = 3;

class SchemaReader {
  readonly #root: unknown;
  readonly #rules: RuleBook;
  readonly #notation: Notation;
  /** Rules of the `$ref`s and sums met so far: schemas may be recursive. */
  readonly #references = new Map<string, string>();

  constructor(root: unknown, rules: RuleBook, notation: Notation) {
    this.#root = root;
    this.#rules = rules;
    this.#notation = notation;
  }

  read(given: unknown, depth: number): string {
    const schema = isFields(given) ? withNull(given) : null;
    if (schema === null || depth > limits.grammarDepth || this.#rules.size > limits.grammarRules) {
      return this.#any("value");
    }
    const { $ref: reference, const: constant, anyOf, oneOf: either, allOf, type } = schema;
    if (typeof reference === "string" || (Array.isArray(allOf) && allOf.length > 0)) return this.#sum(schema, depth);
    if (constant !== undefined) return literal(this.#notation.write(constant));
    const values = choicesOf(schema);
    if (values !== null) return oneOf(values.map((value) => literal(this.#notation.write(value))));
    const choices = anyOf ?? either;
    if (Array.isArray(choices) && choices.length > 0) {
      const { anyOf: _any, oneOf: _one, ...rest } = schema;
      return oneOf(choices.map((choice) => this.read(asks(rest) ? { allOf: [rest, choice] } : choice, depth + 1)));
    }
    if (Array.isArray(type) && type.length > 0) {
      return oneOf(type.map((one) => this.read({ ...schema, type: one }, depth + 1)));
    }
    return this.#typed(schema, type, depth);
  }

  /** A rule of its own for what refers to others, which may refer to it. */
  #sum(schema: Fields, depth: number): string {
    const { $ref: reference, ...rest } = schema;
    if (typeof reference === "string" && !asks(rest)) {
      return this.#named(reference, () => this.read(lookUp(this.#root, reference), depth + 1));
    }
    const whole = (): Fields => combined(schema, (one) => lookUp(this.#root, one));
    return this.#named(JSON.stringify(schema), () => this.read(whole(), depth + 1));
  }

  #typed(schema: Fields, type: unknown, depth: number): string {
    const known = typeof type === "string" ? type : guess(schema);
    switch (known) {
      case "object":
        return this.#object(schema, depth);
      case "array":
        return this.#array(schema, depth);
      case "string":
        return this.#string(schema);
      case "integer":
      case "number":
        return boundedNumber(schema) ?? this.#any(known);
      case "boolean":
      case "null":
        return this.#any(known);
      default:
        return this.#any("value");
    }
  }

  #any(kind: Kind): string {
    return this.#notation.any(kind, this.#rules);
  }

  #named(key: string, read: () => string): string {
    const known = this.#references.get(key);
    if (known !== undefined) return known;
    const name = this.#rules.reserve();
    this.#references.set(key, name);
    const body = read();
    // A reference to nothing but itself would be a grammar that never begins.
    this.#rules.add(name, body === name ? this.#any("value") : body);
    return name;
  }

  /** Members in the schema's order; the optional ones may be left out, and further ones follow where they are allowed. */
  #object(schema: Fields, depth: number): string {
    const named = isFields(schema["properties"]) ? schema["properties"] : {};
    const required = new Set(stringsOf(schema["required"]));
    const { additionalProperties } = schema;
    const extra = additionalProperties ?? Object.keys(named).length === 0;
    const unnamed = [...required].filter((name) => !Object.hasOwn(named, name));
    const properties = [...Object.entries(named), ...unnamed.map((name): [string, unknown] => [name, extra])];
    const tooMany = properties.length * rulesOfMember > limits.grammarRules;
    if (tooMany || (properties.length === 0 && extra === true)) return this.#any("object");
    const names = properties.map(([name]) => name);
    const other = extra === true || isFields(extra) ? this.#notation.otherKey(names, this.#rules) : null;
    const more = other === null ? null : this.#member(other, extra, depth);
    const comma = literal(this.#notation.comma);
    // Two rules a member: one for when it would be the first, one for when a comma must stand before it.
    let first = more === null ? '""' : this.#rules.fresh(`(${more} (${comma} ${more})*)?`);
    let later = more === null ? '""' : this.#rules.fresh(`(${comma} ${more})*`);
    for (const [name, property] of properties.toReversed()) {
      const member = this.#member(literal(this.#notation.key(name)), property, depth);
      const [lead, follow] = [`${member} ${later}`, `${comma} ${member} ${later}`];
      first = this.#rules.fresh(required.has(name) ? lead : `${lead} | ${first}`);
      later = this.#rules.fresh(required.has(name) ? follow : `${follow} | ${later}`);
    }
    return this.#rules.fresh(`"{" ${first} "}"`);
  }

  #member(name: string, schema: unknown, depth: number): string {
    return this.#rules.fresh(`${name} ${literal(this.#notation.colon)} ${this.read(schema, depth + 1)}`);
  }

  #array(schema: Fields, depth: number): string {
    const items = schema["items"] ?? true;
    const [least, most] = [count(schema["minItems"]) ?? 0, count(schema["maxItems"])];
    if (Array.isArray(items) || schema["prefixItems"] !== undefined) return this.#any("array");
    if (items === true && least === 0 && most === null) return this.#any("array");
    if (most === 0) return '"[]"';
    const item = this.#rules.fresh(this.read(items, depth + 1));
    const more = `(${literal(this.#notation.comma)} ${item})${repeat(Math.max(least - 1, 0), most === null ? null : most - 1)}`;
    return this.#rules.fresh(least > 0 ? `"[" ${item} ${more} "]"` : `"[" (${item} ${more})? "]"`);
  }

  /** An expression cannot be held to a length as well: of two such words the more telling one counts. */
  #string({ minLength, maxLength, pattern, format }: Fields): string {
    const { spelling } = this.#notation;
    const known = formats.get(format);
    const said = typeof pattern === "string" ? patternExpression(pattern, spelling) : null;
    const fitting = said ?? (known === undefined ? null : regexExpression(known, spelling));
    if (fitting !== null) return quoted(this.#notation, fitting);
    const [least, most] = [count(minLength) ?? 0, count(maxLength)];
    if (least === 0 && most === null) return this.#any("string");
    return quoted(this.#notation, `${this.#notation.character(this.#rules)}${repeat(least, most)}`);
  }
}

/** How often something is repeated; ranges wider than llama.cpp unrolls well are cut to what still holds. */
function repeat(least: number, most: number | null): string {
  const low = Math.min(least, limits.grammarRepeats);
  const high = most === null || most > limits.grammarRepeats ? "" : String(Math.max(most, low));
  return low === 0 && high === "" ? "*" : `{${low},${high}}`;
}

/** What `enum` leaves to choose from; null where it says nothing. */
export function choicesOf({ enum: values, type }: Fields): readonly unknown[] | null {
  if (!Array.isArray(values) || values.length === 0) return null;
  const fitting = values.filter((value) => isOfType(value, type));
  return (fitting.length > 0 ? fitting : values).slice(0, limits.grammarChoices);
}

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function count(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** Whether `value` is of `type`, as JSON Schema names types; true where none is named. */
function isOfType(value: unknown, type: unknown): boolean {
  const types = [type].flat();
  if (types.every((one) => typeof one !== "string")) return true;
  const own = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return types.includes(own) || (types.includes("integer") && Number.isInteger(value));
}

/** Many schemas name no type where their other words say it. */
function guess(schema: Fields): string | null {
  if ("properties" in schema || "additionalProperties" in schema) return "object";
  if ("items" in schema || "minItems" in schema) return "array";
  if ("minLength" in schema || "maxLength" in schema || "pattern" in schema || "format" in schema) return "string";
  return ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"].some((word) => word in schema)
    ? "number"
    : null;
}

/** What a `$ref` within the same document points to (RFC 6901); undefined where there is nothing. */
function lookUp(root: unknown, reference: string): unknown {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let value = root;
  for (const part of reference.slice(2).split("/")) {
    const key = decode(part).replaceAll("~1", "/").replaceAll("~0", "~");
    value = isFields(value) || Array.isArray(value) ? (value as Fields)[key] : undefined;
  }
  return value;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
