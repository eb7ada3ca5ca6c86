/** Owns the work of the engine process: prompts become jobs, jobs wait for a slot, slots write answers. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import { limits } from "../../limits.ts";
import type { EngineRequest, Failure } from "../engine.ts";
import type { Sequence, Token } from "./binding.ts";
import { Job } from "./job.ts";
import type { Report } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import type { Kept, SavedSlots } from "./saved.ts";
import { chooseSlot, Threads } from "./slots.ts";
import { TemplateError } from "./template.ts";
import { writeAnswer } from "./writer.ts";

interface Seat {
  sequence: Sequence;
  busy: boolean;
  tokens: readonly Token[];
  prompt: number;
  affinity: string | null;
  used: number;
}

interface Prepared {
  /** null where there are too many to count them. */
  readonly tokens: readonly Token[] | null;
  /** So many there are at least. */
  readonly least: number;
  readonly thinking: boolean;
}

export class Desk {
  readonly #runtime: Runtime;
  readonly #saved: SavedSlots | null;
  readonly #report: (report: Report) => void;
  readonly #seats: readonly Seat[];
  readonly #queue: Job[] = [];
  readonly #jobs = new Map<number, Job>();
  readonly #runs = new Set<Promise<void>>();
  readonly #threads = new Threads();
  #clock = 0;
  /** Whether slots hold something else than what was restored. */
  #used = false;

  /** `saved`: where slots lie while no process holds them; null: nowhere. */
  constructor(runtime: Runtime, saved: SavedSlots | null, report: (report: Report) => void) {
    this.#runtime = runtime;
    this.#saved = saved;
    this.#report = report;
    this.#seats = runtime.sequences.map((sequence) => ({
      sequence,
      busy: false,
      tokens: [],
      prompt: 0,
      affinity: null,
      used: 0,
    }));
  }

  /** How long the slowest step has been under way. */
  get stuckMs(): number {
    return Math.max(0, ...[...this.#jobs.values()].map(({ stuckMs }) => stuckMs));
  }

  /** Takes back what an earlier process saved; resolves with the number of slots that hold something then. */
  async restore(): Promise<number> {
    const restored = (await this.#saved?.restore(this.#seats, (broken) => this.#runtime.renew(broken))) ?? [];
    for (const [at, { prompt, affinity }] of restored.entries()) {
      const seat = this.#seats[at];
      if (seat === undefined) break;
      // The first was used last.
      seat.used = restored.length - at;
      seat.tokens = seat.sequence.contextTokens;
      seat.prompt = prompt;
      seat.affinity = affinity;
      this.#threads.note(affinity, prompt);
    }
    this.#clock = restored.length;
    return restored.length;
  }

  /** Ends what is under way and saves the slots, where they were used. The desk is of no use afterwards. */
  async save(): Promise<Kept> {
    this.#queue.length = 0;
    for (const job of this.#jobs.values()) job.cancel();
    await Promise.race([Promise.all(this.#runs), sleep(limits.engineCloseMs)]);
    // It holds the context, so that nothing can be saved.
    if (this.#runs.size > 0) return { slots: 0, trouble: "an answer does not end" };
    return this.#used && this.#saved !== null ? this.#saved.save(this.#seats) : { slots: 0, trouble: null };
  }

  generate(id: number, request: EngineRequest): void {
    const prompt = this.#prepare(id, request);
    if (prompt === null) return;
    const { contextLength, trainedLength } = this.#runtime.about;
    const { tokens, least } = prompt;
    if (tokens === null || tokens.length >= contextLength) {
      const length = tokens === null ? `at least ${least}` : tokens.length;
      const more = contextLength < trainedLength ? ", or start the server with a larger --ctx" : "";
      const message = `The prompt has ${length} tokens, but the model's context holds ${contextLength}, answer included. Send less${more}.`;
      this.#fail(id, { code: "context_length_exceeded", message });
      return;
    }
    if (this.#queue.length >= limits.engineQueue) {
      this.#fail(id, {
        code: "server_is_overloaded",
        message: "Too many requests wait for the model; try again later.",
      });
      return;
    }
    const job = new Job(id, request, tokens, prompt.thinking);
    this.#jobs.set(id, job);
    this.#queue.push(job);
    this.#seatJobs();
  }

  count(id: number, request: EngineRequest): void {
    const prompt = this.#prepare(id, request);
    if (prompt === null) return;
    const { tokens, least } = prompt;
    this.#report({ type: "counted", id, input: tokens?.length ?? least, exact: tokens !== null });
  }

  confirm(id: number, pieces: number): void {
    this.#jobs.get(id)?.confirm(pieces);
  }

  cancel(id: number): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    job.cancel();
    const waiting = this.#queue.indexOf(job);
    if (waiting === -1) return;
    this.#queue.splice(waiting, 1);
    this.#jobs.delete(id);
    this.#tellQueue();
  }

  /** What is too long by its bytes alone is not tokenised, which would hold up every answer that is being written. */
  #prepare(id: number, request: EngineRequest): Prepared | null {
    const { template, vocabulary, about } = this.#runtime;
    try {
      const shield = vocabulary.newShield();
      const rendered = template.render(request, shield);
      const pieces = shield.split(rendered);
      const bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
      const least = Math.ceil(bytes / vocabulary.longest);
      const tokens = least > about.contextLength ? null : vocabulary.tokenize(pieces);
      return { tokens, least, thinking: template.beganThinking(rendered) };
    } catch (error) {
      const code = error instanceof TemplateError ? "template" : "server_error";
      this.#fail(id, { code, message: `The prompt could not be made: ${messageOf(error)}` });
      return null;
    }
  }

  #seatJobs(): void {
    for (let job = this.#queue[0]; job !== undefined; job = this.#queue[0]) {
      const asked = { prompt: job.prompt, affinity: job.request.affinity };
      const seat = chooseSlot(
        this.#seats.filter(({ busy }) => !busy),
        asked,
      );
      if (seat === null) break;
      this.#queue.shift();
      const loss = this.#threads.lossOf(asked, seat, this.#seats);
      if (loss !== null) this.#report({ type: "lost", id: job.id, loss });
      seat.busy = true;
      const run = this.#run(seat, job).finally(() => this.#runs.delete(run));
      this.#runs.add(run);
    }
    this.#tellQueue();
  }

  #tellQueue(): void {
    for (const [index, job] of this.#queue.entries()) {
      const ahead = index + 1;
      if (job.movedTo(ahead)) this.#report({ type: "queued", id: job.id, ahead });
    }
  }

  async #run(seat: Seat, job: Job): Promise<void> {
    const { sequence } = seat;
    this.#used = true;
    try {
      await writeAnswer({ runtime: this.#runtime, sequence, job, report: this.#report });
    } catch (error) {
      this.#fail(job.id, { code: "server_error", message: `The model failed: ${messageOf(error)}` });
      // What lies in the cache after a failure is not known.
      await sequence.clearHistory().catch(() => undefined);
    }
    this.#jobs.delete(job.id);
    this.#clock += 1;
    seat.tokens = sequence.contextTokens;
    seat.prompt = Math.min(job.prompt.length, seat.tokens.length);
    seat.affinity = job.request.affinity;
    this.#threads.note(seat.affinity, seat.prompt);
    seat.used = this.#clock;
    seat.busy = false;
    this.#seatJobs();
  }

  #fail(id: number, failure: Failure): void {
    this.#report({ type: "failed", id, failure });
  }
}
