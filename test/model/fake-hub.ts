/** Owns a Hugging Face hub on loopback, with a storage host of its own, that misbehaves as told. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeHub extends AsyncDisposable {
  readonly endpoint: string;
  /** Files by `org/repo/file`. */
  readonly files: Map<string, Buffer>;
  /** Every request so far, as `host path range authorization`. */
  readonly seen: string[];
  /** Bytes after which storage drops the next connections, one entry each. */
  readonly drops: number[];
  /** What the hub says of a file's checksum instead of the truth. */
  lie: string | null;
  /** How far beyond what was asked for the next partial answer begins. */
  skip: number;
  /** Status that the hub gives to all API requests instead of an answer. */
  refusal: number | null;
}

async function listen(listener: RequestListener): Promise<{ server: Server; origin: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Starts the hub. */
export async function startFakeHub(): Promise<FakeHub> {
  const files = new Map<string, Buffer>();
  const seen: string[] = [];
  const drops: number[] = [];
  const note = (host: string, { url, headers }: IncomingMessage): void => {
    seen.push([host, url, headers.range ?? "-", headers.authorization ?? "-"].join(" "));
  };

  const storage = await listen((request, response) => {
    note("storage", request);
    const bytes = files.get((request.url ?? "").slice(1));
    if (!bytes) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from >= bytes.length) return void response.writeHead(416).end();
    const start = from > 0 ? from + state.skip : from;
    const rest = bytes.subarray(start);
    const range = from > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
    state.skip = 0;
    response.writeHead(from > 0 ? 206 : 200, { "content-length": rest.length, ...range });
    const drop = drops.shift();
    if (drop === undefined) return void response.end(rest);
    response.write(rest.subarray(0, drop), () => response.destroy());
  });

  const hub = await listen((request, response) => {
    note("hub", request);
    const url = new URL(request.url ?? "", "http://hub");
    const json = (body: unknown): void => void response.writeHead(200).end(JSON.stringify(body));
    const list = /^\/api\/models\/([^/]+\/[^/]+)$/.exec(url.pathname)?.[1];
    if (url.pathname.startsWith("/api/") && state.refusal !== null) return void response.writeHead(state.refusal).end();
    if (list) {
      const names = [...files.keys()].filter((key) => key.startsWith(`${list}/`));
      if (names.length === 0) return void response.writeHead(401).end();
      return json({ siblings: names.map((key) => ({ rfilename: key.slice(list.length + 1) })) });
    }
    if (url.pathname === "/api/models") return json([{ id: `org/${url.searchParams.get("search")}-2-GGUF` }]);
    const key = url.pathname.slice(1).replace("/resolve/main/", "/");
    const bytes = files.get(key);
    if (!bytes) return void response.writeHead(404).end();
    const sha256 = state.lie ?? createHash("sha256").update(bytes).digest("hex");
    return void response.writeHead(302, { location: `${storage.origin}/${key}`, "x-linked-etag": `"${sha256}"` }).end();
  });

  const state: FakeHub = {
    endpoint: hub.origin,
    files,
    seen,
    drops,
    lie: null,
    skip: 0,
    refusal: null,
    async [Symbol.asyncDispose]() {
      for (const { server } of [hub, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  return state;
}
