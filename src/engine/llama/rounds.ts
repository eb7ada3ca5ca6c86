/**
 * Owns the rounds of the engine process: all answers under way take their next step together. llama.cpp then reads the weights
 * once for all of them; left to themselves, they fall into groups that take turns, each of which reads all weights.
 */
export class Rounds {
  #members = 0;
  #ready: (() => void)[] = [];

  /** From now on others wait for this one. */
  enter(): void {
    this.#members += 1;
  }

  leave(): void {
    this.#members -= 1;
    this.#begin();
  }

  /** Whether nobody else is under way. */
  get alone(): boolean {
    return this.#members <= 1;
  }

  /** Does `work` while nobody waits for this one. */
  async without(work: () => Promise<void>): Promise<void> {
    this.leave();
    try {
      await work();
    } finally {
      this.enter();
    }
  }

  /** Resolves once all who entered are ready for their next step. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#ready.push(resolve);
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#ready.length < this.#members) return;
    for (const go of this.#ready.splice(0)) go();
  }
}
