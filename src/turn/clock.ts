/** Owns the clock of a stream: lets a loop over a slow source wake up when the source has been silent for too long. */

export const tick = Symbol("tick");

/** How finely silence is measured: a tick comes after `silenceMs`, at most one such part later. */
const parts = 10;

/**
 * The values of `source`, and a `tick` after each `silenceMs` without one. One interval for the whole stream and one counter
 * reset a value: a timer a value would cost more than the value.
 */
export async function* ticking<T>(source: AsyncIterable<T>, silenceMs: number): AsyncGenerator<T | typeof tick> {
  const iterator = source[Symbol.asyncIterator]();
  let quiet = 0;
  let wake: ((value: typeof tick) => void) | null = null;
  const interval = setInterval(() => {
    quiet += 1;
    if (quiet < parts) return;
    quiet = 0;
    wake?.(tick);
  }, silenceMs / parts);
  let pending: Promise<IteratorResult<T>> | null = null;
  try {
    for (;;) {
      pending ??= iterator.next();
      const next: Promise<IteratorResult<T>> = pending;
      const result = await new Promise<IteratorResult<T> | typeof tick>((resolve, reject) => {
        wake = resolve;
        next.then(resolve, reject);
      });
      if (result === tick) {
        yield tick;
        continue;
      }
      pending = null;
      quiet = 0;
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    clearInterval(interval);
    // A source that is still busy ends when its signal is aborted; waiting for it here would block whoever leaves.
    const left = iterator.return?.();
    if (pending === null) await left;
    else left?.catch(() => undefined);
  }
}
