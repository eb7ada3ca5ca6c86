/** Owns the store that forgets: turns in this process's memory, the oldest dropped first. */
import { limits } from "../limits.ts";
import type { Item } from "../spec/items.ts";
import type { Store, StoredResponse } from "./store.ts";

interface Kept {
  readonly turn: StoredResponse;
  readonly bytes: number;
}

/** A store of at most `capacity` turns that take at most about `bytes` of memory together; the newest always stays. */
export function createMemoryStore(
  capacity: number = limits.memoryResponses,
  bytes: number = limits.memoryBytes,
): Store {
  const turns = new Map<string, Kept>();
  /** Every kept item of an id, the newest last. */
  const items = new Map<string, Item[]>();
  let taken = 0;

  function remove(id: string): boolean {
    const kept = turns.get(id);
    if (!kept) return false;
    turns.delete(id);
    taken -= kept.bytes;
    for (const item of itemsOf(kept.turn)) {
      const same = items.get(item.id);
      // The oldest goes first, so it is found at once.
      same?.splice(same.indexOf(item), 1);
      if (same?.length === 0) items.delete(item.id);
    }
    return true;
  }

  return {
    append(turn) {
      // Nobody can change it from here on, as little as a row of a database; so it need not be copied for each reader.
      const kept = { turn, bytes: freeze(turn) };
      turns.set(turn.response.id, kept);
      taken += kept.bytes;
      for (const item of itemsOf(turn)) {
        const same = items.get(item.id);
        if (same) same.push(item);
        else items.set(item.id, [item]);
      }
      for (const id of turns.keys()) {
        if (turns.size === 1 || (turns.size <= capacity && taken <= bytes)) break;
        remove(id);
      }
      return Promise.resolve();
    },
    get: (id) => Promise.resolve(turns.get(id)?.turn ?? null),
    item: (id) => Promise.resolve(items.get(id)?.at(-1) ?? null),
    delete: (id) => Promise.resolve(remove(id)),
    close() {
      turns.clear();
      items.clear();
      taken = 0;
      return Promise.resolve();
    },
  };
}

/** Not the references: an id that one names is another item's. */
function itemsOf(turn: StoredResponse): readonly Item[] {
  return [...turn.input, ...turn.response.output].filter(({ type }) => type !== "item_reference");
}

/** What a value takes beside its text: an object or a list, and each entry of one. */
const objectBytes = 56;
const entryBytes = 24;

/** Freezes `value` through and through; returns about how many bytes it takes. */
function freeze(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value !== "object" || value === null) return 0;
  let bytes = objectBytes;
  for (const entry of Object.values(value)) bytes += entryBytes + freeze(entry);
  Object.freeze(value);
  return bytes;
}
