/** Owns the fastest Chat-Completions server there can be: its answers are made beforehand, and come at once or at a pace. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { countOf, fieldsOf, parse } from "../../src/spec/json.ts";

/** Tokens that leave in one write when nothing holds them back, as a busy server with many streams would send them. */
const tokensPerWrite = 8;
const paceMs = 20;
const tokens = [" The", " quick", " brown", " fox", " jumps", " over", " the", " lazy", " dog", "."];

const chunk = (delta: object, finish: string | null, rest: object = {}): string => {
  const head = { id: "chatcmpl-0123456789abcdef", object: "chat.completion.chunk", created: 1_700_000_000 };
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ ...head, model: "bench", choices, ...rest })}\n\n`;
};
const words = tokens.map((content) => chunk({ content }, null));

const server = createServer((incoming, outgoing) => {
  if (incoming.method === "GET") {
    const data = Object.keys(models).map((id) => ({ id, object: "model", owned_by: "bench" }));
    outgoing.setHeader("content-type", "application/json").end(JSON.stringify({ object: "list", data }));
    return;
  }
  void text(incoming).then((body) => {
    const request = fieldsOf(parse(body));
    const count = countOf(request["max_tokens"] ?? request["max_completion_tokens"]) ?? 16;
    outgoing.setHeader("content-type", "text/event-stream");
    const model = Object.keys(models).find((name) => name === request["model"]) ?? "flood";
    models[model as keyof typeof models](outgoing, count);
  });
});

function flood(outgoing: ServerResponse, count: number): void {
  let sent = 0;
  const send = (): void => {
    while (sent < count) {
      const piece = Array.from({ length: Math.min(tokensPerWrite, count - sent) }, (_, at) => token(sent + at));
      sent += piece.length;
      if (!outgoing.write(piece.join(""))) {
        outgoing.once("drain", send);
        return;
      }
    }
    finish(outgoing, count);
  };
  send();
}

/** One token a write, as fast as they are taken: each is a wake-up of its own, as of paced streams, but nobody waits. */
function drip(outgoing: ServerResponse, count: number): void {
  let sent = 0;
  const send = (): void => {
    if (sent === count) finish(outgoing, count);
    else if (outgoing.write(token(sent++))) setImmediate(send);
    else outgoing.once("drain", send);
  };
  send();
}

/** What each stream writes when its millisecond of the pace comes. */
const turns: Set<() => void>[] = Array.from({ length: paceMs }, () => new Set());
let begun = 0;
let told = Math.floor(performance.now());
setInterval(() => {
  for (const now = performance.now(); told < now; told += 1) {
    for (const write of turns[told % paceMs] ?? []) write();
  }
}, 1);

/** The streams are spread evenly over the pace, in whatever moments they began: all relays are woken equally often. */
function pace(outgoing: ServerResponse, count: number): void {
  let sent = 0;
  const turn = turns[begun % paceMs];
  begun += 1;
  const write = (): void => {
    outgoing.write(token(sent));
    sent += 1;
    if (sent < count) return;
    turn?.delete(write);
    finish(outgoing, count);
  };
  turn?.add(write);
  outgoing.once("close", () => turn?.delete(write));
}

function token(at: number): string {
  return words[at % words.length] ?? "";
}

function finish(outgoing: ServerResponse, count: number): void {
  const usage = { prompt_tokens: 10, completion_tokens: count, total_tokens: count + 10 };
  outgoing.end(`${chunk({}, "stop")}${chunk({}, null, { choices: [], usage })}data: [DONE]\n\n`);
}

/** How the tokens of an answer come, by the name of the model that is asked. */
const models = { flood, drip, paced: pace } as const;

server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
