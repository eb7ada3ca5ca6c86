/**
 * Owns the engine over a llama-server of our own: for images, several GPUs, and models that only it can load. To us it is an
 * upstream like others, but for its life.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "../../limits.ts";
import type { Log } from "../../log.ts";
import { createChatEngine } from "../chat/chat.ts";
import type { Delta, Engine, EngineRequest, Health } from "../engine.ts";
import { Kept } from "./keep.ts";

export interface LlamaServerOptions {
  /** By path, or by a name on PATH. */
  readonly program: string;
  /** Name under which the model is served. */
  readonly modelId: string;
  /** A GGUF file. */
  readonly modelPath: string;
  /** Tokens of one conversation; null: what llama-server chooses. */
  readonly contextSize: number | null;
  readonly threads: number | null;
  /** Answers written at the same time. */
  readonly slots: number;
  readonly gpu: boolean;
  /** Further flags, as the operator wrote them. */
  readonly words: readonly string[];
  /** Instead of that in `limits`: after the last of many crashes, before a request starts the program once more. */
  readonly calmMs?: number;
  readonly log: Log;
}

export interface LlamaServerEngine extends Engine {
  readonly pid: number | null;
  /** Its health once the model is loaded, or can never be. */
  settled(): Promise<Health>;
}

/** Starts llama-server, and returns before it has loaded the model. */
export async function createLlamaServerEngine(options: LlamaServerOptions): Promise<LlamaServerEngine> {
  const { program, modelId, contextSize, calmMs, log } = options;
  const kept = await Kept.start({ program, words: wordsOf(options), calmMs, log });
  const chat = createChatEngine({ baseUrl: kept.address, apiKey: kept.key, dialect: "llama-server", log });
  const health = async (): Promise<Health> => {
    if (kept.state.type === "down") return { state: "down", detail: kept.state.message };
    const { state, detail } = await chat.health();
    // What does not listen yet is about to.
    return state === "ready" ? { state, detail } : { state: "loading", detail: "llama-server loads the model." };
  };
  return {
    get pid() {
      return kept.pid;
    },
    async models() {
      const found = await chat.models().catch(() => []);
      // While it loads it tells of no model.
      const unknown = { contextLength: contextSize, capabilities: { images: false, reasoning: true, schemas: true } };
      return found.length > 0 ? found : [{ id: modelId, ...unknown }];
    },
    generate: (request, signal) => generate(kept, chat, request, signal),
    countTokens: (request) => chat.countTokens(request),
    health,
    async settled() {
      for (;;) {
        const found = await health();
        if (found.state !== "loading") return found;
        await sleep(limits.llamaServerPollMs);
      }
    },
    async close() {
      await chat.close();
      await kept.close();
    },
  };
}

/** A request of which nothing was written when the process ended is asked once more of the next one. */
async function* generate(kept: Kept, chat: Engine, request: EngineRequest, signal: AbortSignal): AsyncGenerator<Delta> {
  for (const last of [false, true]) {
    kept.wake();
    await listening(kept, chat, signal);
    if (signal.aborted) return;
    if (kept.state.type === "down") return yield failed(kept.state.message);
    const { starts } = kept;
    let begun = false;
    for await (const delta of chat.generate(request, signal)) {
      if (delta.kind === "fail" && !begun && !last && (await ended(kept, starts))) break;
      begun ||= delta.kind !== "progress";
      if (delta.kind === "finish") kept.answered();
      yield delta;
      if (delta.kind === "finish" || delta.kind === "fail") return;
    }
    if (signal.aborted || begun) return;
  }
}

/** Waits until it takes connections, or never will. It does so before its model is loaded. */
async function listening(kept: Kept, chat: Engine, signal: AbortSignal): Promise<void> {
  while (!kept.heard && !signal.aborted && kept.state.type === "running") {
    if ((await chat.health()).state !== "down") kept.heard = true;
    else await sleep(limits.llamaServerPollMs);
  }
}

/** Whether the process of that start is gone, and another one will come. */
async function ended(kept: Kept, starts: number): Promise<boolean> {
  // The connection is cut before the exit is heard of.
  await sleep(limits.llamaServerPollMs);
  return kept.state.type === "running" && (kept.starts !== starts || kept.pid === null);
}

function failed(message: string): Delta {
  return { kind: "fail", failure: { code: "engine_crashed", message } };
}

function wordsOf({ modelId, modelPath, contextSize, threads, slots, gpu, words }: LlamaServerOptions): string[] {
  return [
    "--model",
    modelPath,
    "--alias",
    modelId,
    "--parallel",
    String(slots),
    "--jinja",
    "--no-webui",
    ...(contextSize === null ? [] : ["--ctx-size", String(contextSize * slots)]),
    ...(threads === null ? [] : ["--threads", String(threads)]),
    ...(gpu ? [] : ["--n-gpu-layers", "0"]),
    ...words,
  ];
}
