/** Owns the upstream engine: any Chat-Completions server, its models, and its answers as deltas. */
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "../../limits.ts";
import type { Log } from "../../log.ts";
import type { Delta, Engine, EngineRequest, Health, ModelInfo } from "../engine.ts";
import { type ConcessionName, conceded, concessionFor } from "./concessions.ts";
import {
  Connection,
  type ConnectionOptions,
  defaultTimeouts,
  type Response,
  readText,
  type Timeouts,
} from "./connection.ts";
import { detectDialect } from "./detect.ts";
import { type Dialect, type DialectName, dialects } from "./dialects.ts";
import { broken, refusal } from "./failure.ts";
import { at, countOf, type Fields, fieldsOf, listOf, textOf } from "../../spec/json.ts";
import { ChatReader } from "./reader.ts";
import { type ChatBody, chatBody } from "./request.ts";
import { readAnswer } from "./stream.ts";
import { estimateTokens, promptChars } from "./usage.ts";

export interface ChatEngineOptions {
  /** Such as `http://127.0.0.1:8080/v1`; `/v1` may be left out. */
  readonly baseUrl: string;
  /** Sent as a bearer token, and never in any message. */
  readonly apiKey: string | null;
  /** null: found out from what the upstream says of itself. */
  readonly dialect: DialectName | null;
  readonly log: Log;
  /** Sent with every request to the upstream. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeouts?: Partial<Timeouts>;
}

/** An engine over the upstream at `baseUrl`. Throws where that is no http(s) URL; an upstream that is down is asked later. */
export function createChatEngine(options: ChatEngineOptions): Engine {
  return new ChatEngine(options);
}

class ChatEngine implements Engine {
  readonly #connection: Connection;
  readonly #timeouts: Timeouts;
  readonly #log: Log;
  #dialect: Promise<Dialect> | null;
  #models: { readonly list: Promise<readonly ModelInfo[]>; readonly until: number } | null = null;
  /** What each model's upstream refused, so that it is not sent again. */
  readonly #conceded = new Map<string, Set<ConcessionName>>();

