/** Owns the way to one upstream: its address, the connection pool, the key, and how long anything may take. */
import { unescape } from "node:querystring";
import { buildConnector, Pool } from "undici";
import { limits } from "../../limits.ts";
import { parse } from "../../spec/json.ts";
import { type Answer, readText, UpstreamAnswer } from "./answer.ts";

/** Milliseconds; each defaults to the limit of the same name. */
export interface Timeouts {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly idleMs: number;
  readonly graceMs: number;
  readonly staleMs: number;
  readonly probeMs: number;
  readonly modelsMs: number;
  readonly loadingMs: number;
  readonly loadingPollMs: number;
}

export const defaultTimeouts: Timeouts = {
  connectMs: limits.upstreamConnectMs,
  headersMs: limits.upstreamHeadersMs,
  idleMs: limits.upstreamIdleMs,
  graceMs: limits.upstreamGraceMs,
  staleMs: limits.upstreamStaleMs,
  probeMs: limits.upstreamProbeMs,
  modelsMs: limits.upstreamModelsMs,
  loadingMs: limits.upstreamLoadingMs,
  loadingPollMs: limits.upstreamLoadingPollMs,
};

export interface ConnectionOptions {
  /**
   * With or without `/v1`, a trailing slash, or the `/chat/completions` that people paste. A query (`?api-version=...`) goes
   * with every request, a name and password as basic authentication.
   */
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: Timeouts;
}

/** A whole answer: `body` is undefined where it is not JSON. */
export interface WholeAnswer {
  readonly status: number;
  /** The `server` header, or "". */
  readonly server: string;
  readonly body: unknown;
}

/** Error codes of a kept-alive connection that the upstream closed just as we wrote to it. */
const staleCodes = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

const endpoint = "/chat/completions";

/** Shorter parts of a query are options, not secrets. */
const secretChars = 16;

export class Connection {
  /** Where the API lies, fit for messages: no credentials. */
  readonly address: string;
  readonly #pool: Pool;
  /** Of the small questions: behind answers that are under way they would wait, and a busy upstream would seem to be down. */
  readonly #asked: Pool;
  readonly #place: Place;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];
  readonly #timeouts: Timeouts;
  /** Errors of connections that had served a request before. */
  readonly #ofUsed = new WeakSet<Error>();

  /** Throws where `baseUrl` is no http(s) URL, or brings a password beside a key. Nothing is sent yet. */
  constructor({ baseUrl, apiKey, headers, timeouts }: ConnectionOptions) {
    const place = locate(baseUrl);
    if (place.login !== null && apiKey !== null) {
      throw new Error(
        "The upstream's URL holds a name or password, and there is an API key too: give one of them only",
      );
    }
    this.address = place.origin + place.api;
    this.#place = place;
    this.#timeouts = timeouts;
    const values = [...new URLSearchParams(place.query).values()].filter(({ length }) => length >= secretChars);
    this.#secrets = [apiKey, place.password, place.login, ...values].flatMap((secret) => secret || []);
    this.#headers = { ...authorization(apiKey, place.login), ...headers };
    const options = {
      connect: this.#watched(buildConnector({ timeout: timeouts.connectMs })),
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.idleMs,
    };
    this.#pool = new Pool(place.origin, { ...options, connections: limits.upstreamConnections });
    this.#asked = new Pool(place.origin, { ...options, connections: limits.upstreamAsking });
  }

  /** Asks for the JSON at `path` below the API (`api`) or beside it (`root`); throws where there is no answer in time. */
  async ask(path: string, where: "api" | "root", body: unknown = null): Promise<WholeAnswer> {
    const request = { path: this.#place[where] + path + this.#place.query, ...this.#message(body) };
    const answer = await UpstreamAnswer.to(this.#asked, request, AbortSignal.timeout(this.#timeouts.probeMs));
    const text = await readText(answer, limits.upstreamJsonBytes);
    const { status, headers } = answer;
    return { status, server: String(headers["server"] ?? ""), body: parse(text) };
  }

  /** Posts to the API; resolves at the headers. Aborting `signal` closes the connection, also while the body is read. */
  async post(path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
    const request = { path: this.#place.api + path + this.#place.query, ...this.#message(body) };
    for (let tries = 1; ; tries += 1) {
      const began = performance.now();
      try {
        return await UpstreamAnswer.to(this.#pool, request, signal);
      } catch (error) {
        // Nobody read the prompt: once more, on a connection that is alive.
        const stale = this.#isOfUsed(error) && performance.now() - began < this.#timeouts.staleMs;
        if (signal.aborted || !stale || tries > limits.upstreamStaleTries) throw error;
      }
    }
  }

  /** `text` without our credentials, which some servers quote when they refuse them. */
  redact(text: string): string {
    return this.#secrets.reduce((left, secret) => left.replaceAll(secret, "[key]"), text);
  }

  /** Closes every connection; what is under way fails. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#asked.destroy()]);
  }

  #isOfUsed(error: unknown): boolean {
    return error instanceof Error && staleCodes.has(codeOf(error)) && this.#ofUsed.has(error);
  }

  /** `connect`, with an eye on errors of connections that had brought an answer. */
  #watched(connect: buildConnector.connector): buildConnector.connector {
    return (options, callback) =>
      connect(options, (...[error, socket]) => {
        if (error !== null) {
          callback(error, null);
          return;
        }
        socket.on("error", (reason) => {
          if (socket.bytesRead > 0) this.#ofUsed.add(reason);
        });
        callback(null, socket);
      });
  }

  #message(body: unknown): { method: "GET" | "POST"; headers: Record<string, string>; body: string | null } {
    if (body === null) return { method: "GET", headers: { ...this.#headers }, body: null };
    const headers = { "content-type": "application/json", ...this.#headers };
    return { method: "POST", headers, body: JSON.stringify(body) };
  }
}

/** The `code` of an error of Node or undici, or "". */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" ? code : "";
}

/** Where an upstream lies. `query` begins with "?" where it is not empty; `login` is the base64 of name and password. */
interface Place {
  readonly origin: string;
  readonly root: string;
  readonly api: string;
  readonly query: string;
  readonly login: string | null;
  readonly password: string | null;
}

function locate(baseUrl: string): Place {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error("The upstream must be an http:// or https:// URL, such as http://127.0.0.1:8080/v1");
  }
  const path = url.pathname.replace(/\/$/, "");
  const pasted = path.endsWith(endpoint);
  const base = pasted ? path.slice(0, -endpoint.length) : path;
  // Only a path without any version gets one: some servers have theirs inside (/v1beta/openai), Azure's is in the query.
  const api = pasted || /\/v\d/.test(base) ? base : `${base}/v1`;
  const { origin, search: query } = url;
  return { origin, root: api.replace(/\/v\d[^/]*$/, ""), api, query, ...credentials(url) };
}

function credentials({ username, password }: URL): Pick<Place, "login" | "password"> {
  if (username === "" && password === "") return { login: null, password: null };
  // Unlike decodeURIComponent, it takes a "%" that escapes nothing.
  const [name, secret] = [unescape(username), unescape(password)];
  return { login: Buffer.from(`${name}:${secret}`).toString("base64"), password: secret };
}

function authorization(apiKey: string | null, login: string | null): Record<string, string> {
  if (login !== null) return { authorization: `Basic ${login}` };
  return apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
}
