/** Owns the watch over the doors that tests open in their own process: whatever one sends is judged, with or without a word. */
import assert from "node:assert/strict";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { after } from "node:test";
import type { ClientDialect } from "../../src/spec/client-dialects.ts";
import { deviationsOf } from "./lawful.ts";

interface Watched {
  /** Of the test. */
  readonly name: string;
  readonly dialect: ClientDialect;
}

const doors = new Map<number, Watched>();
const deviations: string[] = [];

/** Judges what is sent from `port`, by `dialect` where a client does not say which it speaks. */
export function watch(port: number, door: Watched): void {
  doors.set(port, door);
}

// A hook of one test would keep those behind it from closing what the test has opened.
after(() => assert.deepEqual(deviations, []));

subscribe("http.server.request.start", (message) => {
  const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
  const door = doors.get(request.socket.localPort ?? 0);
  if (door === undefined) return;
  const dialect = request.headers["openresponses-version"] === undefined ? door.dialect : "open-responses";
  const pieces: Buffer[] = [];
  tap(response, (piece) => pieces.push(piece));
  response.once("close", () => {
    const text = Buffer.concat(pieces).toString();
    const found = deviationsOf(String(response.getHeader("content-type")), text, dialect);
    deviations.push(...found.map((line) => `${door.name}: ${request.method} ${request.url}: ${line}`));
  });
});

/** Tells `taken` of all that is written to `response`. */
function tap(response: ServerResponse, taken: (piece: Buffer) => void): void {
  for (const name of ["write", "end"] as const) {
    const original = response[name].bind(response) as (...all: readonly unknown[]) => unknown;
    const told = (...all: readonly unknown[]): unknown => {
      const [piece] = all;
      if (typeof piece === "string" || piece instanceof Uint8Array) taken(Buffer.from(piece));
      return original(...all);
    };
    Object.assign(response, { [name]: told });
  }
}
