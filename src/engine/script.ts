/** Owns the script engine: plays a fixed program of deltas, so that tests can say exactly what a model does. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Delta, Engine, EngineRequest, ModelInfo } from "./engine.ts";

/** A step of a program: a delta to send, or a pause in milliseconds before the next. */
export type Step = Delta | number;

/** The program for a request; called once a `generate`, so a script may answer each turn differently. */
export type Script = (request: EngineRequest, signal: AbortSignal) => Iterable<Step> | AsyncIterable<Step>;

const scripted: ModelInfo = {
  id: "script",
  contextLength: 131_072,
  capabilities: { images: true, reasoning: true, schemas: false },
};

export function createScriptEngine(script: Script, model: ModelInfo = scripted): Engine {
  return {
    models: () => Promise.resolve([model]),
    async *generate(request, signal) {
      for await (const step of script(request, signal)) {
        if (signal.aborted) return;
        if (typeof step !== "number") yield step;
        else await sleep(step, undefined, { signal }).catch(() => undefined);
      }
    },
    countTokens: (request) => Promise.resolve({ input: JSON.stringify(request.messages).length, exact: false }),
    health: () => Promise.resolve({ state: "ready", detail: null }),
    close: () => Promise.resolve(),
  };
}
