/** Owns the question when a process that crashed is started again: after a pause, longer each time, and not for ever. */
import { limits } from "../limits.ts";
import { count } from "../metrics.ts";

export class Crashes {
  readonly #calmMs: number;
  /** Of the last minute. */
  #times: readonly number[] = [];
  /** In a row. */
  #count = 0;

  /** `calmMs`: after the last crash, another start is worth it again. */
  constructor(calmMs: number = limits.engineCrashesMs) {
    this.#calmMs = calmMs;
  }

  /** Whether the last one is so long ago that another start is worth it, after it crashed over and over. */
  get calm(): boolean {
    return performance.now() - (this.#times.at(-1) ?? -Infinity) >= this.#calmMs;
  }

  /** It crashed: milliseconds until it is started again, or null where it crashes over and over. */
  pause(): number | null {
    count("antiphon_engine_crashes_total", {});
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
