/** Owns the embedded engine as the server sees it: requests go to the engine process, its reports become deltas. */
import { ApiError } from "../../errors.ts";
import type { Log, ReportWork } from "../../log.ts";
import { count } from "../../metrics.ts";
import type { Delta, EngineMessage, EnginePart, EngineRequest, EngineTool, Health, OpenItem } from "../engine.ts";
import type { Member } from "../fleet.ts";
import { type AnswerReader, createAnswerReader } from "../format/answer.ts";
import { LogprobTrack } from "../format/logprobs.ts";
import { callableTools } from "../grammar/answer.ts";
import type { Inbox } from "./inbox.ts";
import { imagePlaceholder } from "./messages.ts";
import type { Report } from "./protocol.ts";
import type { SavePlace } from "./saved.ts";
import { Supervisor } from "./supervisor.ts";

export interface LlamaOptions {
  /** Name under which the model is served. */
  readonly modelId: string;
  /** A GGUF file. */
  readonly modelPath: string;
  /** That file, and all others of a model that comes in several. */
  readonly modelFiles: readonly string[];
  /** Brings the engine package, and says where it lies; see install.ts. */
  readonly packageFolder: () => Promise<string>;
  /** Tokens of one conversation; null: what the model was trained for, bounded by memory. */
  readonly contextSize: number | null;
  /** null: one less than the machine has physical cores. */
  readonly threads: number | null;
  /** Answers written at the same time; each holds a context of its own in memory. */
  readonly slots: number;
  /** Whether a GPU is used where there is one; see `packageFolder` for the build. */
  readonly gpu: boolean;
  /** Where what was read of threads lies while the model is unloaded; nowhere by default. */
  readonly save?: SavePlace | null;
  /** Loads the model only when it is asked; at once by default. */
  readonly lazy?: boolean;
  /** Milliseconds without a request after which the model is unloaded, and loaded again by the next; null: never. */
  readonly idleMs: number | null;
  /** Instead of those in `limits`: how often a busy process is asked how it gets on, and when it counts as hung. */
  readonly pingMs?: number;
  readonly stuckMs?: number;
  /** Instead of that in `limits`: after the last of many crashes, before a request starts the process once more. */
  readonly calmMs?: number;
  readonly log: Log;
  /** Shows how loading gets on. */
  readonly report?: ReportWork;
}

export interface LlamaEngine extends Member {
  /** Number of its process while there is one. */
  readonly pid: number | null;
  /** Its health once the model is loaded, or can never be. */
  settled(): Promise<Health>;
}

/** Starts to load the model at once and returns before it has. */
export function createLlamaEngine(options: LlamaOptions): LlamaEngine {
  const { modelId, modelPath, modelFiles, contextSize, threads, slots, gpu, save = null } = options;
  const { lazy = false, report = () => {} } = options;
  const load = { modelPath, modelFiles, contextSize, threads, slots, gpu, save };
  const supervisor = new Supervisor({ ...options, load, lazy, report });
  return {
    modelId,
    get awake() {
      return supervisor.awake;
    },
    sleep: () => supervisor.sleep(),
    get pid() {
      return supervisor.pid;
    },
    models() {
      const { state } = supervisor;
      const loaded = state.type === "ready" || state.type === "asleep" ? state.model : null;
      return Promise.resolve([
        {
          id: modelId,
          contextLength: loaded?.contextLength ?? contextSize,
          capabilities: { images: false, reasoning: loaded?.reasoning ?? false, schemas: true },
        },
      ]);
    },
    generate: (request, signal) => generate(supervisor, request, signal, options.log),
    countTokens: (request) => countTokens(supervisor, request),
    health: () => Promise.resolve(supervisor.health),
    async settled() {
      while (supervisor.state.type === "loading") await supervisor.change;
      return supervisor.health;
    },
    close: () => supervisor.close(),
  };
}

async function* generate(
  supervisor: Supervisor,
  request: EngineRequest,
  signal: AbortSignal,
  log: Log,
): AsyncGenerator<Delta> {
  const answer = new AnswerDeltas(request, log);
  for await (const report of reports(supervisor, withoutImages(request), signal)) {
    for (const delta of answer.push(report)) {
      if (signal.aborted) return;
      yield delta;
      if (delta.kind === "finish" || delta.kind === "fail") return;
    }
  }
}

type Loading = { readonly type: "loading"; readonly percent: number };

/**
 * What the engine process says about `request`, after what there is to wait for; ends at once when aborted. A request of
 * whose answer nothing was written is asked again when the process dies: once, as it may be the one that kills it; as often
 * as the process is started where it only waited in the queue.
 */
