/** Owns the rules about output items: added once, done once, one at a time, and the same at the end. */
import { isDeepStrictEqual } from "node:util";
import { events } from "../events.ts";
import { progress } from "../progress.ts";
import { type CheckContext, type Fields, fieldsOf, listOf, nameOf, type Report, type Rules, show } from "./rules.ts";

/** Names that an item has from the beginning and keeps. */
const names = ["role", "name", "namespace", "phase", "server_label"];
const callTypes: ReadonlySet<unknown> = new Set(["function_call", "custom_tool_call"]);
const ends: ReadonlySet<unknown> = new Set(["completed", "incomplete", "failed"]);
/** Events that happen to one item say to which. */
const placed: ReadonlySet<string> = new Set(["part", "delta", "done", "progress", "annotation"]);

interface Entry {
  /** As it was added. */
  readonly added: Fields;
  readonly index: number;
  readonly steps: string[];
  done: Fields | null;
}

export function itemRules(context: CheckContext): Rules {
  return new ItemRules(context);
}

class ItemRules implements Rules {
  readonly #context: CheckContext;
  /** In the order in which they were added. */
  readonly #items: Entry[] = [];
  readonly #ids = new Set<unknown>();
  readonly #callIds = new Set<unknown>();
  /** Of them, those that are not done; one at most, in a right stream. */
  #open: readonly Entry[] = [];
  /** Whether an incomplete item is done, and a call. */
  #cut = false;
  #called = false;

  constructor(context: CheckContext) {
    this.#context = context;
  }

  event(event: Fields, report: Report): void {
    const type = nameOf(event);
    if (type === "response.output_item.added") this.#added(event, report);
    else if (type === "response.output_item.done") this.#finished(event, report);
    else if ("item_id" in event || isPlaced(type)) this.#inside(event, report);
    else if ("response" in event) this.#state(type, fieldsOf(event["response"]), report);
  }

