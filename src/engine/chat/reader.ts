/** Owns the reading of one Chat-Completions answer: chunks in, deltas out; a whole JSON answer is one chunk. */
import { limits } from "../../limits.ts";
import type { Delta, FinishReason, Logprob } from "../engine.ts";
import { ThinkSplitter } from "../format/think.ts";
import { type CallPart, CallReader } from "./calls.ts";
import { broken, nonsense, refusalIn } from "./failure.ts";
import { at, countOf, listOf, textOf } from "../../spec/json.ts";
import { usageFrom } from "./usage.ts";

/** The fields we read; each may be missing or of another type. */
export interface ChatChunk {
  readonly object?: unknown;
  readonly error?: unknown;
  readonly choices?: readonly (Choice | null)[] | null;
  readonly usage?: unknown;
  /** llama-server's own: token counts, and prompt progress where it was asked for. */
  readonly timings?: unknown;
  readonly prompt_progress?: unknown;
}

interface Choice {
  readonly delta?: Said | null;
  readonly message?: Said | null;
  readonly finish_reason?: unknown;
  readonly logprobs?: { readonly content?: unknown } | null;
}

interface Said {
  readonly content?: unknown;
  readonly refusal?: unknown;
  readonly reasoning_content?: unknown;
  readonly reasoning?: unknown;
  readonly tool_calls?: unknown;
  readonly function_call?: CallPart["function"];
}

/** What an upstream's finish reason means; any other word is a stop. `failed`: it gave up, the answer is not whole. */
const finishReasons: Readonly<Record<string, FinishReason | "failed">> = {
  length: "length",
  max_tokens: "length",
  model_length: "length",
  content_filter: "content_filter",
  abort: "failed",
  error: "failed",
};

export interface ReaderOptions {
  readonly address: string;
  readonly redact: (text: string) => string;
  /** Size of the prompt, where its tokens must be estimated. */
  readonly promptChars: () => number;
  /** Whether the upstream sends each token in a chunk of its own, so that thinking can be counted. */
  readonly tokenPerChunk: boolean;
  /** Called when the token counts of the answer had to be estimated. */
  readonly onEstimate: () => void;
}

export class ChatReader {
  readonly #options: ReaderOptions;
  readonly #splitter = new ThinkSplitter();
  readonly #calls = new CallReader(() => this.#keys++);
  #keys = 0;
  #open: { readonly key: number; readonly type: "message" | "reasoning" } | null = null;
  /** Text that came after a call: it waits, since calls close only when the upstream finishes. */
  #later: { type: "message" | "reasoning"; text: string }[] = [];
  #laterChars = 0;
  #finish: string | null = null;
  #ended = false;
  #usage: unknown = null;
  #timings: unknown = null;
  #chars = { message: 0, reasoning: 0 };
  #thoughts = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Whether the last delta was given. */
  get ended(): boolean {
    return this.#ended;
  }

