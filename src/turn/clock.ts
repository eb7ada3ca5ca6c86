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
 * may be busy and have nothing to tell. One interval for the whole stream: a timer a value would cost more than the value.
 */
export async function* ticking<T>(
  source: AsyncIterable<T>,
  silenceMs: number,
  sent: () => number,
): AsyncGenerator<T | typeof tick> {
  const iterator = source[Symbol.asyncIterator]();
  let before = sent();
  let quiet = 0;
  let due = false;
  let wake: (() => void) | null = null;
  const interval = setInterval(() => {
    const now = sent();
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    if (quiet < parts) return;
    quiet = 0;
    due = true;
    wake?.();
  }, silenceMs / parts);
  let pending: Promise<IteratorResult<T>> | null = null;
  try {
    for (;;) {
      if (due) {
        due = false;
        yield tick;
      }
      pending ??= iterator.next();
      const next: Promise<IteratorResult<T>> = pending;
      const result = await new Promise<IteratorResult<T> | typeof tick>((resolve, reject) => {
        wake = (): void => resolve(tick);
        next.then(resolve, (thrown: unknown) => reject(new SourceError("the source threw", { cause: thrown })));
      });
      if (result === tick) continue;
      pending = null;
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