  constructor({ baseUrl, apiKey, dialect, log, headers = {}, timeouts = {} }: ChatEngineOptions) {
    this.#timeouts = { ...defaultTimeouts, ...timeouts };
    const way: ConnectionOptions = { baseUrl, apiKey, headers, timeouts: this.#timeouts };
    this.#connection = new Connection(way);
    this.#log = log;
    this.#dialect = dialect === null ? null : Promise.resolve(dialects[dialect]);
    void this.#speak();
  }

  models(): Promise<readonly ModelInfo[]> {
    const now = performance.now();
    if (this.#models !== null && now < this.#models.until) return this.#models.list;
    const list = this.#askModels().catch(() => []);
    const fresh = { list, until: now + this.#timeouts.modelsMs };
    this.#models = fresh;
    // An unreachable upstream is asked again by the next caller.
    void list.then((models) => {
      if (models.length === 0 && this.#models === fresh) this.#models = null;
    });
    return list;
  }

  async *generate(request: EngineRequest, signal: AbortSignal): AsyncGenerator<Delta> {
    const dialect = signal.aborted ? null : await unlessAborted(this.#speak(), signal);
    if (dialect === null) return;
    const body = chatBody(request, dialect);
    let response: Response | null;
    try {
      response = yield* this.#send(body, request.model, signal);
    } catch (error) {
      if (!signal.aborted) yield { kind: "fail", failure: broken(error, this.#connection.address) };
      return;
    }
    if (response === null) return;
    const reader = new ChatReader({
      address: this.#connection.address,
      redact: (text) => this.#connection.redact(text),
      promptChars: () => promptChars(request),
      tokenPerChunk: dialect.tokenPerChunk,
    });
    yield* readAnswer(response, reader, signal);
  }

  async countTokens(request: EngineRequest): Promise<{ readonly input: number; readonly exact: boolean }> {
    const dialect = await this.#speak();
    const { count } = dialect;
    if (count !== null) {
      const body = { ...chatBody(request, dialect), stream: false };
      const answer = await this.#connection.ask(count.path, count.where, body).catch(() => null);
      const input = countOf(at(answer?.body, count.field));
      if (answer?.status === 200 && input !== null) return { input, exact: true };
    }
    return { input: estimateTokens(promptChars(request)), exact: false };
  }

  async health(): Promise<Health> {
    const { address } = this.#connection;
    try {
      const { status, body } = await this.#connection.ask("/models", "api");
      if (status < 300) return { state: "ready", detail: null };
      const text = this.#connection.redact(JSON.stringify(body ?? ""));
      return { state: status === 503 ? "loading" : "down", detail: refusal(status, text, address).message };
    } catch (error) {
      return { state: "down", detail: broken(error, address).message };
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** The upstream's dialect; asked for until it tells, and the generic one until then. */
  #speak(): Promise<Dialect> {
    this.#dialect ??= this.#detect();
    return this.#dialect;
  }

  async #detect(): Promise<Dialect> {
    const name = await detectDialect(this.#connection);
    if (name === null) this.#dialect = null;
    else this.#log.info("upstream found", { address: this.#connection.address, dialect: name });
    return dialects[name ?? "generic"];
  }

  async #askModels(): Promise<readonly ModelInfo[]> {
    const [dialect, answer] = await Promise.all([this.#speak(), this.#connection.ask("/models", "api")]);
    const details = await this.#details(dialect);
    const models = listOf(at(answer.body, "data")).flatMap((model) => {
      const id = textOf(model["id"]);
      const described = dialect.describe(model, details);
      if (id === null || described === null) return [];
      // Where nobody knows, images are tried: a refusal takes them back (see concessions).
      const images = (described.images ?? true) && !this.#conceded.get(id)?.has("images");
      const { contextLength, loaded } = described;
      return [{ info: { id, contextLength, capabilities: { images, reasoning: true } }, loaded }];
    });
    return models.sort((one, other) => Number(other.loaded) - Number(one.loaded)).map(({ info }) => info);
  }

  async #details({ details }: Dialect): Promise<Fields> {
    if (details === null) return {};
    const answer = await this.#connection.ask(details, "root").catch(() => null);
    return answer?.status === 200 ? fieldsOf(answer.body) : {};
  }

  /** Posts until the upstream answers with a stream; null after a `fail`. Throws where the connection breaks. */
  async *#send(whole: ChatBody, model: string, signal: AbortSignal): AsyncGenerator<Delta, Response | null> {
    const { address } = this.#connection;
    const made = this.#conceded.get(model) ?? new Set();
    const deadline = performance.now() + this.#timeouts.loadingMs;
    let body = conceded(whole, made);
    for (;;) {
      const response = await this.#connection.post("/chat/completions", body, signal);
      const { statusCode: status } = response;
      if (status < 300) return response;
      const text = this.#connection.redact(await readText(response.body, limits.upstreamErrorBytes));
      const concession = concessionFor(body, status, text);
      if (concession !== null) {
        this.#log.warn("upstream refuses a field: going on without", { address, model, concession });
        this.#conceded.set(model, made.add(concession));
        this.#models = null;
        body = conceded(body, [concession]);
      } else if (status === 503 && /loading/i.test(text) && performance.now() < deadline) {
        yield { kind: "progress", stage: "loading", done: 0, total: 1 };
        await sleep(this.#timeouts.loadingPollMs, undefined, { signal });
      } else {
        yield { kind: "fail", failure: refusal(status, text, address) };
        return null;
      }
    }
  }
}

/** What `promise` gives, or null as soon as `signal` is aborted. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const aborted = Promise.withResolvers<null>();
  const stop = (): void => aborted.resolve(null);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
