/** Owns the reading of calls in tags, and of the values in them, which stand there without quotes. */
import { at, isFields, jsonWords, listOf, parse } from "../../spec/json.ts";
import { targetOf } from "../../spec/schema.ts";
import { objectText } from "./notation.ts";

/** A call as it was written; `arguments` is what stands where the text of a JSON object should. */
export interface WrittenCall {
  readonly name: string;
  readonly arguments: string;
}

/** The value of an argument that was written without quotes, as JSON that the tool's schema wants. */
export type ValueOf = (tool: string, argument: string, written: string) => string;

/**
 * Whether a line break next to a value's tags is theirs: where there is one, or `always` - then a tag without one stands in
 * the value, unless the call is written all without.
 */
export type Lines = "never" | "usually" | "always";

/** A call in tags, without the marks around it; null where it is none. */
export function readTagged(inner: string, valueOf: ValueOf, lines: Lines): WrittenCall | null {
  return taggedFunction(inner, valueOf, lines) ?? taggedPairs(inner, valueOf);
}

/** `<function=name><parameter=key>value</parameter></function>`. */
export function taggedFunction(text: string, valueOf: ValueOf, lines: Lines): WrittenCall | null {
  const [head, name = ""] = /^\s*<function=([\w.-]+)>/.exec(text) ?? [];
  const written = text.trimEnd();
  if (head === undefined || !written.endsWith("</function>")) return null;
  const inner = written.slice(head.length, -"</function>".length);
  if (lines === "always" && !/^\s*<parameter=[^>\n]+>[^\n]/.test(inner)) {
    return callOf(name, pairs(inner, /<parameter=([^>\n]+)>\n/y, "\n</parameter>"), valueOf);
  }
  const found = pairs(inner, /<parameter=([^>\n]+)>/y, "</parameter>");
  return callOf(name, lines === "never" ? found : onLines(found), valueOf);
}

/** `name<arg_key>key</arg_key><arg_value>value</arg_value>`. */
function taggedPairs(text: string, valueOf: ValueOf): WrittenCall | null {
  const [head, name = ""] = /^\s*([\w.-]+)\s*(?=<arg_key>|$)/.exec(text) ?? [];
  if (head === undefined) return null;
  const found = pairs(text.slice(head.length), /<arg_key>([^<]+)<\/arg_key>\s*<arg_value>/y, "</arg_value>");
  return callOf(name, found, valueOf);
}

/** `<invoke name="name"><parameter name="key">value</parameter></invoke>`, or the same with DeepSeek's mark; null for anything else. */
export function readInvoked(text: string, valueOf: ValueOf): WrittenCall | null {
  const [head, mark = "", name = ""] = /^\s*<(｜DSML｜)?invoke name="([\w.-]+)">/.exec(text) ?? [];
  const written = text.trimEnd();
  const end = `</${mark}invoke>`;
  if (head === undefined || !written.endsWith(end)) return null;
  const open = new RegExp(`<${mark}parameter name="([^"]+)"(?: string="(true|false)")?>`, "y");
  const found = pairs(written.slice(head.length, -end.length), open, `</${mark}parameter>`);
  return callOf(name, found, valueOf);
}

/** `isText`: whether the tag says that the value is text, or JSON; null where it says nothing. */
type Pair = readonly [key: string, written: string, isText: boolean | null];

/**
 * Each key that `open` (sticky) finds, with the text up to its `close`; null where anything else stands between them.
 */
function pairs(text: string, open: RegExp, close: string): readonly Pair[] | null {
  const found: Pair[] = [];
  // A long text is read anew at each mark that may end it: whether one does not is seen at once.
  const whole = text.trimEnd();
  if (whole !== "" && !whole.endsWith(close)) return null;
  for (let at = pastSpace(text, 0); at < text.length;) {
    open.lastIndex = at;
    const [, key = "", isText] = open.exec(text) ?? [];
    if (key === "") return null;
    const from = open.lastIndex;
    const end = endOf(text, from, open, close);
    if (end === -1) return null;
    found.push([key.trim(), text.slice(from, end), isText === undefined ? null : isText === "true"]);
    at = pastSpace(text, end + close.length);
  }
  return found;
}

/** Where the first `close` stands behind which there is an `open` (sticky) or nothing: what lies between may hold tags. -1 for none. */
export function endOf(text: string, from: number, open: RegExp, close: string): number {
  for (let end = text.indexOf(close, from); end !== -1; end = text.indexOf(close, end + 1)) {
    open.lastIndex = pastSpace(text, end + close.length);
    if (open.lastIndex === text.length || open.test(text)) return end;
  }
  return -1;
}

/** The values without the line breaks next to their tags. */
function onLines(found: readonly Pair[] | null): readonly Pair[] | null {
  return found?.map(([key, written, isText]) => [key, written.replace(/^\n|\n$/g, ""), isText]) ?? null;
}

function callOf(tool: string, written: readonly Pair[] | null, valueOf: ValueOf): WrittenCall | null {
  if (written === null) return null;
  const fields = written.map(([key, value, isText]) => {
    const json = isText === null ? valueOf(tool, key, value) : isText ? JSON.stringify(value) : jsonOr(value);
    return [key, json] as const;
  });
  return { name: tool, arguments: objectText(fields) };
}

/** `written` where it is JSON, else as text. */
function jsonOr(written: string): string {
  return parse(written) === undefined ? JSON.stringify(written) : written.trim();
}

export function pastSpace(text: string, from: number): number {
  const space = /\s*/y;
  space.lastIndex = from;
  space.exec(text);
  return space.lastIndex;
}

/** A value as `schema` has it, as JSON: text where it wants text, and where what was written is nothing else. */
export function valueFor(schema: unknown, argument: string, written: string): string {
  const types = typesOf(at(schema, "properties", argument), schema);
  const value = parse(written.trim());
  // "2.0" and numbers of more digits than a client keeps were meant as text.
  const isWhole = /^-?\d+$/.test(written.trim()) && Number.isSafeInteger(value);
  const fits = types.has(typeName(value)) || (types.has("integer") && isWhole);
  // What could be text is text, unless it is just what else the schema allows: `null`, mostly.
  if (types.has("string") && (typeof value === "string" || !fits)) return JSON.stringify(written);
  const word = types.size > 0 ? jsonWords.get(written.trim()) : undefined;
  return word ?? jsonOr(written);
}

/** The types that a property may have, as far as it says: none where it says nothing. `seen`: each schema says it once, however often it is named. */
export function typesOf(property: unknown, root: unknown, seen = new Set<unknown>()): Set<unknown> {
  const types = new Set<unknown>();
  if (!isFields(property) || seen.has(property)) return types;
  seen.add(property);
  const { $ref, type, enum: values, const: value, anyOf, oneOf, allOf } = property;
  for (const name of [type].flat()) if (typeof name === "string") types.add(name);
  for (const one of Array.isArray(values) ? values : []) types.add(typeName(one));
  if (value !== undefined) types.add(typeName(value));
  const inner = [...[anyOf, oneOf, allOf].flatMap(listOf), isFields(root) ? targetOf($ref, root) : undefined];
  for (const one of inner) for (const name of typesOf(one, root, seen)) types.add(name);
  return types;
}

function typeName(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}
