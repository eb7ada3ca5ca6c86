/** Owns the rules about output items: added once, done once, one at a time, and the same at the end. */
import { isDeepStrictEqual } from "node:util";
import { progress } from "../progress.ts";
import { type CheckContext, type Fields, fieldsOf, listOf, nameOf, type Report, type Rules } from "./invariants.ts";

/** Names that an item has from the beginning and keeps. */
const names = ["role", "name", "namespace", "phase", "server_label"];
const callTypes = new Set(["function_call", "custom_tool_call"]);

export function itemRules(context: CheckContext): Rules {
  return new ItemRules(context);
}

class ItemRules implements Rules {
  readonly #context: CheckContext;
  readonly #done: Fields[] = [];
  readonly #ids = new Set<unknown>();
  readonly #callIds = new Set<unknown>();
  #open: Fields | null = null;
  #steps: string[] = [];

  constructor(context: CheckContext) {
    this.#context = context;
  }

  event(event: Fields, report: Report): void {
    const type = nameOf(event);
    if (type === "response.output_item.added") this.#added(event, report);
    else if (type === "response.output_item.done") this.#finished(event, report);
    else if ("item_id" in event) this.#inside(event, report);
    else if ("response" in event) this.#state(type, fieldsOf(event["response"]), report);
  }

  end(report: Report): void {
    if (this.#open) report(41, "an item is still open");
  }

  #added(event: Fields, report: Report): void {
    const item = fieldsOf(event["item"]);
    if (this.#open) report(51, "an item is added while another is open");
    if (event["output_index"] !== this.#done.length + (this.#open ? 1 : 0)) {
      report(32, `output_index ${String(event["output_index"])}`);
    }
    for (const key of ["id", "type", "status"]) if (!item[key]) report(43, `an item without ${key}`);
    unique(this.#ids, item["id"], report);
    if ("call_id" in item) unique(this.#callIds, item["call_id"], report);
    const filled = ["content", "summary", "arguments", "input"].filter((key) => (item[key] as string)?.length > 0);
    if (filled.length > 0 || item["status"] !== "in_progress")
      report(36, `added with ${filled.join(", ") || "an end"}`);
    this.#open = item;
    this.#steps = [];
  }

  #finished(event: Fields, report: Report): void {
    const item = fieldsOf(event["item"]);
    const open = this.#open;
    if (!open || event["output_index"] !== this.#done.length) return report(33, "an item is done that is not open");
    const other = ["id", "type", "call_id"].filter((key) => item[key] !== open[key]);
    if (other.length > 0) report(33, `${other.join(", ")} changed`);
    const renamed = names.filter((key) => item[key] !== open[key]);
    if (renamed.length > 0) report(39, `${renamed.join(", ")} changed`);
    if (!["completed", "incomplete", "failed"].includes(String(item["status"]))) report(37, String(item["status"]));
    if (this.#done.some((earlier) => earlier["status"] === "incomplete")) report(38, "an item after an incomplete one");
    this.#call(item, report);
    if (item["type"] === "reasoning") {
      const summary = item["summary"];
      if (!Array.isArray(summary)) report(65, "summary is no list");
      else if (summary.length > 0 && !this.#context.summary) report(65, "a summary that nobody asked for");
    }
    this.#done.push(item);
    this.#open = null;
  }

  #call(item: Fields, report: Report): void {
    if (!callTypes.has(String(item["type"])) || item["status"] !== "completed") return;
    const { tools, parallel } = this.#context;
    const namespace = typeof item["namespace"] === "string" ? `${item["namespace"]}.` : "";
    if (tools && !tools.has(`${namespace}${String(item["name"])}`))
      report(57, `'${String(item["name"])}' is not on offer`);
    const earlier = this.#done.some((done) => callTypes.has(String(done["type"])));
    if (!parallel && earlier) report(58, "a second call");
  }

  #inside(event: Fields, report: Report): void {
    const type = nameOf(event);
    const open = this.#open;
    if (!open) {
      const past = this.#done.some((item) => item["id"] === event["item_id"]);
      return report(past ? 35 : 31, `'${type}' for an item that is ${past ? "done" : "not added"}`);
    }
    if (event["item_id"] !== open["id"] || event["output_index"] !== this.#done.length) {
      report(44, `'${type}' names another item`);
    }
    const family = Object.hasOwn(progress, String(open["type"])) ? progress[open["type"] as keyof typeof progress] : [];
    const step = type.slice(`response.${String(open["type"])}.`.length);
    if (!type.startsWith(`response.${String(open["type"])}.`)) return;
    const last = this.#steps.at(-1);
    const order: readonly string[] = family;
    if (!order.includes(step) || (last !== undefined && order.indexOf(step) <= order.indexOf(last))) {
      report(66, `'${step}' after '${last ?? "nothing"}'`);
    }
    this.#steps.push(step);
  }

  #state(type: string, response: Fields, report: Report): void {
    const output = listOf(response["output"]).map(fieldsOf);
    if (type === "response.in_progress" || type === "response.created") {
      const open = this.#open ? [this.#open["id"]] : [];
      const ids = [...this.#done.map((item) => item["id"]), ...open];
      if (
        !isDeepStrictEqual(
          output.map((item) => item["id"]),
          ids,
        )
      )
        report(16, "the items so far are not these");
      else if (!isDeepStrictEqual(output.slice(0, this.#done.length), this.#done)) report(16, "done items differ");
      return;
    }
    if (this.#open) report(41, `'${type}' while an item is open`);
    if (!isDeepStrictEqual(output, this.#done)) report(40, "the final output differs from the done items");
    const cut = this.#done.some((item) => item["status"] === "incomplete");
    if (cut && response["status"] === "completed") report(38, "a completed response with an incomplete item");
  }
}

function unique(seen: Set<unknown>, id: unknown, report: Report): void {
  if (typeof id !== "string" || id === "") report(34, "an empty id");
  else if (seen.has(id)) report(34, `'${id}' twice`);
  seen.add(id);
}
