/** Owns the making of embedded engines for tests: the scripted model in a folder of its own, the engine package shared. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../../../src/engine/engine.ts";
import { createLlamaEngine, type LlamaEngine, type LlamaOptions } from "../../../src/engine/llama/host.ts";
import { ensureEnginePackage } from "../../../src/engine/llama/install.ts";
import { ensureFolder, locateFolders } from "../../../src/folders.ts";
import { silentLog } from "../../../src/log.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { chatTemplate } from "../../../src/model/scripted-text.ts";

/** The engine package, installed once for all tests and for the product itself. */
export function enginePackage(): Promise<string> {
  const folder = ensureFolder(locateFolders().cache);
  return ensureEnginePackage({ folder, gpu: "off", report: () => undefined, log: silentLog });
}

export interface MadeEngine {
  readonly engine: LlamaEngine;
  /** The model's file. */
  readonly path: string;
  close(): Promise<void>;
}

/** An engine that begins to load the scripted model; one thread, since tests share the machine. */
export async function scriptedEngine(options: Partial<LlamaOptions> = {}): Promise<MadeEngine> {
  const folder = await mkdtemp(join(tmpdir(), "antiphon-llama-"));
  const path = options.modelPath ?? join(folder, "scripted.gguf");
  if (options.modelPath === undefined) await writeScriptedModel(path);
  const engine = createLlamaEngine({
    modelId: "scripted",
    modelPath: path,
    modelFiles: [path],
    packageFolder: enginePackage,
    contextSize: null,
    threads: 1,
    slots: 4,
    gpu: false,
    idleMs: null,
    log: silentLog,
    ...options,
  });
  return {
    engine,
    path,
    async close() {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs `use` with an engine of its own. */
export async function withEngine(
  options: Partial<LlamaOptions>,
  use: (made: MadeEngine) => Promise<void>,
): Promise<void> {
  const made = await scriptedEngine(options);
  try {
    await use(made);
  } finally {
    await made.close();
  }
}

/** Writes the scripted model with another chat template, which must not be longer than its own. */
export async function writeScriptedModelWith(template: string, path: string): Promise<void> {
  await writeScriptedModel(path);
  const file = await readFile(path);
  const at = file.indexOf(chatTemplate);
  const room = Buffer.byteLength(chatTemplate);
  assert.ok(at > 0 && Buffer.byteLength(template) + 4 <= room);
  const comment = `{#${" ".repeat(room - Buffer.byteLength(template) - 4)}#}`;
  file.write(template + comment, at);
  await writeFile(path, file);
}

/** Resolves once `engine` serves or has given up. */
export async function loaded(engine: Engine): Promise<void> {
  for (;;) {
    if ((await engine.health()).state !== "loading") return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
