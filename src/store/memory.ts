/** Owns the store that forgets: turns in this process's memory, the oldest dropped first. */
import { limits } from "../limits.ts";
import type { Item } from "../spec/items.ts";
import type { Store, StoredResponse } from "./store.ts";

/** A store of at most `capacity` turns. */
export function createMemoryStore(capacity: number = limits.memoryResponses): Store {
  const turns = new Map<string, StoredResponse>();
  /** Every kept item of an id, the newest last. */
  const items = new Map<string, Item[]>();

  function remove(id: string): boolean {
    const turn = turns.get(id);
    if (!turn) return false;
    turns.delete(id);
    for (const item of itemsOf(turn)) {
      const left = (items.get(item.id) ?? []).filter((other) => other !== item);
      if (left.length > 0) items.set(item.id, left);
      else items.delete(item.id);
    }
    return true;
  }

  return {
    append(turn) {
      // A copy, as a row of a database would be: nobody can change what was stored.
      const copy = structuredClone(turn);
      turns.set(copy.response.id, copy);
      for (const item of itemsOf(copy)) {
        const same = items.get(item.id);
        if (same) same.push(item);
        else items.set(item.id, [item]);
      }
      const [oldest] = turns.keys();
      if (turns.size > capacity && oldest !== undefined) remove(oldest);
      return Promise.resolve();
    },
    get: (id) => Promise.resolve(structuredClone(turns.get(id) ?? null)),
    item: (id) => Promise.resolve(structuredClone(items.get(id)?.at(-1) ?? null)),
    delete: (id) => Promise.resolve(remove(id)),
    close() {
      turns.clear();
      items.clear();
      return Promise.resolve();
    },
  };
}

function itemsOf(turn: StoredResponse): readonly Item[] {
  return [...turn.input, ...turn.response.output];
}