  push(chunk: ChatChunk, out: Delta[]): void {
    if (this.#ended) return;
    // The second is how older vLLM reports an error in mid-stream.
    if (chunk.error || chunk.object === "error") {
      const { address, redact } = this.#options;
      this.#fail(refusalIn(chunk.error || chunk, address, redact), out);
      return;
    }
    if (chunk.usage) this.#usage = chunk.usage;
    if (chunk.timings) this.#timings = chunk.timings;
    if (chunk.prompt_progress) this.#progress(chunk.prompt_progress, out);
    const choice = chunk.choices?.[0];
    if (!choice) return;
    const said = choice.delta ?? choice.message;
    if (said) this.#take(said, choice.logprobs?.content, out);
    if (typeof choice.finish_reason === "string") this.#finish = choice.finish_reason;
  }

  /** The upstream's stream is over; `done` where it said so itself. */
  end(done: boolean, out: Delta[]): void {
    if (this.#ended) return;
    const reason = this.#finish === null ? (done ? "stop" : null) : (finishReasons[this.#finish] ?? "stop");
    if (reason === null) {
      this.#fail(nonsense("ended its stream without finishing the answer", this.#options.address), out);
      return;
    }
    if (reason === "failed") {
      this.#fail(nonsense(`gave up on the answer (${this.#finish})`, this.#options.address), out);
      return;
    }
    for (const { type, text } of this.#splitter.end()) this.#say(type, text, out);
    const cut = reason !== "stop";
    this.#calls.end(cut && this.#later.length === 0, out);
    for (const { type, text } of this.#later) this.#write(type, text, out);
    if (!cut) this.#close(out);
    const usage = this.#counts();
    if (usage.estimated) this.#options.onEstimate();
    out.push({ kind: "usage", usage }, { kind: "finish", reason });
    this.#ended = true;
  }

  /** The connection broke: whatever is open stays cut. */
  break(error: unknown, out: Delta[]): void {
    if (!this.#ended) this.#fail(broken(error, this.#options.address), out);
  }

  /** The upstream sent `what` no upstream may. */
  reject(what: string, out: Delta[]): void {
    if (!this.#ended) this.#fail(nonsense(what, this.#options.address), out);
  }

  #take(said: Said, logprobs: unknown, out: Delta[]): void {
    // vLLM renamed its field; some servers send both with the same text.
    const thought = textOf(said.reasoning_content) ?? textOf(said.reasoning);
    if (thought) {
      this.#thoughts += 1;
      this.#say("reasoning", thought, out);
    }
    const { content } = said;
    if (typeof content === "string") this.#content(content, logprobs, out);
    else if (content) this.#parts(content, out);
    if (typeof said.refusal === "string" && said.refusal !== "") this.#say("message", said.refusal, out);
    if (said.function_call) this.#call({ index: 0, function: said.function_call }, out);
    if (Array.isArray(said.tool_calls)) {
      for (const part of said.tool_calls as readonly (CallPart | null)[]) if (part) this.#call(part, out);
    }
  }

  #content(text: string, logprobs: unknown, out: Delta[]): void {
    if (text === "") return;
    if (this.#splitter.settled) {
      this.#say("message", text, out, logprobs);
      return;
    }
    for (const piece of this.#splitter.push(text)) {
      if (piece.type === "reasoning") this.#thoughts += 1;
      this.#say(piece.type, piece.text, out, piece.type === "message" ? logprobs : null);
    }
  }

  /** Mistral sends content as a list of parts: text, and thinking that is a list itself. */
  #parts(content: unknown, out: Delta[]): void {
    for (const part of listOf(content)) {
      const text = textOf(part["text"]);
      if (text) this.#content(text, null, out);
      for (const thought of listOf(part["thinking"])) this.#say("reasoning", textOf(thought["text"]) ?? "", out);
    }
  }

  #call(part: CallPart, out: Delta[]): void {
    if (!this.#calls.begun) {
      for (const { type, text } of this.#splitter.end()) this.#say(type, text, out);
      this.#close(out);
    }
    if (!this.#calls.push(part, out)) this.reject("sent more tool calls than any model makes", out);
  }

  #say(type: "message" | "reasoning", text: string, out: Delta[], logprobs: unknown = null): void {
    if (text === "") return;
    if (!this.#calls.begun) {
      this.#write(type, text, out, logprobs);
      return;
    }
    const last = this.#later.at(-1);
    // Templates put line breaks around calls; they are no message.
    if (last === undefined && text.trim() === "") return;
    if (last?.type === type) last.text += text;
    else this.#later.push({ type, text });
    this.#laterChars += text.length;
    if (this.#laterChars > limits.callChars) this.reject("went on after its tool calls without end", out);
  }

  #write(type: "message" | "reasoning", text: string, out: Delta[], logprobs: unknown = null): void {
    if (this.#open?.type !== type) {
      this.#close(out);
      this.#open = { key: this.#keys++, type };
      out.push({ kind: "open", key: this.#open.key, item: { type } });
    }
    this.#chars[type] += text.length;
    const { key } = this.#open;
    out.push(logprobs ? { kind: "text", key, text, logprobs: logprobsIn(logprobs) } : { kind: "text", key, text });
  }

  #close(out: Delta[]): void {
    if (this.#open !== null) out.push({ kind: "close", key: this.#open.key });
    this.#open = null;
  }

  #progress(progress: unknown, out: Delta[]): void {
    const done = countOf(at(progress, "processed"));
    const total = countOf(at(progress, "total"));
    if (this.#keys > 0 || done === null || total === null || done > total) return;
    out.push({ kind: "progress", stage: "prefill", done, total });
  }

  #counts(): ReturnType<typeof usageFrom> {
    return usageFrom(this.#usage, this.#timings, {
      promptChars: this.#options.promptChars,
      answerChars: this.#chars.message,
      reasoningChars: this.#chars.reasoning,
      reasoningTokens: this.#options.tokenPerChunk ? this.#thoughts : null,
    });
  }

  #fail(failure: Extract<Delta, { kind: "fail" }>["failure"], out: Delta[]): void {
    // A stricter shape of the prompt cannot be tried once something was said.
    const code = failure.code === "template" && this.#keys > 0 ? "upstream_error" : failure.code;
    out.push({ kind: "fail", failure: { ...failure, code } });
    this.#ended = true;
  }
}

function logprobsIn(content: unknown): Logprob[] {
  return listOf(content).map((entry) => ({ ...logprobIn(entry), top: listOf(entry["top_logprobs"]).map(logprobIn) }));
}

function logprobIn(entry: Readonly<Record<string, unknown>>): Omit<Logprob, "top"> {
  const token = textOf(entry["token"]) ?? "";
  const { logprob, bytes } = entry as { logprob?: unknown; bytes?: unknown };
  return {
    token,
    logprob: typeof logprob === "number" ? logprob : 0,
    bytes: Array.isArray(bytes) ? (bytes as readonly number[]) : [...Buffer.from(token)],
  };
}
