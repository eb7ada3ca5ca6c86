/** Owns who may come in: the Host and Origin that a web page cannot forge, and the keys. */
import { createHash, timingSafeEqual } from "node:crypto";
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Exchange } from "./exchange.ts";

export interface GuardOptions {
  /** The address that is listened on. */
  readonly host: string;
  /** Bearer keys, any of which opens; none: everybody may come in. */
  readonly apiKeys: readonly string[];
  /** Origins of web pages that may call (`https://app.example`); `*` for every page. */
  readonly allowedOrigins: readonly string[];
  /** Names under which this server may be called besides loopback and its own address. */
  readonly allowedHosts: readonly string[];
}

/** Each check throws an ApiError for whom it refuses. */
export interface Guard {
  /** 403 for a foreign Host: a page whose name was rebound to this machine shows its own name there. */
  checkHost(exchange: Exchange): void;
  /** 403 for a page that may not call; the answer itself where a browser asks beforehand (CORS preflight). */
  checkOrigin(exchange: Exchange): Response | null;
  /** 401 without a known key. */
  checkKey(exchange: Exchange): void;
  /** Whether a known key came with the request, or none is wanted. */
  holdsKey(exchange: Exchange): boolean;
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

/** Response headers that a page may read. */
const exposed = "antiphon-model, retry-after, x-request-id, x-should-retry";

export function createGuard(options: GuardOptions): Guard {
  const hosts = new Set([options.host, ...options.allowedHosts].map(nameOf));
  const origins = new Set(options.allowedOrigins);
  const keys = options.apiKeys.map(digest);
  const holdsKey = (exchange: Exchange): boolean => {
    if (keys.length === 0) return true;
    const key = keyIn(exchange);
    const shown = digest(key ?? "");
    // Every key is compared, and digests of equal length: time tells nothing about any of them.
    const known = keys.filter((wanted) => timingSafeEqual(wanted, shown)).length > 0;
    return key !== undefined && known;
  };
  return {
    checkHost({ env }) {
      const { host } = env.incoming.headers;
      const name = nameOf(host ?? "");
      // Where all addresses are listened on, the connection knows which one was meant.
      if (loopback.test(name) || hosts.has(name) || name === plain(env.incoming.socket.localAddress ?? "")) return;
      throw new ApiError("forbidden_origin", `Host '${name}' is not allowed here; --allow-host ${name} allows it.`);
    },
    checkOrigin({ env, req }) {
      const { origin } = env.incoming.headers;
      if (origin === undefined) return null;
      if (!origins.has(origin) && !origins.has("*")) {
        throw new ApiError(
          "forbidden_origin",
          `Web pages of ${origin.slice(0, limits.headerChars)} are not allowed here; --allow-origin allows them.`,
        );
      }
      env.outgoing.setHeader("access-control-allow-origin", origin);
      env.outgoing.setHeader("access-control-expose-headers", exposed);
      env.outgoing.setHeader("vary", "origin");
      const preflight = req.method === "OPTIONS" && req.header("access-control-request-method") !== undefined;
      return preflight ? allowance(req.header("access-control-request-headers")) : null;
    },
    checkKey(exchange) {
      if (holdsKey(exchange)) return;
      const said = keyIn(exchange) === undefined ? "No API key was sent" : "The API key is not known here";
      throw new ApiError("invalid_api_key", `${said}; this server wants 'Authorization: Bearer KEY'.`);
    },
    holdsKey,
  };
}

function keyIn({ env }: Exchange): string | undefined {
  return /^bearer +(\S+) *$/i.exec(env.incoming.headers.authorization ?? "")?.[1];
}

function allowance(headers: string | undefined): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, POST, DELETE, HEAD",
      "access-control-allow-headers": headers ?? "authorization, content-type",
      "access-control-max-age": String(limits.preflightSeconds),
      // Chrome asks before a public page may call a private address.
      "access-control-allow-private-network": "true",
    },
  });
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** The name in `name:port`, `[::1]:port`, `name.`; lower case. */
function nameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1];
  const name = bracketed ?? (host.split(":").length > 2 ? host : host.replace(/:\d*$/, ""));
  return plain(name.toLowerCase().replace(/\.$/, ""));
}

/** An IPv4 address as it is, where a socket of both families writes it as IPv6. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, "");
}