  end(report: Report): void {
    if (this.#open.length > 0) report(41, "an item is still open");
  }

  #added(event: Fields, report: Report): void {
    const item = fieldsOf(event["item"]);
    if (this.#open.length > 0) report(51, "an item is added while another is open");
    const index = this.#items.length;
    if (event["output_index"] !== index) report(32, `output_index ${show(event["output_index"])}, ${index} is due`);
    checkNames(item, report);
    unique(this.#ids, item["id"], report);
    if ("call_id" in item) unique(this.#callIds, item["call_id"], report);
    const filled = ["content", "summary", "arguments", "input"].filter((key) => isFilled(item[key]));
    if (filled.length > 0) report(36, `added with ${filled.join(", ")}`);
    if (item["status"] !== "in_progress") report(36, `added with status ${show(item["status"])}`);
    const entry = { added: item, index, steps: [], done: null };
    this.#items.push(entry);
    this.#open = [...this.#open, entry];
  }

  #finished(event: Fields, report: Report): void {
    const item = fieldsOf(event["item"]);
    const entry = this.#open.find(({ added }) => added["id"] === item["id"]) ?? this.#open.at(-1);
    if (!entry) return report(33, "an item is done that is not open");
    if (event["output_index"] !== entry.index) {
      report(33, `output_index ${show(event["output_index"])} of the item at ${entry.index}`);
    }
    const other = ["id", "type", "call_id"].filter((key) => item[key] !== entry.added[key]);
    if (other.length > 0) report(33, `${other.join(", ")} changed`);
    const renamed = names.filter((key) => !isDeepStrictEqual(item[key], entry.added[key]));
    if (renamed.length > 0) report(39, `${renamed.join(", ")} changed`);
    checkNames(item, report);
    if (!ends.has(item["status"])) report(37, `status ${show(item["status"])}`);
    if (this.#cut) report(38, "an item after an incomplete one");
    this.#call(item, report);
    if (item["type"] === "reasoning") {
      const summary = item["summary"];
      if (!Array.isArray(summary)) report(65, "summary is no list");
      else if (summary.length > 0 && !this.#context.summary) report(65, "a summary that nobody asked for");
    }
    entry.done = item;
    this.#cut ||= item["status"] === "incomplete";
    this.#open = this.#open.filter((open) => open !== entry);
  }

  #call(item: Fields, report: Report): void {
    if (!callTypes.has(item["type"]) || item["status"] !== "completed") return;
    const { tools, parallel } = this.#context;
    const namespace = typeof item["namespace"] === "string" ? `${item["namespace"]}.` : "";
    if (tools && !tools.has(`${namespace}${show(item["name"])}`)) report(57, `'${show(item["name"])}' is not on offer`);
    if (!parallel && this.#called) report(58, "a second call");
    this.#called = true;
  }

  #inside(event: Fields, report: Report): void {
    const id = event["item_id"];
    const last = this.#open.at(-1);
    if (!last) {
      const past = this.#ids.has(id);
      return report(past ? 35 : 31, `an event for an item that is ${past ? "done" : "not added"}`);
    }
    const entry = this.#open.find(({ added }) => added["id"] === id);
    if (!entry) report(44, `item_id ${show(id)} while ${show(last.added["id"])} is open`);
    else if (entry !== last) report(51, "an event for an item while a later one is open");
    const { added, index, steps } = entry ?? last;
    if (event["output_index"] !== index) {
      report(44, `output_index ${show(event["output_index"])} of the item at ${index}`);
    }
    checkStep(nameOf(event), show(added["type"]), steps, report);
  }

  #state(type: string, response: Fields, report: Report): void {
    const output = listOf(response["output"]).map(fieldsOf);
    if (type === "response.in_progress" || type === "response.created") {
      const same = output.length === this.#items.length && output.every((item, at) => this.#isSoFar(item, at));
      if (!same) report(16, "the items so far are not these");
      return;
    }
    if (this.#open.length > 0) report(41, `'${show(type)}' while an item is open`);
    const done = this.#items.flatMap((entry) => entry.done ?? []);
    if (!isDeepStrictEqual(output, done)) report(40, "the final output differs from the done items");
    if (this.#cut && response["status"] === "completed") report(38, "a completed response with an incomplete item");
  }

  #isSoFar(item: Fields, at: number): boolean {
    const entry = this.#items[at];
    return entry?.done ? isDeepStrictEqual(item, entry.done) : item["id"] === entry?.added["id"];
  }
}

/** Steps of a hosted call, each once, in the order of its family. */
function checkStep(event: string, itemType: string, steps: string[], report: Report): void {
  const prefix = `response.${itemType}.`;
  if (!event.startsWith(prefix)) return;
  const order: readonly string[] = Object.hasOwn(progress, itemType) ? progress[itemType as keyof typeof progress] : [];
  const step = event.slice(prefix.length);
  const last = steps.at(-1);
  if (!order.includes(step) || (last !== undefined && order.indexOf(step) <= order.indexOf(last))) {
    report(66, `'${show(step)}' after '${last ?? "nothing"}'`);
  }
  steps.push(step);
}

function checkNames(item: Fields, report: Report): void {
  const missing = ["id", "type", "status"].filter((key) => typeof item[key] !== "string" || item[key] === "");
  if (missing.length > 0) report(43, `an item without ${missing.join(", ")}`);
}

function isFilled(value: unknown): boolean {
  return (typeof value === "string" || Array.isArray(value)) && value.length > 0;
}

function isPlaced(type: string): boolean {
  return Object.hasOwn(events, type) && placed.has(events[type as keyof typeof events].shape);
}

function unique(seen: Set<unknown>, id: unknown, report: Report): void {
  if (typeof id !== "string" || id === "") report(34, `id ${show(id)}`);
  else if (seen.has(id)) report(34, `'${show(id)}' twice`);
  seen.add(id);
}