async function* reports(
  supervisor: Supervisor,
  request: EngineRequest,
  signal: AbortSignal,
): AsyncGenerator<Report | Loading> {
  const aborted = Promise.withResolvers<void>();
  let asked: ReturnType<Supervisor["ask"]> | null = null;
  const onAbort = (): void => {
    aborted.resolve();
    asked?.inbox.stop();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for (let chances = 2; !signal.aborted;) {
      for (supervisor.wake(); supervisor.state.type === "loading"; supervisor.wake()) {
        // Whoever waits for a whole answer is sent away while a model is loaded for the first time; not for a few seconds.
        if (supervisor.state.first) yield { type: "loading", percent: supervisor.state.percent };
        await Promise.race([supervisor.change, aborted.promise]);
        if (signal.aborted) return;
      }
      if (supervisor.state.type === "down") {
        return yield { type: "failed", id: 0, failure: supervisor.state.failure };
      }
      asked = supervisor.ask((id) => ({ type: "generate", id, request }));
      const end = yield* untilCrash(asked.inbox);
      if (end === null) return;
      if (!end.waiting) chances -= 1;
      if (end.started || chances === 0) return yield end.report;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (asked !== null) supervisor.leave(asked.id);
  }
}

/** A crash, and how far the answer was. */
interface Crash {
  readonly report: Report;
  readonly started: boolean;
  readonly waiting: boolean;
}

/** Reports to their end; returns the crash that cut them, if one did. */
async function* untilCrash(inbox: Inbox): AsyncGenerator<Report, Crash | null> {
  let [started, waiting] = [false, false];
  for (let report = await inbox.take(); report !== null; report = await inbox.take()) {
    if (report.type === "failed" && report.failure.code === "engine_crashed") return { report, started, waiting };
    waiting = report.type === "queued";
    started ||= report.type === "started";
    yield report;
  }
  return null;
}

/** The deltas of one answer. */
class AnswerDeltas {
  readonly #tools: readonly EngineTool[];
  readonly #logprobs: LogprobTrack | null;
  readonly #log: Log;
  #reader: AnswerReader | null = null;
  #open: OpenItem["type"] | null = null;

  constructor(request: EngineRequest, log: Log) {
    this.#log = log;
    this.#tools = callableTools(request);
    this.#logprobs = request.topLogprobs === null ? null : new LogprobTrack();
  }

  *push(report: Report | Loading): Generator<Delta> {
    switch (report.type) {
      case "loading":
        return yield { kind: "progress", stage: "loading", done: report.percent, total: 100 };
      case "queued":
        return yield { kind: "progress", stage: "queued", done: 0, total: report.ahead };
      case "lost":
        count("antiphon_prefix_losses_total", { cause: report.loss.why });
        return this.#log.info("What was read of a thread is lost, and read again.", { ...report.loss });
      case "prefill":
        return yield { kind: "progress", stage: "prefill", done: report.done, total: report.total };
      case "started":
        this.#reader = createAnswerReader({ thinking: report.thinking, form: report.form, tools: this.#tools });
        return;
      case "piece":
        this.#logprobs?.push(report.logprobs ?? []);
        if (this.#reader !== null) yield* this.#noted(this.#reader.push(report.text));
        return;
      case "done":
        return yield* this.#end(report);
      case "failed":
        return yield { kind: "fail", failure: report.failure };
      case "counted":
        return;
    }
  }

  /** The same deltas; those of messages with their log probabilities. */
  *#noted(deltas: Generator<Delta>): Generator<Delta> {
    for (const delta of deltas) {
      if (delta.kind === "open") this.#open = delta.item.type;
      if (delta.kind !== "text" || this.#logprobs === null) {
        yield delta;
        continue;
      }
      const logprobs = this.#logprobs.take(delta.text);
      yield this.#open === "message" ? { ...delta, logprobs } : delta;
    }
  }

  *#end({ reason, usage }: Extract<Report, { type: "done" }>): Generator<Delta> {
    if (this.#reader !== null) yield* this.#noted(this.#reader.end(reason === "stop"));
    yield { kind: "usage", usage };
    if (reason === "stop" && this.#reader?.insideCall === true) {
      const message = "The model stopped in the middle of a tool call.";
      yield { kind: "fail", failure: { code: "server_error", message } };
    } else yield { kind: "finish", reason };
  }
}

/** Characters of a token, about; only for prompts that the template refuses. */
const charactersPerToken = 4;

async function countTokens(
  supervisor: Supervisor,
  request: EngineRequest,
): Promise<{ readonly input: number; readonly exact: boolean }> {
  for (supervisor.wake(); supervisor.state.type === "loading"; supervisor.wake()) await supervisor.change;
  if (supervisor.state.type === "down") throw new ApiError("server_error", supervisor.state.failure.message);
  const plain = withoutImages(request);
  const { id, inbox } = supervisor.ask((id) => ({ type: "count", id, request: plain }));
  const report = await inbox.take();
  supervisor.leave(id);
  if (report?.type === "counted") return { input: report.input, exact: report.exact };
  if (report?.type === "failed" && report.failure.code !== "template") {
    throw new ApiError(report.failure.code, report.failure.message);
  }
  const { messages, tools } = plain;
  return { input: Math.ceil(JSON.stringify([messages, tools]).length / charactersPerToken), exact: false };
}

/** Images are megabytes that the model would not see; a model that is told so can say so. */
function withoutImages(request: EngineRequest): EngineRequest {
  const messages = request.messages.map((message): EngineMessage =>
    message.role === "assistant" ? message : { ...message, content: message.content.map(asText) },
  );
  return { ...request, messages };
}

function asText(part: EnginePart): EnginePart {
  return part.type === "image" ? { type: "text", text: imagePlaceholder } : part;
}
