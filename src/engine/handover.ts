/** Owns the joining of two sources: what comes before an answer, and the answer itself. */

/**
 * The values of `opening`, then those of the source that it returns. The latter are asked for directly: handed on by a
 * generator, each would cost as much again as to read it.
 */
export function handover<T>(opening: AsyncGenerator<T, AsyncIterable<T> | null>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => new Handover(opening) };
}

class Handover<T> implements AsyncIterator<T, undefined> {
  readonly #opening: AsyncGenerator<T, AsyncIterable<T> | null>;
  #rest: AsyncIterator<T, undefined> | null = null;

  constructor(opening: AsyncGenerator<T, AsyncIterable<T> | null>) {
    this.#opening = opening;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#rest === null ? this.#open() : this.#rest.next();
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    if (this.#rest === null) await this.#opening.return(null);
    else await this.#rest.return?.();
    return { done: true, value: undefined };
  }

  async #open(): Promise<IteratorResult<T, undefined>> {
    const step = await this.#opening.next();
    if (step.done !== true) return step;
    if (step.value === null) return { done: true, value: undefined };
    this.#rest = step.value[Symbol.asyncIterator]();
    return this.#rest.next();
  }
}
