/** Owns what is remembered of each model of an upstream. */
import { limits } from "../../limits.ts";
import type { ConcessionName } from "./concessions.ts";

export interface Remembered {
  /** What its upstream refuses in any request, so that it is not sent again. */
  readonly conceded: Set<ConcessionName>;
  /** Whether the operator was told that its tokens are estimated. */
  estimated: boolean;
}

/** The models used last: while an upstream lists none, their names are the clients' own, and any number. */
export class ModelMemory {
  readonly #models = new Map<string, Remembered>();

  /** Whether `concession` was made for `model`; asking does not count as use, as an upstream may list any number. */
  has(model: string, concession: ConcessionName): boolean {
    return this.#models.get(model)?.conceded.has(concession) === true;
  }

  /** What is remembered of `model`, to be read and written. */
  of(model: string): Remembered {
    const remembered = this.#models.get(model) ?? { conceded: new Set(), estimated: false };
    this.#models.delete(model);
    this.#models.set(model, remembered);
    const [oldest] = this.#models.keys();
    if (this.#models.size > limits.rememberedModels && oldest !== undefined) this.#models.delete(oldest);
    return remembered;
  }
}
