/** Owns the writing of one answer in one slot: reads the prompt in chunks, samples token by token, switches grammars on. */
import { randomInt } from "node:crypto";
import { limits } from "../../limits.ts";
import type { FinishReason } from "../engine.ts";
import { AnswerWatch } from "../format/watch.ts";
import type { GrammarState, Sampling, Sequence, Token } from "./binding.ts";
import type { Job } from "./job.ts";
import type { Report } from "./protocol.ts";
import type { Guide, Runtime } from "./runtime.ts";
import { commonPrefix } from "./slots.ts";
import { TokenReader } from "./vocabulary.ts";

export interface Writing {
  readonly runtime: Runtime;
  readonly sequence: Sequence;
  readonly job: Job;
  readonly report: (report: Report) => void;
}

/** Runs `job` to its end, to which a cancelled one comes without another report. Throws what llama.cpp throws. */
export async function writeAnswer(writing: Writing): Promise<void> {
  const { runtime, job, report } = writing;
  const guide = await runtime.guide(job.request, job.thinking);
  const cached = await readPrompt(writing);
  if (job.cancelled) return;
  report({ type: "started", id: job.id, thinking: job.thinking });
  const answer = new Answer(writing, guide);
  const reason = await answer.write();
  if (reason === null) return;
  const { output, reasoning } = answer;
  const usage = { input: job.prompt.length, cached, output, reasoning, estimated: false };
  report({ type: "done", id: job.id, reason, usage });
}

/** Reads the prompt but for its last token, from which the answer is sampled; returns how much was in the cache. */
async function readPrompt({ sequence, job, report }: Writing): Promise<number> {
  const prompt = job.prompt.slice(0, -1);
  await sequence.adaptStateToTokens(prompt.slice(0, keepable(sequence, prompt)), false);
  const cached = sequence.nextTokenIndex;
  const total = job.prompt.length;
  for (let done = cached; done < prompt.length && !job.cancelled;) {
    const chunk = prompt.slice(done, done + limits.prefillChunk);
    await sequence.evaluateWithoutGeneratingNewTokens(chunk);
    done += chunk.length;
    report({ type: "prefill", id: job.id, done, total });
  }
  // The next turn's prompt begins with this one; models that cannot forget single tokens return to here.
  await sequence.takeCheckpoint();
  return cached;
}

/**
 * How many of the prompt's first tokens can stay in the cache. Models with a sliding window or a recurrent state must read
 * anew from their last checkpoint on; they do so here, in chunks, and not in one go that cannot be aborted.
 */
function keepable(sequence: Sequence, prompt: readonly Token[]): number {
  const common = commonPrefix(sequence.contextTokens, prompt);
  if (common === sequence.nextTokenIndex) return common;
  return common - Math.max(sequence.getRestoreToPrefixIndexEvaluationSize(common - 1), 0);
}

class Answer {
  output = 0;
  readonly #writing: Writing;
  readonly #guide: Guide | null;
  readonly #watch: AnswerWatch;
  readonly #reader: TokenReader;
  readonly #recent: Token[] = [];
  readonly #most: number;
  #grammar: GrammarState | undefined;
  #beforeAnswer = 0;

  constructor(writing: Writing, guide: Guide | null) {
    const { runtime, sequence, job } = writing;
    this.#writing = writing;
    this.#guide = guide;
    this.#watch = new AnswerWatch(job.thinking);
    this.#reader = new TokenReader(runtime.vocabulary, job.prompt);
    this.#grammar = guide?.from === "start" ? guide.begin() : undefined;
    this.#most = Math.min(job.request.maxTokens ?? Infinity, sequence.contextSize - job.prompt.length);
  }

  /** Tokens of thinking, its marks included. */
  get reasoning(): number {
    return this.#watch.thought ? this.#beforeAnswer : 0;
  }

  /** Writes to the end; null where it was cancelled. */
  async write(): Promise<FinishReason | null> {
    const { sequence, job } = this.#writing;
    const tokens = sequence.evaluate(job.prompt.slice(-1), {
      ...samplingOf(this.#writing, this.#recent),
      grammarEvaluationState: () => this.#grammar,
    });
    try {
      let instead: readonly Token[] | undefined;
      for (;;) {
        const next = await tokens.next(instead);
        if (job.cancelled) return null;
        if (next.done === true) return await this.#end("stop");
        instead = await this.#take(next.value);
        if (job.cancelled) return null;
        if (this.output >= this.#most) return await this.#end("length");
      }
    } finally {
      await tokens.return();
    }
  }

  async #end(reason: FinishReason): Promise<FinishReason> {
    await this.#send(this.#reader.end());
    return reason;
  }

  /** Sends what `token` says; returns what the model shall go on from, where that is not the token itself. */
  async #take(token: Token): Promise<readonly Token[] | undefined> {
    this.output += 1;
    this.#recent.push(token);
    if (this.#recent.length > limits.penaltyTokens) this.#recent.shift();
    const alone = this.#reader.between;
    const text = this.#reader.push(token);
    const after = this.#watch.push(text);
    if (!this.#watch.answering) this.#beforeAnswer += 1;
    if (after === null || this.#guide?.from !== "call") {
      await this.#send(text);
      return undefined;
    }
    const kept = text.slice(0, text.length - after.length);
    await this.#send(kept);
    this.#grammar = this.#guide.begin();
    // The rest of the token was not written under the grammar: the model goes on from the marker alone.
    return after === "" || !alone ? undefined : this.#writing.runtime.vocabulary.tokenizeMore(kept);
  }

  async #send(text: string): Promise<void> {
    if (text === "") return;
    const { job, report } = this.#writing;
    await job.advance();
    if (!job.cancelled) report({ type: "piece", id: job.id, text });
  }
}

/** What the client asked for, else what the model's file recommends, else llama.cpp's defaults. */
function samplingOf({ runtime, job }: Writing, recent: Token[]): Sampling {
  const { sampling, extra } = job.request;
  const penalties = {
    penalty: pick(extra["repeat_penalty"], extra["repetition_penalty"], 1),
    frequencyPenalty: sampling.frequencyPenalty ?? 0,
    presencePenalty: sampling.presencePenalty ?? 0,
  };
  const punishes = penalties.penalty !== 1 || penalties.frequencyPenalty !== 0 || penalties.presencePenalty !== 0;
  return {
    temperature: pick(sampling.temperature, runtime.defaults["temp"], 0.8),
    topP: pick(sampling.topP, runtime.defaults["top_p"], 0.95),
    topK: pick(extra["top_k"], runtime.defaults["top_k"], 40),
    minP: pick(extra["min_p"], runtime.defaults["min_p"], 0.05),
    seed: sampling.seed === null ? randomInt(2 ** 32) : sampling.seed >>> 0,
    ...(punishes
      ? { repeatPenalty: { ...penalties, punishTokens: () => recent, maxPunishTokens: limits.penaltyTokens } }
      : {}),
  };
}

/** The first of two that is a number. */
function pick(asked: unknown, recommended: unknown, otherwise: number): number {
  if (typeof asked === "number" && Number.isFinite(asked)) return asked;
  return typeof recommended === "number" && Number.isFinite(recommended) ? recommended : otherwise;
}
