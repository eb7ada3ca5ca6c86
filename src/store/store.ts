/** Owns the seam to whatever keeps responses. One conformance suite (test/store/conformance.ts) holds every store to it. */
import type { Item } from "../spec/items.ts";
import type { Response } from "../spec/response.ts";

/** One turn of a thread, immutable once appended. */
export interface StoredResponse {
  /** Terminal: completed, incomplete or failed. */
  readonly response: Response;
  /** What the client sent in this turn, in order; each with an id. */
  readonly input: readonly Item[];
}

export interface Store {
  /**
   * Resolves once the turn would survive what the store promises to survive. Rejects when it could not be kept. The turn is
   * the store's from here on: it may freeze it.
   */
  append(turn: StoredResponse): Promise<void>;
  get(responseId: string): Promise<StoredResponse | null>;
  /**
   * An item of any kept turn, input or output; the newest where an id occurs twice (clients repeat `msg_123`). Never an
   * `item_reference`, which stands under the id of what it names.
   */
  item(itemId: string): Promise<Item | null>;
  /** Whether there was something to delete. */
  delete(responseId: string): Promise<boolean>;
  close(): Promise<void>;
}
