/** Owns the listening server: its bounds, the requests under way, and how it closes. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIPv6, Server as NetServer, type AddressInfo } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import { ApiError, messageOf } from "../errors.ts";
import { limits } from "../limits.ts";
import { count } from "../metrics.ts";
import type { ClientDialect } from "../spec/client-dialects.ts";
import { newId } from "../spec/ids.ts";
import type { Line } from "../turn/prepare.ts";
import type { GuardOptions } from "./auth.ts";
import type { Bindings } from "./exchange.ts";
import { saneHeader } from "./exchange.ts";
import { failure } from "./failure.ts";
import { createApp } from "./routes.ts";
import { Visits } from "./visits.ts";
import { boundEnd } from "./wire.ts";

export interface DoorOptions extends GuardOptions {
  /** Spoken with clients that do not say which they speak; OpenAI's by default. */
  readonly clientDialect?: ClientDialect;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Instead of those in `limits`. */
  readonly commentMs?: number;
  readonly stalledMs?: number;
  readonly shutdownMs?: number;
}

export interface Door {
  /** Such as `http://127.0.0.1:8484`. */
  readonly address: string;
  readonly port: number;
  /** Accepts nothing more, lets running streams finish for a while, then ends them with `response.failed`. */
  close(): Promise<void>;
}

/** Listens. Rejects with a message for the operator where the address cannot be had. */
export async function openDoor(line: Line, options: DoorOptions): Promise<Door> {
  const visits = new Visits();
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.requestMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleConnectionMs,
      // Finds clients that vanished without a word. One that closes its half is gone as well, as Node has it by default:
      // nothing else tells a client that leaves, and its engine shall stop.
      keepAlive: true,
    },
    createListener(line, options, visits),
  );
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = isIPv6(options.host) ? `[${options.host}]` : options.host;
  let closed: Promise<void> | null = null;
  return {
    address: `http://${host}:${port}`,
    port,
    close: () => (closed ??= shut(server, visits, options.shutdownMs ?? limits.shutdownMs)),
  };
}

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

function createListener(line: Line, options: DoorOptions, visits: Visits): Listener {
  const { log } = line;
  const { commentMs = limits.commentMs, stalledMs = limits.stalledMs, clientDialect = "openai" } = options;
  const app = createApp(line, { ...options, commentMs, stalledMs, clientDialect });
  const handle = getRequestListener(
    (request, env) => {
      const { incoming, outgoing } = env as Omit<Bindings, "signal">;
      if (visits.closing) return failure(visits.closing, log);
      return app.fetch(request, { incoming, outgoing, signal: visits.signalOf(outgoing) });
    },
    {
      overrideGlobalObjects: false,
      errorHandler: (thrown) =>
        failure(thrown instanceof RequestError ? new ApiError("invalid_value", thrown.message) : thrown, log),
    },
  );
  return (incoming, outgoing) => {
    const start = performance.now();
    const id = requestId(incoming);
    outgoing.setHeader("x-request-id", id);
    if (visits.closing) outgoing.setHeader("connection", "close");
    visits.add(outgoing);
    boundEnd(outgoing, stalledMs);
    outgoing.once("close", () => {
      const ms = Math.round(performance.now() - start);
      count("antiphon_requests_total", { status: outgoing.statusCode });
      const path = incoming.url?.split("?", 1)[0];
      log.debug("request", { method: incoming.method, path, status: outgoing.statusCode, ms, id });
    });
    handle(incoming, outgoing).catch((thrown: unknown) => {
      log.error("a request could not be answered", { reason: messageOf(thrown), id });
      outgoing.destroy();
    });
  };
}

/** The client's own id for the request, so that both logs can be read together; else a new one. */
function requestId({ headers }: IncomingMessage): string {
  return saneHeader(headers["x-request-id"]) ?? saneHeader(headers["x-client-request-id"]) ?? newId("req");
}

async function listen(server: Server, { host, port }: DoorOptions): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : null;
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: `Port ${port} on ${host} is taken, perhaps by another Antiphon. Stop it, or choose another --port.`,
      EACCES: `This user may not listen on port ${port}. Choose one above 1023.`,
      EADDRNOTAVAIL: `The address ${host} does not belong to this machine.`,
      ENOTFOUND: `The host name ${host} is not known.`,
    };
    const reason = typeof code === "string" ? reasons[code] : undefined;
    throw new Error(reason ?? `Cannot listen on ${host}, port ${port}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

async function shut(server: Server, visits: Visits, patienceMs: number): Promise<void> {
  const closed = once(server, "close");
  visits.closing = new ApiError("server_shutting_down", "The server is shutting down.");
  // Node's own close of an HTTP server also ends connections on which an answer is whole, but still being read.
  NetServer.prototype.close.call(server);
  await visits.ended(patienceMs);
  visits.abort(visits.closing);
  await visits.ended(limits.shutdownGraceMs);
  server.closeAllConnections();
  await closed;
}
