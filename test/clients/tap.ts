/** Owns the tap between a client and the server: passes everything on as it comes, and keeps what was asked and answered. */
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as ask,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** undefined without one. */
  body: unknown;
  /** 0 until the server answers. */
  status: number;
  contentType: string;
  /** As far as it came. */
  answer: string;
  /** The client went away before the answer was whole. */
  aborted: boolean;
}

export interface Tap {
  /** Such as `http://127.0.0.1:1234`. */
  readonly address: string;
  /** In the order in which they were asked. */
  readonly exchanges: Exchange[];
  close(): Promise<void>;
}

/** Listens on a free port, in front of the server at `target`. */
export async function openTap(target: string): Promise<Tap> {
  const exchanges: Exchange[] = [];
  const server = createServer((incoming, outgoing) => {
    const exchange: Exchange = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: undefined,
      status: 0,
      contentType: "",
      answer: "",
      aborted: false,
    };
    exchanges.push(exchange);
    pass(target, incoming, outgoing, exchange);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function pass(target: string, incoming: IncomingMessage, outgoing: ServerResponse, exchange: Exchange): void {
  const onward = ask(new URL(exchange.path, target), { method: exchange.method, headers: exchange.headers });
  const asked: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => asked.push(chunk));
  incoming.on("end", () => {
    const text = Buffer.concat(asked).toString();
    if (text !== "") exchange.body = JSON.parse(text);
  });
  incoming.pipe(onward);
  onward.on("response", (response) => {
    exchange.status = response.statusCode ?? 0;
    exchange.contentType = response.headers["content-type"] ?? "";
    outgoing.writeHead(exchange.status, response.headers);
    outgoing.flushHeaders();
    response.setEncoding("utf8").on("data", (text: string) => {
      exchange.answer += text;
      outgoing.write(text);
    });
    response.on("end", () => outgoing.end());
    response.on("error", () => outgoing.destroy());
  });
  onward.on("error", () => outgoing.destroy());
  outgoing.on("close", () => {
    exchange.aborted = !outgoing.writableFinished;
    onward.destroy();
  });
}
