/** Owns the clock of a stream: wakes a loop over a slow source when nothing has been sent for too long. */

export const tick = Symbol("tick");

/** Thrown in place of whatever a source throws, so that it is not taken for a mistake of the loop over it. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}

/** How finely silence is measured: a tick comes after `silenceMs`, at most one such part later. */
const parts = 10;

/**
 * The values of `source`, and a `tick` after each `silenceMs` in which `sent()`, a count of what left, stood still: a source
 * may be busy and have nothing to tell.
 */
export function ticking<T>(
  source: AsyncIterable<T>,
  silenceMs: number,
  sent: () => number,
): AsyncIterable<T | typeof tick> {
  return { [Symbol.asyncIterator]: () => new Ticking(source[Symbol.asyncIterator](), silenceMs, sent) };
}

type Step<T> = IteratorResult<T | typeof tick, unknown>;

/** Written by hand, with one interval for the whole stream: a generator or a timer would cost each value more than it is worth. */
class Ticking<T> implements AsyncIterator<T | typeof tick, unknown> {
  readonly #source: AsyncIterator<T, unknown>;
  readonly #interval: NodeJS.Timeout;
  /** What was asked of the source and was not handed on yet; it may have come while whoever asked got a tick. */
  #pending: Promise<IteratorResult<T, unknown>> | null = null;
  #wake: (() => void) | null = null;

  constructor(source: AsyncIterator<T, unknown>, silenceMs: number, sent: () => number) {
    this.#source = source;
    let before = sent();
    let quiet = 0;
    this.#interval = setInterval(() => {
      const now = sent();
      quiet = now === before ? quiet + 1 : 0;
      before = now;
      // While nobody waits, whoever reads is busy; what has come meanwhile is handed on before the next tick.
      if (quiet < parts || this.#wake === null) return;
      quiet = 0;
      this.#wake();
    }, silenceMs / parts);
  }

  next(): Promise<Step<T>> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#wake = null;
        resolve({ done: false, value: tick });
      };
      this.#wake = wake;
      this.#pending ??= this.#source.next();
      this.#pending.then(
        (step) => {
          if (this.#wake !== wake) return;
          this.#wake = null;
          this.#pending = null;
          if (step.done === true) clearInterval(this.#interval);
          resolve(step);
        },
        (thrown: unknown) => {
          if (this.#wake !== wake) return;
          this.#wake = null;
          clearInterval(this.#interval);
          reject(new SourceError("the source threw", { cause: thrown }));
        },
      );
    });
  }

  /** A source that is still busy ends when its signal is aborted; waiting for it here would block whoever leaves. */
  async return(): Promise<Step<T>> {
    clearInterval(this.#interval);
    const left = this.#source.return?.();
    if (this.#pending === null) await left;
    else left?.catch(() => undefined);
    return { done: true, value: undefined };
  }
}
