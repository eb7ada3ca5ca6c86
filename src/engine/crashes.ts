/** Owns the question when a process that crashed is started again: after a pause, longer each time, and not for ever. */
import { limits } from "../limits.ts";

export class Crashes {
  /** Of the last minute. */
  #times: readonly number[] = [];
  /** In a row. */
  #count = 0;

  /** It crashed: milliseconds until it is started again, or null where it crashes over and over. */
  pause(): number | null {
    const now = performance.now();
    this.#times = [...this.#times.filter((time) => now - time < limits.engineCrashesMs), now];
    if (this.#times.length >= limits.engineCrashes) return null;
    const pause = Math.min(limits.engineRestartMs * 2 ** this.#count, limits.engineRestartMaxMs);
    this.#count += 1;
    return pause;
  }

  /** It did its work. */
  recovered(): void {
    this.#count = 0;
  }
}
