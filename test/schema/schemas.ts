/** Owns the check of one thing that left us against OpenAI's types, as patched. */
import assert from "node:assert/strict";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { at, type Fields, fieldsOf, listOf, textOf } from "../../src/spec/json.ts";
import { type Definitions, sdkDefinitions } from "./generate.ts";
import { type Change, patch } from "./patch.ts";
import type { Wire } from "./wire.ts";

export type Kind = keyof Wire;

/** Checks values against the definitions of the SDK after the changes of `patch`. */
export class Schemas {
  readonly #ajv = new Ajv({ strict: false, allErrors: true, discriminator: true });
  /** Definition by the name of its event. */
  readonly #events: ReadonlyMap<string, string>;

  constructor(definitions: Definitions, changes: readonly Change[]) {
    const patched = structuredClone(definitions);
    for (const change of changes) apply(patched, change);
    this.#ajv.addSchema({ $id: "sdk", definitions: told(patched, patched) });
    const names = listOf(at(patched, "ResponseStreamEvent", "anyOf")).map(({ $ref }) => nameIn(textOf($ref) ?? ""));
    this.#events = new Map(names.map((name) => [textOf(at(patched, name, "properties", "type", "const")) ?? "", name]));
  }

  /** Where `value` is not what the SDK's type says, one line a place; none where all is well. */
  deviations(kind: Kind, value: unknown): string[] {
    const type = textOf(fieldsOf(value)["type"]) ?? "";
    const name = kind === "event" ? this.#events.get(type) : undefined;
    if (kind === "event" && name === undefined) return [`${type}: no such event`];
    const check = this.#compiled(name ?? `Wire/properties/${kind}`);
    return check(value) ? [] : (check.errors ?? []).map((error) => `${name ?? kind}${line(error)}`);
  }

  #compiled(place: string): ValidateFunction {
    const check = this.#ajv.getSchema(`sdk#/definitions/${place}`);
    assert.ok(check, `no definition ${place}`);
    return check;
  }
}

function nameIn(ref: string): string {
  return ref.slice("#/definitions/".length);
}

function apply(definitions: Definitions, { at: way, was, is }: Change): void {
  const last = way.at(-1) ?? "";
  const place = at(definitions, ...way.slice(0, -1));
  assert.ok(typeof place === "object" && place !== null, `the SDK has nothing at ${way.join("/")}`);
  const fields = place as Record<string, unknown>;
  assert.deepEqual(fields[last], was, `the SDK has something else at ${way.join("/")} than when this was looked at`);
  fields[last] = is;
}

/** `schema`, with unions that are told apart by `type`: else each member complains of what was meant for another. */
function told(schema: unknown, definitions: Definitions): unknown {
  if (Array.isArray(schema)) return schema.map((each: unknown) => told(each, definitions));
  if (typeof schema !== "object" || schema === null) return schema;
  const fields = Object.fromEntries(Object.entries(schema).map(([name, each]) => [name, told(each, definitions)]));
  const { anyOf, ...rest } = fields;
  return isTagged(listOf(anyOf), definitions)
    ? { ...rest, type: "object", required: ["type"], discriminator: { propertyName: "type" }, oneOf: anyOf }
    : fields;
}

function isTagged(members: readonly Fields[], definitions: Definitions): boolean {
  const tags = members.flatMap(({ $ref }) => {
    const { properties, required } = fieldsOf(definitions[nameIn(textOf($ref) ?? "")]);
    const type = fieldsOf(at(properties, "type"));
    if (!Array.isArray(required) || !required.includes("type")) return [null];
    return Array.isArray(type["enum"]) ? (type["enum"] as unknown[]) : [type["const"]];
  });
  return tags.length > 1 && new Set(tags).size === tags.length && tags.every((tag) => typeof tag === "string");
}

function line({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath} ${message} ${JSON.stringify(params)}`;
}

/** All that we send, as it may be. */
export const schemas = new Schemas(await sdkDefinitions(), patch);
