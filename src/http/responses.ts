/** Owns the handlers of `/responses`: a turn as a stream or as one JSON body, and what was stored of it. */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import { type ClientDialect, plainRequest, responseIn } from "../spec/client-dialects.ts";
import { isTerminal } from "../spec/events.ts";
import { at, textOf } from "../spec/json.ts";
import { parseRequest, type Request } from "../spec/request.ts";
import type { Response as Body } from "../spec/response.ts";
import type { Store, StoredResponse } from "../store/store.ts";
import { prepare } from "../turn/prepare.ts";
import { type Outcome, run } from "../turn/run.ts";
import type { Send } from "../turn/stream.ts";
import { readJson } from "./body.ts";
import { type Exchange, type Handler, saneHeader } from "./exchange.ts";
import { sendEvents, type StreamOptions } from "./sse.ts";

/** What is ours to choose of the way an answer leaves. */
export interface AnswerOptions extends StreamOptions {
  /** Of clients that do not say which they speak. */
  readonly clientDialect: ClientDialect;
}

/** Clients of Open Responses say its version, or `latest`; no other client sends this header. */
function dialectOf({ env }: Exchange, { clientDialect }: AnswerOptions): ClientDialect {
  return env.incoming.headers["openresponses-version"] === undefined ? clientDialect : "open-responses";
}

/** `POST /responses`. */
export function createResponse(options: AnswerOptions): Handler {
  return async (exchange, line) => {
    const { incoming, outgoing, signal } = exchange.env;
    const dialect = dialectOf(exchange, options);
    const request = parseRequest(plainRequest(await readJson(incoming)));
    const streamed = request.stream === true;
    const turn = await prepare(line, request, threadId(incoming.headers, request), signal);
    outgoing.setHeader("antiphon-model", saneHeader(turn.model) ?? escaped(turn.model));
    if (streamed) await sendEvents(outgoing, dialect, options, (send) => run(line, turn, signal, send));
    else await sendWhole(outgoing, dialect, (send) => run(line, turn, signal, send));
    return RESPONSE_ALREADY_SENT;
  };
}

/** A name that no header can carry, as one can; an upstream that is down leaves the client's own name, whatever it is. */
function escaped(name: string): string {
  return encodeURIComponent(name.toWellFormed()).slice(0, limits.headerChars);
}

/**
 * The same events, of which only the last is told. Written to Node's response: on its way through the web's own, a short
 * answer costs a sixth of its whole turn. Throws why the response failed.
 */
async function sendWhole(
  outgoing: ServerResponse,
  dialect: ClientDialect,
  write: (send: Send) => Promise<Outcome>,
): Promise<void> {
  let body: Body | null = null;
  const outcome = await write((events) => {
    for (const event of events) if (isTerminal(event)) body = event.response;
    return null;
  });
  if (outcome.kind === "failed") throw outcome.error;
  if (outcome.kind === "gone") return;
  const text = JSON.stringify(body && responseIn(dialect, body));
  outgoing.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
}

/** Names under which clients send their thread: Codex, its older versions, OpenCode. */
const threadHeaders = ["thread-id", "session-id", "session_id", "x-session-affinity"] as const;

function threadId(headers: IncomingHttpHeaders, request: Request): string | null {
  for (const name of threadHeaders) {
    const value = saneHeader(headers[name]);
    if (value !== null) return value;
  }
  const named = textOf(at(request["client_metadata"], "thread_id"));
  return named === null ? null : saneHeader(named);
}

/** `HEAD /responses`: how `codex doctor` asks whether somebody is here. */
export const hasResponses: Handler = (exchange) => exchange.body(null);

/** `GET /responses`: Codex falls back to POST without a word on exactly this status. */
export const refuseWebSocket: Handler = () => {
  throw new ApiError(
    "websocket_unsupported",
    "GET asks for a WebSocket here, which is not supported; POST the request.",
  );
};

/** `GET /responses/{id}`. */
export function getResponse(options: AnswerOptions): Handler {
  return async (exchange, { store }) => {
    if (exchange.req.query("stream") === "true") {
      const message = "A stored response cannot be streamed again; get it whole.";
      throw new ApiError("unsupported_parameter", message, "stream");
    }
    return exchange.json(responseIn(dialectOf(exchange, options), (await stored(exchange, store)).response));
  };
}

/** `DELETE /responses/{id}`. */
export const deleteResponse: Handler = async (exchange, { store }) => {
  const id = idOf(exchange);
  if (!(await store.delete(id))) throw notFound(id);
  return exchange.json({ id, object: "response", deleted: true });
};

/** The stored turn that the path names. Throws 404. */
export async function stored(exchange: Exchange, store: Store): Promise<StoredResponse> {
  const id = idOf(exchange);
  const turn = await store.get(id);
  if (!turn) throw notFound(id);
  return turn;
}

function idOf(exchange: Exchange): string {
  return exchange.req.param("id") ?? "";
}

function notFound(id: string): ApiError {
  return new ApiError(
    "not_found",
    `Response with id '${id}' not found. It was not stored, was deleted, or the server was restarted.`,
  );
}
