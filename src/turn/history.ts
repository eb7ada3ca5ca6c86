/** Owns what came before a turn: the stored thread behind `previous_response_id`, and what item references stand for. */
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Item } from "../spec/items.ts";
import type { Store } from "../store/store.ts";

/** Input and output items of the thread that ends with `responseId`, oldest first. Throws 400 where it is not kept. */
export async function loadThread(store: Store, responseId: string): Promise<Item[]> {
  const turns: Item[][] = [];
  for (let id: string | null = responseId; id !== null;) {
    const turn = await store.get(id);
    if (!turn) throw notFound(id, responseId);
    turns.push([...turn.input, ...turn.response.output]);
    id = turn.response.previous_response_id;
    if (turns.length > limits.historyResponses) {
      throw new ApiError(
        "invalid_value",
        `The thread of '${responseId}' is longer than ${limits.historyResponses} responses; send its items as 'input'.`,
        "previous_response_id",
      );
    }
  }
  return turns.reverse().flat();
}

/**
 * The items of a thread with each `item_reference` replaced by what it names in the store (the Vercel AI SDK refers to every
 * stored item by default). One that names nothing, or an item that stands in the thread itself, stays and is not rendered.
 */
export async function resolveReferences(store: Store, items: readonly Item[]): Promise<readonly Item[]> {
  if (!items.some((item) => item.type === "item_reference")) return items;
  const near = new Set(items.filter((item) => item.type !== "item_reference").map(({ id }) => id));
  return Promise.all(
    items.map(async (item) =>
      item.type === "item_reference" && !near.has(item.id) ? ((await store.item(item.id)) ?? item) : item,
    ),
  );
}

function notFound(id: string, asked: string): ApiError {
  const which = id === asked ? `'${id}'` : `'${id}', an earlier response of the thread of '${asked}',`;
  return new ApiError(
    "previous_response_not_found",
    `Previous response with id ${which} not found. It was not stored, was deleted, or the server was restarted; send the whole thread as 'input' instead.`,
    "previous_response_id",
  );
}
