/** Owns the load: requests to a server, one after the other or many at once, and what each took. */
import { Agent, request } from "node:http";

/** Who is asked, and in whose words. */
export interface Target {
  readonly origin: string;
  readonly path: string;
  readonly body: (ask: Ask) => object;
  /** What stands in the first bytes that bring text. */
  readonly token: string;
  /** What stands in the last bytes of a whole answer, by whether it is streamed. */
  readonly end: { readonly stream: string; readonly whole: string };
}

export interface Ask {
  readonly model: "flood" | "drip" | "paced";
  readonly tokens: number;
  readonly stream: boolean;
}

/** Of one request, in milliseconds from its start. */
export interface Took {
  readonly firstByte: number;
  readonly firstToken: number;
  readonly whole: number;
  readonly bytes: number;
}

export const chat = (origin: string): Target => ({
  origin,
  path: "/v1/chat/completions",
  body: ({ model, tokens, stream }) => ({ model, messages: [message], max_tokens: tokens, stream }),
  token: '"content":"',
  // The upstream streams in any case, as its answers to a relay do.
  end: { stream: "[DONE]", whole: "[DONE]" },
});

export const responses = (origin: string): Target => ({
  origin,
  path: "/v1/responses",
  body: ({ model, tokens, stream }) => ({ model, input: message.content, max_output_tokens: tokens, stream }),
  token: "response.output_text.delta",
  end: { stream: "event: response.completed", whole: '"completed"' },
});

const message = { role: "user", content: "Tell me of the fox." };
const agent = new Agent({ keepAlive: true });
/** Of the end of an answer, where the name of the last event must stand. */
const tailBytes = 16_384;

/** Rejects where the answer is not whole. */
export function ask(target: Target, what: Ask): Promise<Took> {
  const { promise, resolve, reject } = Promise.withResolvers<Took>();
  const body = JSON.stringify(target.body(what));
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const start = performance.now();
  const since = (): number => performance.now() - start;
  const sent = request(target.origin + target.path, { method: "POST", agent, headers }, (answer) => {
    let firstByte = 0;
    let firstToken = 0;
    let bytes = 0;
    let tail: Buffer = Buffer.alloc(0);
    answer.on("data", (piece: Buffer) => {
      if (bytes === 0) firstByte = since();
      bytes += piece.length;
      if (firstToken === 0 && piece.includes(target.token)) firstToken = since();
      tail = piece.length < tailBytes ? Buffer.concat([tail.subarray(-tailBytes), piece]) : piece;
    });
    answer.on("end", () => {
      const end = what.stream ? target.end.stream : target.end.whole;
      if (tail.includes(end)) resolve({ firstByte, firstToken, whole: since(), bytes });
      else reject(new Error(`${target.origin} did not end its answer: ${tail.subarray(-1_000).toString()}`));
    });
    answer.on("error", reject);
  });
  sent.on("error", reject).end(body);
  return promise;
}

/** `requests` requests, of which `streams` are under way at any time. */
export async function askMany(target: Target, what: Ask, streams: number, requests: number): Promise<Took[]> {
  const took: Took[] = [];
  let begun = 0;
  const keepAsking = async (): Promise<void> => {
    while (begun++ < requests) took.push(await ask(target, what));
  };
  await Promise.all(Array.from({ length: streams }, keepAsking));
  return took;
}
