/** Owns the mock upstream: a Chat-Completions server on loopback that plays the shared program, or whatever a test says. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { JsonSchema } from "../../src/engine/engine.ts";
import { at, fieldsOf, listOf, textOf } from "../../src/spec/json.ts";
import { type Ask, say, scriptedContext } from "./scripted.ts";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** undefined without a body. */
  readonly body: unknown;
  /** Resolves when the other side went away before the answer was whole. */
  readonly gone: Promise<void>;
}

export type Handler = (request: Received, response: ServerResponse) => void | Promise<void>;

export interface Upstream {
  /** Without `/v1`. */
  readonly url: string;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

/** Serves `handler` on loopback, on a free port unless one is named. */
export async function startUpstream(handler: Handler, port = 0): Promise<Upstream> {
  const received: Received[] = [];
  const server = createServer((incoming, response) => {
    const gone = new Promise<void>((resolve) => {
      response.on("close", () => {
        if (!response.writableFinished) resolve();
      });
    });
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      const request = { path: incoming.url ?? "", headers: incoming.headers, body, gone };
      received.push(request);
      void handler(request, response);
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** The beginning of a stream; the caller writes on. */
export function startEvents(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
}

export const event = (chunk: unknown): string =>
  `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`;

/** A chunk with one choice. */
export const chunk = (delta: unknown, finish: string | null = null): unknown => ({
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** Servers that the program can pretend to be, by what they say about themselves. */
export const identities: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "llama-server": {
    "/v1/models": { data: [{ id: "scripted", owned_by: "llamacpp" }] },
    "/props": { default_generation_settings: { n_ctx: scriptedContext }, modalities: { vision: false } },
  },
  vllm: { "/v1/models": { data: [{ id: "scripted", owned_by: "vllm", max_model_len: scriptedContext }] } },
};

/** A server that says what `identity` says, and plays the shared program. */
export function scriptedServer(identity: Readonly<Record<string, unknown>>): Handler {
  return async ({ path, body }, response) => {
    if (path === "/v1/chat/completions") await answer(askIn(body), response);
    else if (path in identity) sendJson(response, 200, identity[path]);
    else sendJson(response, 404, { error: { message: "File Not Found", type: "not_found_error", code: 404 } });
  };
}

async function answer(ask: Ask, response: ServerResponse): Promise<void> {
  const saying = say(ask);
  if (saying === null) {
    const message = `request (${ask.size} tokens) exceeds the available context size, try increasing it`;
    sendJson(response, 400, { error: { code: 400, message, type: "exceed_context_size_error" } });
    return;
  }
  startEvents(response);
  let tokens = 0;
  let thoughts = 0;
  const send = async (delta: unknown): Promise<boolean> => {
    if (tokens === ask.maxTokens) return false;
    tokens += 1;
    // Others get their turn, and a client that reads slowly stops us.
    if (!response.write(event(chunk(delta))) && !response.destroyed) await once(response, "drain").catch(() => null);
    await turn();
    return !response.destroyed;
  };
  const finished = await speak(saying, async (delta) => {
    if ("reasoning_content" in delta) thoughts += 1;
    return send(delta);
  });
  if (response.destroyed) return;
  const called = saying.call !== null;
  response.write(event(chunk({}, finished ? (called ? "tool_calls" : "stop") : "length")));
  const usage = {
    prompt_tokens: ask.size,
    completion_tokens: tokens,
    completion_tokens_details: { reasoning_tokens: Math.min(thoughts, tokens) },
  };
  response.end(event({ choices: [], usage }) + event("[DONE]"));
}

/** Speaks until all is said, or until `send` says no. */
async function speak(
  { reasoning, text, call }: NonNullable<ReturnType<typeof say>>,
  send: (delta: Readonly<Record<string, unknown>>) => Promise<boolean>,
): Promise<boolean> {
  for (const piece of reasoning) if (!(await send({ reasoning_content: piece }))) return false;
  for (const piece of text) if (!(await send({ content: piece }))) return false;
  if (call === null) return true;
  let head: unknown = { id: "call_1", type: "function" };
  let name: string | undefined = call.name;
  for (const piece of call.arguments) {
    const part = { index: 0, ...fieldsOf(head), function: { name, arguments: piece } };
    if (!(await send({ tool_calls: [part] }))) return false;
    head = null;
    name = undefined;
  }
  return true;
}

/** Content as the program reads it; images and the like are nothing to it. */
const plain = (content: unknown): string => textOf(content) ?? "";

function askIn(body: unknown): Ask {
  const messages = listOf(at(body, "messages"));
  const last = messages.findLastIndex(({ role }) => role === "user");
  const tools = listOf(at(body, "tools")).map((tool) => fieldsOf(tool["function"]));
  const choice = at(body, "tool_choice");
  const named = textOf(at(choice, "function", "name"));
  return {
    text: plain(messages[last]?.["content"]),
    answered: messages.slice(last + 1).some(({ role }) => role === "tool"),
    tools: new Map(tools.map(({ name, parameters }) => [String(name), parameters as JsonSchema])),
    choice: named === null ? (choice === "required" || choice === "none" ? choice : "auto") : { names: [named] },
    schema: (at(body, "response_format", "json_schema", "schema") as JsonSchema | undefined) ?? null,
    maxTokens: (at(body, "max_tokens") as number | undefined) ?? null,
    size: messages.reduce((sum, { content }) => sum + plain(content).length, 0),
  };
}
