/** Owns an open door for tests: on a real socket, with a scripted model behind it, closed when the test ends. */
import assert from "node:assert/strict";
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import type { Delta, Engine } from "../../src/engine/engine.ts";
import type { Script } from "../../src/engine/script.ts";
import { type Door, type DoorOptions, openDoor } from "../../src/http/server.ts";
import type { Log } from "../../src/log.ts";
import { checkBody } from "../../src/spec/check/check.ts";
import { type Event, isTerminal, type TerminalEvent } from "../../src/spec/events.ts";
import type { Line } from "../../src/turn/prepare.ts";
import { watch } from "../schema/watch.ts";
import { makeLine } from "../turn/line.ts";

export interface TestDoor extends Door {
  readonly line: Line;
  /** What was logged as an error: nothing, unless the test says so. */
  readonly complaints: readonly string[];
  /** POST to /v1/responses. */
  ask(body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

export async function openTestDoor(
  t: TestContext,
  engine: Engine | Script,
  changes: Partial<DoorOptions> & { readonly line?: Partial<Line> } = {},
): Promise<TestDoor> {
  const complaints: string[] = [];
  const log: Log = {
    error: (message, fields) => complaints.push(`${message} ${JSON.stringify(fields)}`),
    warn: () => {},
    info: () => {},
    debug: () => {},
  };
  const { line: lineChanges, ...options } = changes;
  const line = makeLine(engine, { log, ...lineChanges });
  const defaults = { host: "127.0.0.1", port: 0, apiKeys: [], allowedOrigins: [], allowedHosts: [], shutdownMs: 0 };
  const door = await openDoor(line, { ...defaults, ...options });
  watch(door.port, { name: t.name, dialect: options.clientDialect ?? "openai" });
  t.after(() => door.close());
  const ask: TestDoor["ask"] = (body, headers = {}) =>
    fetch(`${door.address}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
    });
  return { ...door, line, complaints, ask };
}

/** A whole answer in `pieces`. */
export function says(...pieces: readonly string[]): Delta[] {
  return [
    { kind: "open", key: 0, item: { type: "message" } },
    ...pieces.map((piece): Delta => ({ kind: "text", key: 0, text: piece })),
    { kind: "close", key: 0 },
    { kind: "usage", usage: { input: 5, cached: 2, output: pieces.length, reasoning: 0, estimated: false } },
    { kind: "finish", reason: "stop" },
  ];
}

/** A model that answers as it must: with the first choice of a schema, or an object without anything in it. */
export const fitting: Script = ({ format }) => {
  if (format.type === "text") return says("ok");
  const { enum: choices } = format.type === "json_schema" ? format.schema : {};
  return says(JSON.stringify(Array.isArray(choices) ? choices[0] : {}));
};

/** An answer without end, a piece a millisecond; `seen` is told of each answer, piece and end. */
export function endless(seen: { started: number; pieces: number; ended: number }): Script {
  return async function* script(_request, signal) {
    seen.started += 1;
    try {
      yield { kind: "open", key: 0, item: { type: "message" } };
      for (; !signal.aborted; seen.pieces += 1) {
        yield { kind: "text", key: 0, text: `piece ${seen.pieces} ` };
        yield 1;
      }
    } finally {
      seen.ended += 1;
    }
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request with headers that `fetch` would not let through, such as `host`. */
export function send(
  door: Door,
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Buffer;
  } = {},
): Promise<Answer> {
  const { method = "GET", headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const answered = (incoming: IncomingMessage): void => {
      text(incoming).then(
        (received) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: received }),
        reject,
      );
    };
    const options = { host: "127.0.0.1", port: door.port, path, method, headers, agent: false };
    httpRequest(options, answered).on("error", reject).end(body);
  });
}

/** A bare connection. */
export function dial(door: Door): Socket {
  return connect(door.port, "127.0.0.1").on("error", () => {});
}

/** The head of a POST to /v1/responses, for bare connections. */
export function head(length: number, ...headers: readonly string[]): string {
  const lines = ["POST /v1/responses HTTP/1.1", "host: localhost", `content-length: ${length}`, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Resolves once `done`; a test that waits for ever is ended by the runner. */
export async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** The last event of a stream in which no rule is broken. */
export function endOf(body: string): TerminalEvent {
  const { events, violations } = checkBody(body);
  assert.deepEqual(violations, []);
  const last = events.at(-1) as Event | undefined;
  assert(last && isTerminal(last), `the stream ends with ${last?.type}`);
  return last;
}

/** The JSON of a body, to be looked into. */
export async function json(answer: Response | Answer): Promise<Readonly<Record<string, unknown>>> {
  const body = typeof answer.body === "string" ? answer.body : await (answer as Response).text();
  return JSON.parse(body) as Readonly<Record<string, unknown>>;
}

/** The error in a body. */
export async function errorOf(answer: Response | Answer): Promise<{ readonly code: string; readonly message: string }> {
  return (await json(answer))["error"] as { readonly code: string; readonly message: string };
}
