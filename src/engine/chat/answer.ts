/** Owns an upstream's answer while it comes: its head, then its body, told to one reader. */
import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher, Pool } from "undici";

/** Is told the bytes of a body, then once its end or why it broke; what is told after that is to be ignored. */
export interface BodyReader {
  data(bytes: Buffer): void;
  end(): void;
  broke(error: unknown): void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Tells `reader` the body, from its beginning. */
  read(reader: BodyReader): void;
  pause(): void;
  resume(): void;
  /** Closes the connection, which makes the upstream stop its work. */
  leave(): void;
  /**
   * Nothing of the body is wanted any more, but the connection is, once it ends; it has `patienceMs` to. From here on the
   * signal that the request was sent with closes nothing: who asked is gone, or about to go.
   */
  skipRest(patienceMs: number): void;
}

/** Why an answer that nobody wants any more is ended. One for all: to make one costs more than to read an event. */
const unwanted = new Error("The answer is not wanted any more.");

/** Reads to the end, which keeps the connection for the next request; where more than an end comes, it is not waited for. */
function drain(answer: Answer, patienceMs: number): BodyReader {
  const patience = setTimeout(() => answer.leave(), patienceMs).unref();
  return {
    data: () => answer.leave(),
    end: () => clearTimeout(patience),
    broke: () => clearTimeout(patience),
  };
}

/** undici's handler of a request. Its body is no stream of Node's, which would cost each token as much as to parse it. */
export class UpstreamAnswer implements Answer, Dispatcher.DispatchHandler {
  status = 0;
  headers: IncomingHttpHeaders = {};
  readonly #signal: AbortSignal;
  readonly #begun = Promise.withResolvers<UpstreamAnswer>();
  #controller: Dispatcher.DispatchController | null = null;
  #reader: BodyReader | null = null;
  /** What came before there was a reader. */
  #early: Buffer[] = [];
  #end: { readonly error: unknown } | null = null;

  private constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Sends a request; resolves at the headers. Aborting `signal` closes the connection, also while the body comes. */
  static async to(pool: Pool, request: Dispatcher.DispatchOptions, signal: AbortSignal): Promise<UpstreamAnswer> {
    const answer = new UpstreamAnswer(signal);
    signal.addEventListener("abort", answer.#abort);
    if (signal.aborted) answer.#abort();
    else pool.dispatch(request, answer);
    return answer.#begun.promise;
  }

  read(reader: BodyReader): void {
    this.#reader = reader;
    for (const bytes of this.#early.splice(0)) reader.data(bytes);
    if (this.#end !== null) this.#tellEnd();
    else this.resume();
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    if (this.#controller?.paused === true) this.#controller.resume();
  }

  leave(): void {
    if (this.#end === null) this.#controller?.abort(unwanted);
  }

  skipRest(patienceMs: number): void {
    this.#signal.removeEventListener("abort", this.#abort);
    this.read(drain(this, patienceMs));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) this.#abort();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Such as 103: the answer is still to come.
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
    this.#begun.resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (this.#reader !== null) this.#reader.data(bytes);
    else {
      this.#early.push(bytes);
      controller.pause();
    }
  }

  onResponseEnd(): void {
    this.#finish(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#begun.reject(error);
    this.#finish(error);
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#signal.reason;
    this.#controller?.abort(reason instanceof Error ? reason : unwanted);
    this.#begun.reject(reason);
  };

  #finish(error: unknown): void {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#end = { error };
    if (this.#reader !== null) this.#tellEnd();
  }

  #tellEnd(): void {
    if (this.#end?.error === null) this.#reader?.end();
    else this.#reader?.broke(this.#end?.error);
  }
}

/** The text of an answer, cut at `maximumBytes`. */
export function readText(answer: Answer, maximumBytes: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const end = (): void => resolve(Buffer.concat(chunks).toString("utf8", 0, maximumBytes));
  answer.read({
    data(chunk) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= maximumBytes) return;
      end();
      answer.leave();
    },
    end,
    broke: reject,
  });
  return promise;
}
