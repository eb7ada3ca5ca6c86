/** Owns the loading of llama.cpp into the test's own process, for what needs its parts rather than an answer. */
import { loadBinding, type Llama, type Model } from "../../../src/engine/llama/binding.ts";
import { enginePackage } from "./engine.ts";

/** llama.cpp with one thread and without a model. */
export async function nativeLlama(): Promise<Llama> {
  const { getLlama } = await loadBinding(await enginePackage());
  return getLlama({
    build: "never",
    gpu: "auto",
    maxThreads: 1,
    progressLogs: false,
    skipDownload: true,
    logger: () => undefined,
  });
}

export function loadModel(llama: Llama, modelPath: string): Promise<Model> {
  return llama.loadModel({ modelPath, onLoadProgress: () => undefined });
}
