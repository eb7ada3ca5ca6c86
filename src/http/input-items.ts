/** Owns `GET /responses/{id}/input_items`: what a client sent in one turn, page by page. */
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Item } from "../spec/items.ts";
import type { Exchange, Handler } from "./exchange.ts";
import { stored } from "./responses.ts";

/** Query: `limit` (1 to 100, default 20), `order` (default `desc`), `after` (an item's id). */
export const listInputItems: Handler = async (exchange, { store }) => {
  const { input } = await stored(exchange, store);
  const ordered = isAscending(exchange) ? input : input.toReversed();
  const rest = ordered.slice(startOf(exchange, ordered));
  const data = rest.slice(0, pageSize(exchange)).map(shown);
  return exchange.json({
    object: "list",
    data,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: rest.length > data.length,
  });
};

/** A message's text as a list of parts, even where the client sent a string: the SDKs' types of listed items know no string. */
function shown(item: Item): Item {
  const { type, role, content } = item;
  if (type !== "message" || typeof content !== "string") return item;
  const part =
    role === "assistant"
      ? { type: "output_text", text: content, annotations: [] }
      : { type: "input_text", text: content };
  return { status: "completed", ...item, content: [part] };
}

function isAscending(exchange: Exchange): boolean {
  const order = exchange.req.query("order") ?? "desc";
  if (order !== "asc" && order !== "desc") throw invalid("order", "'asc' or 'desc'");
  return order === "asc";
}

function pageSize(exchange: Exchange): number {
  const text = exchange.req.query("limit") ?? String(limits.pageItemsDefault);
  const size = Number(text);
  if (/^\d+$/.test(text) && size >= 1 && size <= limits.pageItems) return size;
  throw invalid("limit", `a whole number from 1 to ${limits.pageItems}`);
}

/** Behind the last of that name: an id that occurs twice would keep a client on the same page for ever. */
function startOf(exchange: Exchange, items: readonly Item[]): number {
  const after = exchange.req.query("after");
  if (after === undefined) return 0;
  const at = items.findLastIndex((item) => item.id === after);
  if (at === -1) throw invalid("after", "the id of an item of this list");
  return at + 1;
}

function invalid(param: string, wanted: string): ApiError {
  return new ApiError("invalid_value", `Invalid value for '${param}': it must be ${wanted}.`, param);
}
