/** Owns the watch over the doors that tests open in their own process: whatever one sends is judged, with or without a word. */
import assert from "node:assert/strict";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
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
  const wire = tap(request.socket);
  wire.mixed = wire.answers > 0;
  wire.answers += 1;
  response.once("close", () => {
    wire.answers -= 1;
    const text = bodyIn(Buffer.concat(wire.pieces.splice(0)));
    if (wire.mixed) return;
    const found = deviationsOf(String(response.getHeader("content-type")), text, dialect);
    deviations.push(...found.map((line) => `${door.name}: ${request.method} ${request.url}: ${line}`));
  });
});

/** What is written to a socket. Streams go past the response, straight onto the wire. */
interface Tapped {
  readonly pieces: Buffer[];
  /** How many are under way; those of pipelined requests are not told apart, and not judged. */
  answers: number;
  mixed: boolean;
}

const tapped = new WeakMap<Socket, Tapped>();

function tap(socket: Socket): Tapped {
  const known = tapped.get(socket);
  if (known) return known;
  const wire: Tapped = { pieces: [], answers: 0, mixed: false };
  tapped.set(socket, wire);
  const original = socket.write.bind(socket) as (...all: readonly unknown[]) => boolean;
  const told = (...all: readonly unknown[]): boolean => {
    const [piece, encoding] = all;
    if (typeof piece === "string") wire.pieces.push(Buffer.from(piece, encoding as BufferEncoding | undefined));
    else if (piece instanceof Uint8Array) wire.pieces.push(Buffer.from(piece));
    return original(...all);
  };
  Object.assign(socket, { write: told });
  return wire;
}

/** The body of an HTTP answer, as far as it got. */
function bodyIn(bytes: Buffer): string {
  const end = bytes.indexOf("\r\n\r\n");
  const head = bytes.toString("latin1", 0, end);
  let rest = bytes.subarray(end + 4);
  if (!/^transfer-encoding: *chunked/im.test(head)) return rest.toString();
  const chunks: Buffer[] = [];
  for (let at = rest.indexOf("\r\n"); at !== -1; at = rest.indexOf("\r\n")) {
    const size = Number.parseInt(rest.toString("latin1", 0, at), 16);
    chunks.push(rest.subarray(at + 2, at + 2 + size));
    rest = rest.subarray(at + 2 + size + 2);
  }
  return Buffer.concat(chunks).toString();
}
