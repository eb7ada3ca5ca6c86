/** Owns the upstream engine: any Chat-Completions server, its models, and its answers as deltas. */
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "../../limits.ts";
import type { Log } from "../../log.ts";
import type { Delta, Engine, EngineRequest, Health, ModelInfo } from "../engine.ts";
import { readText, type Answer } from "./answer.ts";
import { type Concession, conceded, concessionFor } from "./concessions.ts";
import { Connection, type ConnectionOptions, defaultTimeouts, type Timeouts } from "./connection.ts";
import { detectDialect } from "./detect.ts";
import { type Dialect, type DialectName, dialects } from "./dialects.ts";
import { broken, type Refusal, refusal, retryAfterIn } from "./failure.ts";
import { at, countOf, type Fields, fieldsOf, listOf, textOf } from "../../spec/json.ts";
import { handover } from "../handover.ts";
import { ModelMemory } from "./memory.ts";
import { ModelList } from "./models.ts";
import { ChatReader } from "./reader.ts";
import { type ChatBody, chatBody } from "./request.ts";
import { readAnswer } from "./stream.ts";
import { estimateTokens, promptChars } from "./usage.ts";
import { ownWords, type Words, wordsIn } from "./words.ts";

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
  /** When a guess that is not sure is made anew. */
  #doubtAt = Number.POSITIVE_INFINITY;
  readonly #models: ModelList;
  readonly #memory = new ModelMemory();

  constructor({ baseUrl, apiKey, dialect, log, headers = {}, timeouts = {} }: ChatEngineOptions) {
    this.#timeouts = { ...defaultTimeouts, ...timeouts };
    const way: ConnectionOptions = { baseUrl, apiKey, headers, timeouts: this.#timeouts };
    this.#connection = new Connection(way);
    this.#log = log;
    this.#models = new ModelList(() => this.#askModels(), this.#timeouts.modelsMs);
    this.#dialect = dialect === null ? null : Promise.resolve(dialects[dialect]);
    void this.#speak();
  }

  models(): Promise<readonly ModelInfo[]> {
    return this.#models.get();
  }

  generate(request: EngineRequest, signal: AbortSignal): AsyncIterable<Delta> {
    return handover(this.#begin(request, signal));
  }

  /** All that comes before an answer; returns the answer, null where there is none. */
  async *#begin(request: EngineRequest, signal: AbortSignal): AsyncGenerator<Delta, AsyncIterable<Delta> | null> {
    const dialect = signal.aborted ? null : await unlessAborted(this.#speak(), signal);
    if (dialect === null) return null;
    const body = chatBody(request, dialect);
    let answer: Answer | null;
    try {
      answer = yield* this.#send(body, request.model, signal);
    } catch (error) {
      if (!signal.aborted) yield { kind: "fail", failure: broken(error, this.#connection.address) };
      return null;
    }
    if (answer === null) return null;
    const reader = new ChatReader({
      address: this.#connection.address,
      redact: (text) => this.#connection.redact(text),
      promptChars: () => promptChars(request),
      tokenPerChunk: dialect.tokenPerChunk,
      onEstimate: () => this.#tellEstimate(request.model),
    });
    return readAnswer(answer, reader, this.#timeouts.graceMs, signal);
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
      const refused = { status, words: this.#redacted(wordsIn(body)), retryAfterSeconds: null };
      return { state: status === 503 ? "loading" : "down", detail: refusal(refused, address).message };
    } catch (error) {
      return { state: "down", detail: broken(error, address).message };
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** The upstream's dialect; asked for until it tells, and the generic one until then. */
  #speak(): Promise<Dialect> {
    if (performance.now() >= this.#doubtAt) this.#dialect = null;
    this.#dialect ??= this.#detect();
    return this.#dialect;
  }

  async #detect(): Promise<Dialect> {
    this.#doubtAt = Number.POSITIVE_INFINITY;
    const guess = await detectDialect(this.#connection);
    if (guess === null) this.#dialect = null;
    else if (guess.sure) {
      this.#log.info("upstream found", { address: this.#connection.address, dialect: guess.name });
    } else this.#doubtAt = performance.now() + this.#timeouts.modelsMs;
    return dialects[guess?.name ?? "generic"];
  }

  async #askModels(): Promise<readonly ModelInfo[]> {
    const [dialect, answer] = await Promise.all([this.#speak(), this.#connection.ask("/models", "api")]);
    const details = await this.#details(dialect);
    const models = listOf(at(answer.body, "data")).flatMap((model) => {
      const id = textOf(model["id"]);
      const described = dialect.describe(model, details);
      if (id === null || described === null) return [];
      // Where nobody knows, images are tried: a refusal takes them back (see concessions).
      const images = (described.images ?? true) && !this.#memory.has(id, "images");
      const { contextLength, loaded } = described;
      return [
        { info: { id, contextLength, capabilities: { images, reasoning: true, schemas: dialect.schemas } }, loaded },
      ];
    });
    return models.sort((one, other) => Number(other.loaded) - Number(one.loaded)).map(({ info }) => info);
  }

  async #details({ details }: Dialect): Promise<Fields> {
    if (details === null) return {};
    const answer = await this.#connection.ask(details, "root").catch(() => null);
    return answer?.status === 200 ? fieldsOf(answer.body) : {};
  }

  /** Posts until the upstream answers with a stream; null after a `fail`. Throws where the connection breaks. */
  async *#send(whole: ChatBody, model: string, signal: AbortSignal): AsyncGenerator<Delta, Answer | null> {
    const { address } = this.#connection;
    const deadline = performance.now() + this.#timeouts.loadingMs;
    let body = conceded(whole, this.#memory.of(model).conceded);
    for (;;) {
      const answer = await this.#connection.post("/chat/completions", body, signal);
      if (answer.status < 300) return answer;
      const refused = await this.#refused(answer);
      const { status, words } = refused;
      const concession = concessionFor(body, status, words.all);
      if (concession !== null) {
        this.#concede(model, concession);
        body = conceded(body, [concession.name]);
      } else if (status === 503 && /loading/i.test(words.all) && performance.now() < deadline) {
        yield { kind: "progress", stage: "loading", done: 0, total: 1 };
        await sleep(this.#timeouts.loadingPollMs, undefined, { signal });
      } else {
        yield { kind: "fail", failure: refusal(refused, address) };
        return null;
      }
    }
  }

  async #refused(answer: Answer): Promise<Refusal> {
    const words = ownWords(await readText(answer, limits.upstreamErrorBytes));
    const { status, headers } = answer;
    return { status, words: this.#redacted(words), retryAfterSeconds: retryAfterIn(headers) };
  }

  #redacted({ message, all }: Words): Words {
    return { message: this.#connection.redact(message), all };
  }

  /** A value that one client chose must not take a field from all others. */
  #concede(model: string, { name: concession, forGood }: Concession): void {
    const { address } = this.#connection;
    if (!forGood) {
      this.#log.debug("upstream refuses a value: going on without it", { address, model, concession });
      return;
    }
    this.#log.warn("upstream refuses a field: going on without", { address, model, concession });
    this.#memory.of(model).conceded.add(concession);
    if (concession === "images") this.#models.blind(model);
  }

  #tellEstimate(model: string): void {
    const remembered = this.#memory.of(model);
    if (remembered.estimated) return;
    remembered.estimated = true;
    const { address } = this.#connection;
    this.#log.info("token counts are estimated: the upstream reports none", { address, model });
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
