/** Owns the items of an answer that is read: one is open at a time, each has a key of its own. */
import type { Delta, OpenItem } from "../engine.ts";
import { seam } from "./forms.ts";

export class Items {
  #key = -1;
  #open: OpenItem["type"] | null = null;

  /** Closes what is open, and opens `item`. */
  *begin(item: OpenItem): Generator<Delta> {
    yield* this.close();
    this.#key += 1;
    this.#open = item.type;
    yield { kind: "open", key: this.#key, item };
  }

  /** `text` of `item`, which is opened if what is open is of another type. */
  *write(item: OpenItem, text: string): Generator<Delta> {
    if (this.#open !== item.type) yield* this.begin(item);
    yield* this.append(text);
  }

  /** `text` of the item that is open. */
  *append(text: string): Generator<Delta> {
    const said = text.replaceAll(seam, "");
    if (said !== "") yield { kind: "text", key: this.#key, text: said };
  }

  *close(): Generator<Delta> {
    if (this.#open === null) return;
    this.#open = null;
    yield { kind: "close", key: this.#key };
  }
}
