/** Owns the reading of one Chat-Completions answer: chunks in, deltas out; a whole JSON answer is one chunk. */
import { limits } from "../../limits.ts";
import type { Delta, FinishReason, Logprob } from "../engine.ts";
import { type ThinkPiece, ThinkSplitter } from "../format/think.ts";
import { type CallPart, CallReader } from "./calls.ts";
import { broken, nonsense, refusalIn } from "./failure.ts";
import { lastOf, logprobsIn } from "./logprobs.ts";
import { at, countOf, listOf, textOf } from "../../spec/json.ts";
import { type TextType, TextWriter } from "./texts.ts";
import { usageFrom } from "./usage.ts";

/** The fields we read; each may be missing or of another type. */
export interface ChatChunk {
  readonly object?: unknown;
  readonly error?: unknown;
  readonly choices?: unknown;
  readonly usage?: unknown;
  /** llama-server's own: token counts, and prompt progress where it was asked for. */
  readonly timings?: unknown;
  readonly prompt_progress?: unknown;
}

interface Choice {
  readonly index?: unknown;
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
const finishReasons: ReadonlyMap<string, FinishReason | "failed"> = new Map([
  ["length", "length"],
  ["max_tokens", "length"],
  ["model_length", "length"],
  ["content_filter", "content_filter"],
  ["abort", "failed"],
  ["error", "failed"],
]);

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
  readonly #texts = new TextWriter(() => this.#keys++);
  readonly #calls = new CallReader(() => this.#keys++);
  #keys = 0;
  /** Of the choice that is read; null where none has a number. */
  #index: number | null = null;
  /** Text that came after a call: it waits, since calls close only when the upstream finishes. */
  #later: { type: TextType; text: string; readonly logprobs: Logprob[] }[] = [];
  #laterChars = 0;
  /** Of text that the splitter holds back. */
  #logprobs: Logprob[] = [];
  #finish: string | null = null;
  #ended = false;
  #usage: unknown = null;
  #timings: unknown = null;
  #thoughts = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Whether the last delta was given. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the upstream said why it stopped: whatever comes now, the answer is whole. */
  get finished(): boolean {
    return this.#finish !== null;
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
    const choices = Array.isArray(chunk.choices) ? (chunk.choices as readonly (Choice | null)[]) : [];
    const choice = choices.find((each) => this.#isOurs(each));
    if (!choice) return;
    const said = choice.delta ?? choice.message;
    if (said) this.#take(said, choice.logprobs?.content, out);
    // Some servers write "" until they know.
    this.#finish = textOf(choice.finish_reason) || this.#finish;
  }

  /** The upstream's stream is over. Without a reason it was cut, even where it says `[DONE]`: a proxy says that, too. */
  end(out: Delta[]): void {
    if (this.#ended) return;
    if (this.#finish === null) {
      this.reject("ended its stream without a finish reason, so the answer may be cut short", out);
      return;
    }
    const reason = finishReasons.get(this.#finish) ?? "stop";
    if (reason === "failed") {
      this.reject(`gave up on the answer (${this.#finish})`, out);
      return;
    }
    this.#pieces(this.#splitter.end(), out);
    const cut = reason !== "stop";
    this.#calls.end(cut && this.#later.length === 0, out);
    for (const { type, text, logprobs } of this.#later) this.#texts.write(type, text, logprobs, out);
    if (!cut) this.#texts.close(out);
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

  /** One answer was asked for: where an upstream gives more, each under its index, the one that begins is taken. */
  #isOurs(choice: Choice | null): boolean {
    const index = countOf(choice?.index);
    this.#index ??= index;
    return choice !== null && (index === null || index === this.#index);
  }

  #take(said: Said, logprobs: unknown, out: Delta[]): void {
    // vLLM renamed its field; some servers send both with the same text.
    const thought = textOf(said.reasoning_content) ?? textOf(said.reasoning);
    if (thought) {
      this.#thoughts += 1;
      this.#say("reasoning", thought, out);
    }
    const { content } = said;
    // Those of thinking are nobody's.
    if (logprobs && (content || !thought)) this.#logprobs.push(...logprobsIn(logprobs));
    if (typeof content === "string") this.#content(content, out);
    else if (content) this.#parts(content, out);
    if (typeof said.refusal === "string" && said.refusal !== "") this.#say("message", said.refusal, out);
    if (said.function_call) this.#call({ index: 0, function: said.function_call }, out);
    if (Array.isArray(said.tool_calls)) {
      for (const part of said.tool_calls as readonly (CallPart | null)[]) if (part) this.#call(part, out);
    }
  }

  #content(text: string, out: Delta[]): void {
    if (text === "") return;
    if (this.#splitter.settled) {
      this.#say("message", text, out, this.#takeLogprobs());
      return;
    }
    const pieces = this.#splitter.push(text);
    if (pieces.some(({ type }) => type === "reasoning")) this.#thoughts += 1;
    this.#pieces(pieces, out);
  }

  #pieces(pieces: readonly ThinkPiece[], out: Delta[]): void {
    for (const { type, text } of pieces) {
      this.#say(type, text, out, type === "message" ? lastOf(this.#takeLogprobs(), text.length) : []);
    }
    // Those of thinking and of its tags are nobody's.
    if (pieces.at(-1)?.type === "reasoning") this.#logprobs = [];
  }

  #takeLogprobs(): Logprob[] {
    const logprobs = this.#logprobs;
    this.#logprobs = [];
    return logprobs;
  }

  /** Mistral sends content as a list of parts: text, and thinking that is a list itself. */
  #parts(content: unknown, out: Delta[]): void {
    for (const part of listOf(content)) {
      const text = textOf(part["text"]);
      if (text) this.#content(text, out);
      for (const thought of listOf(part["thinking"])) this.#say("reasoning", textOf(thought["text"]) ?? "", out);
    }
  }

  #call(part: CallPart, out: Delta[]): void {
    if (!this.#calls.begun) {
      this.#pieces(this.#splitter.end(), out);
      this.#texts.close(out);
    }
    if (!this.#calls.push(part, out)) this.reject("sent more tool calls than any model makes", out);
  }

  #say(type: TextType, text: string, out: Delta[], logprobs: readonly Logprob[] = []): void {
    if (text === "") return;
    if (!this.#calls.begun) {
      this.#texts.write(type, text, logprobs, out);
      return;
    }
    const last = this.#later.at(-1);
    // Templates put line breaks around calls; they are no message.
    if (last === undefined && text.trim() === "") return;
    if (last?.type === type) {
      last.text += text;
      last.logprobs.push(...logprobs);
    } else this.#later.push({ type, text, logprobs: [...logprobs] });
    this.#laterChars += text.length;
    if (this.#laterChars > limits.callChars) this.reject("went on after its tool calls without end", out);
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
      answerChars: this.#texts.chars.message,
      reasoningChars: this.#texts.chars.reasoning,
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
