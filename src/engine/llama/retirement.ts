/** Owns the end of engine processes: each saves its slots, where they are to be kept, and its memory is free when it is gone. */
import type { Log } from "../../log.ts";
import type { Link } from "./link.ts";

export class Retirement {
  readonly #log: Log;
  readonly #saves: boolean;
  #leaving = 0;
  #gone: Promise<unknown> = Promise.resolve();

  /** `saves`: slots are to be kept. */
  constructor(log: Log, saves: boolean) {
    this.#log = log;
    this.#saves = saves;
  }

  /** Whether a process on its way out still holds memory. */
  get busy(): boolean {
    return this.#leaving > 0;
  }

  /** Resolves when none does. */
  async done(): Promise<void> {
    while (this.busy) await this.#gone;
  }

  /** Ends the process of `link`, and resolves when it is gone. `ready`: it has loaded its model. */
  async retire(link: Link, ready: boolean): Promise<void> {
    this.#leaving += 1;
    const gone = this.#end(link, ready && this.#saves).finally(() => (this.#leaving -= 1));
    this.#gone = Promise.all([this.#gone, gone]);
    await gone;
  }

  async #end(link: Link, saves: boolean): Promise<void> {
    if (saves) {
      const saved = await link.save();
      const { slots, trouble } = saved ?? { slots: 0, trouble: "it crashed, or took too long" };
      if (slots > 0) this.#log.info("Slots are saved.", { slots });
      if (trouble !== null) this.#log.warn("Slots could not be saved.", { reason: trouble });
    }
    await link.end();
  }
}
