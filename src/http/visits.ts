/** Owns the requests under way: each one's signal, and the wait for the last to end. */
import type { ServerResponse } from "node:http";
import type { ApiError } from "../errors.ts";

/** Why a request's signal is aborted where the server is not shutting down. One for all: to make one costs more than to send an event. */
const gone = new Error("The client is gone.");

export class Visits {
  readonly #controllers = new Map<ServerResponse, AbortController>();
  #whenEmpty: (() => void) | null = null;
  /** What ended them all; requests that still come on open connections are refused with it. */
  closing: ApiError | null = null;

  add(outgoing: ServerResponse): void {
    const controller = new AbortController();
    this.#controllers.set(outgoing, controller);
    outgoing.once("close", () => {
      controller.abort(gone);
      this.#controllers.delete(outgoing);
      if (this.#controllers.size === 0) this.#whenEmpty?.();
    });
  }

  signalOf(outgoing: ServerResponse): AbortSignal {
    return this.#controllers.get(outgoing)?.signal ?? AbortSignal.abort();
  }

  abort(reason: ApiError): void {
    for (const controller of this.#controllers.values()) controller.abort(reason);
  }

  /** Resolves when no request is under way, or after `patienceMs`. */
  ended(patienceMs: number): Promise<void> {
    if (this.#controllers.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#whenEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
