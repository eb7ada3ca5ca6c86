/** Owns the table of routes, and the way of a request through the checks to its handler. */
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import { metricsText } from "../metrics.ts";
import type { Line } from "../turn/prepare.ts";
import { createGuard, type Guard, type GuardOptions } from "./auth.ts";
import { isGone } from "./body.ts";
import type { Bindings, Handler } from "./exchange.ts";
import { failure } from "./failure.ts";
import { listInputItems } from "./input-items.ts";
import { getModel, listModels } from "./models.ts";
import {
  type AnswerOptions,
  createResponse,
  deleteResponse,
  getResponse,
  hasResponses,
  refuseWebSocket,
} from "./responses.ts";

type Method = "GET" | "HEAD" | "POST" | "DELETE";

interface Route {
  readonly path: string;
  readonly methods: Readonly<Partial<Record<Method, Handler>>>;
  /** Answered without a key. */
  readonly open?: boolean;
}

function routes(options: AnswerOptions, guard: Guard): readonly Route[] {
  return [
    { path: "/responses", methods: { POST: createResponse(options), HEAD: hasResponses, GET: refuseWebSocket } },
    // OpenAI has these; without a row, their names would be taken for the ids of responses.
    { path: "/responses/compact", methods: { POST: refuseMissing } },
    { path: "/responses/input_tokens", methods: { POST: refuseMissing } },
    { path: "/responses/:id", methods: { GET: getResponse(options), DELETE: deleteResponse } },
    { path: "/responses/:id/input_items", methods: { GET: listInputItems } },
    { path: "/models", methods: { GET: listModels } },
    { path: "/models/:id{.+}", methods: { GET: getModel } },
    { path: "/health", methods: { GET: tellHealth(guard) }, open: true },
    { path: "/metrics", methods: { GET: tellMetrics } },
  ];
}

/** Base URLs are written with and without it. */
const prefixes = ["", "/v1"] as const;

export type App = Hono<{ Bindings: Bindings }>;

/** Every route, with and without `/v1`, with and without a trailing slash; whatever is thrown becomes its JSON error. */
export function createApp(line: Line, options: GuardOptions & AnswerOptions): App {
  const app: App = new Hono<{ Bindings: Bindings }>({ strict: false });
  const guard = createGuard(options);
  app.use(async (exchange, next) => {
    guard.checkHost(exchange);
    const preflight = guard.checkOrigin(exchange);
    if (preflight) return preflight;
    await next();
  });
  for (const { path, methods, open } of routes(options, guard)) {
    app.on(
      "ALL",
      prefixes.map((prefix) => prefix + path),
      (exchange) => {
        if (open !== true) guard.checkKey(exchange);
        const { method } = exchange.req;
        const handler = Object.hasOwn(methods, method) ? methods[method as Method] : undefined;
        if (handler) return handler(exchange, line);
        if (method === "HEAD" && methods.GET) return methods.GET(exchange, line);
        const allowed = Object.keys(methods).join(", ");
        exchange.env.outgoing.setHeader("allow", allowed);
        throw new ApiError("method_not_allowed", `${method} is not allowed on ${exchange.req.path}; use ${allowed}.`);
      },
    );
  }
  app.notFound((exchange) => {
    throw new ApiError("not_found", `There is nothing at ${exchange.req.path}. The API is at /v1/responses.`);
  });
  app.onError((thrown, exchange) => {
    const { incoming, outgoing } = exchange.env;
    if (outgoing.destroyed || isGone(incoming)) return RESPONSE_ALREADY_SENT;
    const answer = failure(thrown, line.log);
    if (!outgoing.headersSent) return answer;
    // In the middle of a stream: cutting the connection is the only way left to tell the client that it is not whole.
    outgoing.destroy();
    return RESPONSE_ALREADY_SENT;
  });
  return app;
}

const refuseMissing: Handler = (exchange) => {
  throw new ApiError("not_found", `This server has no ${exchange.req.path}.`);
};

/** `GET /metrics`, as Prometheus reads it. */
const tellMetrics: Handler = (exchange) =>
  exchange.body(metricsText(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });

/**
 * `GET /health`: 200 when a request would be answered, 503 while the model loads or the upstream is down. Why it is down may
 * name addresses and quote an upstream, so only those who hold a key are told.
 */
function tellHealth(guard: Guard): Handler {
  return async (exchange, { engine }) => {
    const health = await engine.health();
    const detail = guard.holdsKey(exchange) ? health.detail : null;
    if (health.state === "ready") return exchange.json({ status: "ok", detail });
    return exchange.json({ status: health.state, detail }, 503, { "retry-after": String(limits.retryAfterSeconds) });
  };
}
