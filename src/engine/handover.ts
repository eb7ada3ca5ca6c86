/** Owns the joining of two sources: what comes before an answer, and the answer itself. */

/**
 * The values of `opening`, then those of the source that it returns. The latter are asked for directly: handed on by a
 * generator, each would cost as much again as to read it.
 */
export function handover<T>(opening: AsyncGenerator<T, AsyncIterable<T> | null>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => new Handover(opening) };
}

const ended = { done: true, value: undefined } as const;

class Handover<T> implements AsyncIterator<T, undefined> {
  readonly #opening: AsyncGenerator<T, AsyncIterable<T> | null>;
  #rest: AsyncIterator<T, undefined> | null = null;
  #over = false;

  constructor(opening: AsyncGenerator<T, AsyncIterable<T> | null>) {
    this.#opening = opening;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#rest === null ? this.#open() : this.#rest.next();
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#over = true;
    if (this.#rest === null) await this.#opening.return(null);
    else await this.#rest.return?.();
    return ended;
  }

  async #open(): Promise<IteratorResult<T, undefined>> {
    if (this.#over) return ended;
    const step = await this.#opening.next();
    if (step.done !== true) return step;
    if (step.value === null) {
      this.#over = true;
      return ended;
    }
    this.#rest = step.value[Symbol.asyncIterator]();
    // It was left while it opened: whoever left could not know of the rest.
    if (this.#over) return (await this.#rest.return?.()) ?? ended;
    return this.#rest.next();
  }
}
