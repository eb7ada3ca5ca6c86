/** Owns the worker that parses one large body: it answers each message with the next portion of the result. */
import { parentPort, workerData } from "node:worker_threads";
import { ApiError, type ErrorCode } from "../errors.ts";
import { limits } from "../limits.ts";
import { parseJson } from "./json.ts";

/** `fields`: members of the body; `items`: the next elements of the long list `name`; `other`: the body is not an object. */
export type Portion =
  | { readonly kind: "fields"; readonly fields: readonly [string, unknown][] }
  | { readonly kind: "items"; readonly name: string; readonly items: readonly unknown[] }
  | { readonly kind: "other"; readonly value: unknown }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "end" };

function* portionsOf(bytes: Uint8Array): Generator<Portion, Portion> {
  const body = parse(bytes);
  if (body instanceof ApiError) return { kind: "refused", code: body.code, message: body.message };
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    // It is refused for its type alone: a long list need not travel.
    return { kind: "other", value: Array.isArray(body) ? [] : body };
  }
  const fields = Object.entries(body);
  const lists = fields.filter(([, value]) => Array.isArray(value) && weigh(value) > limits.jsonPortion);
  const long = new Set(lists.map(([name]) => name));
  for (const few of groups(fields.filter(([name]) => !long.has(name)))) yield { kind: "fields", fields: few };
  for (const [name, list] of lists) for (const items of groups(list)) yield { kind: "items", name, items };
  return { kind: "end" };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (thrown) {
    if (thrown instanceof ApiError) return thrown;
    throw thrown;
  }
}

/** Runs of elements of about a portion each. */
function* groups<T>(list: readonly T[]): Generator<readonly T[]> {
  let start = 0;
  let weight = 0;
  for (const [at, item] of list.entries()) {
    weight += weigh(item);
    if (weight < limits.jsonPortion) continue;
    yield list.slice(start, at + 1);
    start = at + 1;
    weight = 0;
  }
  yield list.slice(start);
}

/** What it costs to take a value over, in values: text is copied, about a KiB for the price of one. */
function weigh(value: unknown): number {
  if (typeof value === "string") return 1 + value.length / 1024;
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, inner) => sum + weigh(inner), 1);
}

const port = parentPort;
if (port) {
  const portions = portionsOf(workerData as Uint8Array);
  const send = (): void => port.postMessage(portions.next().value);
  port.on("message", send);
  send();
}
