/** Owns the writing of one answer in one slot: reads the prompt in chunks, samples token by token, switches grammars on. */
import { limits } from "../../limits.ts";
import type { FinishReason, Logprob } from "../engine.ts";
import { seam } from "../format/forms.ts";
import { type AnswerWatch, createAnswerWatch } from "../format/watch.ts";
import type { GrammarState, Sampled, Sequence, Token } from "./binding.ts";
import type { Job } from "./job.ts";
import type { Report } from "./protocol.ts";
import type { Guide, Runtime } from "./runtime.ts";
import { samplingOf, stopsIn } from "./sampling.ts";
import { keepable } from "./slots.ts";
import { StopFinder } from "./stops.ts";
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
  runtime.rounds.enter();
  try {
    const cached = await readPrompt(writing);
    if (job.cancelled) return;
    report({ type: "started", id: job.id, thinking: job.thinking, form: runtime.vocabulary.form });
    const answer = new Answer(writing, guide);
    const reason = await answer.write();
    if (reason === null) return;
    const { output, reasoning } = answer;
    const usage = { input: job.prompt.length, cached, output, reasoning, estimated: false };
    report({ type: "done", id: job.id, reason, usage });
  } finally {
    runtime.rounds.leave();
  }
}

/** Reads the prompt but for its last token, from which the answer is sampled; returns how much was in the cache. */
async function readPrompt({ runtime, sequence, job, report }: Writing): Promise<number> {
  const prompt = job.prompt.slice(0, -1);
  await job.watch(sequence.adaptStateToTokens(prompt.slice(0, keepable(sequence, prompt)), false));
  const cached = sequence.nextTokenIndex;
  const total = job.prompt.length;
  for (let done = cached; done < prompt.length;) {
    await runtime.rounds.turn();
    if (job.cancelled) break;
    const chunk = prompt.slice(done, done + runtime.stride.tokens(runtime.rounds.alone));
    const began = performance.now();
    await job.watch(sequence.evaluateWithoutGeneratingNewTokens(chunk));
    runtime.stride.took(chunk.length, performance.now() - began);
    done += chunk.length;
    report({ type: "prefill", id: job.id, done, total });
  }
  // The next turn's prompt begins with this one; models that cannot forget single tokens return to here.
  await job.watch(sequence.takeCheckpoint());
  return cached;
}

class Answer {
  output = 0;
  readonly #writing: Writing;
  readonly #guide: Guide | null;
  readonly #watch: AnswerWatch;
  readonly #reader: TokenReader;
  readonly #stops: StopFinder;
  readonly #recent: Token[] = [];
  /** Of tokens whose text has not left. */
  #logprobs: Logprob[] = [];
  #stopped = false;
  readonly #most: number;
  #grammar: GrammarState | undefined;
  #beforeAnswer = 0;

  constructor(writing: Writing, guide: Guide | null) {
    const { runtime, sequence, job } = writing;
    this.#writing = writing;
    this.#guide = guide;
    this.#watch = createAnswerWatch(runtime.vocabulary.form, job.thinking);
    this.#reader = new TokenReader(runtime.vocabulary, job.prompt);
    this.#stops = new StopFinder(stopsIn(job.request.extra));
    this.#grammar = guide?.from === "start" ? guide.begin() : undefined;
    this.#most = Math.min(job.request.maxTokens ?? Infinity, sequence.contextSize - job.prompt.length);
  }

  /** Tokens of thinking, its marks included. */
  get reasoning(): number {
    return this.#watch.thought ? this.#beforeAnswer : 0;
  }

  /** Writes to the end; null where it was cancelled. */
  async write(): Promise<FinishReason | null> {
    const { runtime, sequence, job } = this.#writing;
    const tokens = sequence.evaluateWithMetadata(
      job.prompt.slice(-1),
      { probabilities: job.request.topLogprobs !== null },
      { ...samplingOf(runtime, job.request, this.#recent), grammarEvaluationState: () => this.#grammar },
    );
    try {
      let instead: readonly Token[] | undefined;
      for (;;) {
        await runtime.rounds.turn();
        if (job.cancelled) return null;
        const next = await job.watch(tokens.next(instead));
        if (job.cancelled) return null;
        if (next.done === true) return await this.#end("stop");
        instead = await this.#take(next.value);
        if (job.cancelled) return null;
        if (this.#stopped) return "stop";
        if (this.output >= this.#most) return await this.#end("length");
      }
    } finally {
      await tokens.return();
    }
  }

  async #end(reason: FinishReason): Promise<FinishReason> {
    await this.#send(this.#reader.end());
    await this.#report(this.#stops.end());
    return reason;
  }

  /** Sends what `sampled` says; returns what the model shall go on from, where that is not the token itself. */
  async #take(sampled: Sampled): Promise<readonly Token[] | undefined> {
    const { token } = sampled;
    this.output += 1;
    this.#recent.push(token);
    if (this.#recent.length > limits.penaltyTokens) this.#recent.shift();
    const alone = this.#reader.between;
    const text = this.#reader.push(token);
    this.#note(sampled, text);
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

  /** A character that is spread over tokens belongs to the last of them. */
  #note({ token, probabilities }: Sampled, text: string): void {
    const { runtime, job } = this.#writing;
    if (probabilities === undefined || runtime.vocabulary.isSilent(token)) return;
    const spell = (other: Token): string => runtime.vocabulary.detokenize([other], []);
    const top = [...probabilities].slice(0, job.request.topLogprobs ?? 0);
    this.#logprobs.push({
      ...logprobOf(text.replaceAll(seam, ""), probabilities.get(token)),
      top: top.map(([other, probability]) => logprobOf(spell(other), probability)),
    });
  }

  /** What clients want an answer to end with counts in the answer only, not while the model thinks. */
  async #send(text: string): Promise<void> {
    const passed = this.#watch.answering ? this.#stops.push(text) : { text, stopped: false };
    this.#stopped = passed.stopped;
    await this.#report(passed.text);
  }

  async #report(text: string): Promise<void> {
    if (text === "") return;
    const { runtime, job, report } = this.#writing;
    if (job.isAhead) await runtime.rounds.without(() => job.caughtUp());
    job.advance();
    const known = this.#logprobs.splice(0);
    const logprobs = known.length > 0 ? { logprobs: known } : {};
    if (!job.cancelled) report({ type: "piece", id: job.id, text, ...logprobs });
  }
}

/** OpenAI's word for what is next to impossible; JSON has no infinity. */
const leastLogprob = -9999;

function logprobOf(token: string, probability = 0): Omit<Logprob, "top"> {
  const logprob = Math.max(leastLogprob, Math.min(0, Math.log(probability)));
  return { token, logprob, bytes: [...Buffer.from(token)] };
}
