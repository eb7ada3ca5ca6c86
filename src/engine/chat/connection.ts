/** Owns the way to one upstream: its address, the connection pool, the key, and how long anything may take. */
import type { Readable } from "node:stream";
import { Pool, type Dispatcher } from "undici";
import { limits } from "../../limits.ts";
import { parse } from "../../spec/json.ts";

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
  /** With or without `/v1`, a trailing slash, or the `/chat/completions` that people paste. */
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: Timeouts;
}

/** A whole answer: `body` is undefined where it is not JSON. */
export interface Answer {
  readonly status: number;
  /** The `server` header, or "". */
  readonly server: string;
  readonly body: unknown;
}

export type Response = Dispatcher.ResponseData;

/** Error codes of a kept-alive connection that the upstream closed just as we wrote to it. */
const staleCodes = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

export class Connection {
  /** Where the API lies, fit for messages: no credentials. */
  readonly address: string;
  readonly #pool: Pool;
  readonly #root: string;
  readonly #api: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #apiKey: string | null;
  readonly #probeMs: number;

  /** Throws where `baseUrl` is no http(s) URL. Nothing is sent yet. */
  constructor({ baseUrl, apiKey, headers, timeouts }: ConnectionOptions) {
    const { origin, root, api } = locate(baseUrl);
    this.address = origin + api;
    this.#root = root;
    this.#api = api;
    this.#apiKey = apiKey;
    this.#probeMs = timeouts.probeMs;
    this.#headers = { ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }), ...headers };
    this.#pool = new Pool(origin, {
      connections: limits.upstreamConnections,
      connect: { timeout: timeouts.connectMs },
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.idleMs,
    });
  }

  /** Asks for the JSON at `path` below the API (`api`) or beside it (`root`); throws where there is no answer in time. */
  async ask(path: string, where: "api" | "root", body: unknown = null): Promise<Answer> {
    const response = await this.#pool.request({
      path: (where === "api" ? this.#api : this.#root) + path,
      ...this.#message(body),
      signal: AbortSignal.timeout(this.#probeMs),
    });
    const text = await readText(response.body, limits.upstreamJsonBytes);
    const { statusCode: status, headers } = response;
    return { status, server: String(headers["server"] ?? ""), body: parse(text) };
  }

  /** Posts to the API; resolves at the headers. Aborting `signal` closes the connection, also while the body is read. */
  async post(path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const options = { path: this.#api + path, ...this.#message(body), signal };
    try {
      return await this.#pool.request(options);
    } catch (error) {
      // Nothing was answered, and a generation changes nothing at the upstream: once more, on a fresh connection.
      if (signal.aborted || !staleCodes.has(codeOf(error))) throw error;
      return this.#pool.request(options);
    }
  }

  /** `text` without our key, which some servers quote when they refuse it. */
  redact(text: string): string {
    return this.#apiKey ? text.replaceAll(this.#apiKey, "[key]") : text;
  }

  /** Closes every connection; what is under way fails. */
  close(): Promise<void> {
    return this.#pool.destroy();
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

/** The text of `body`, cut at `maximumBytes`. */
export async function readText(body: Readable, maximumBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maximumBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8", 0, maximumBytes);
}

function locate(baseUrl: string): { origin: string; root: string; api: string } {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error("The upstream must be an http:// or https:// URL, such as http://127.0.0.1:8080/v1");
  }
  const path = url.pathname.replace(/\/(?:chat\/completions\/?)?$/, "");
  // Only a path without any version gets one: some servers have theirs inside (/v1beta/openai).
  const api = /\/v\d/.test(path) ? path : `${path}/v1`;
  return { origin: url.origin, root: api.replace(/\/v\d[^/]*$/, ""), api };
}
