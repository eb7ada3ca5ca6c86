/**
 * Owns what lies on disk of slots while no process holds their model. What was read of a thread is then read back instead of
 * anew: for a processor, minutes become seconds.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { countOf, listOf, parse, textOf } from "../../spec/json.ts";
import type { Sequence } from "./binding.ts";
import type { LoadedModel, LoadOptions } from "./protocol.ts";
import { keepable, type Slot } from "./slots.ts";

/** Where slots of all models lie, and how much of the disk they may take together. */
export interface SavePlace {
  readonly root: string;
  readonly bytes: number;
}

export interface SavedSlot {
  /** How many of the sequence's tokens were the prompt. */
  readonly prompt: number;
  readonly affinity: string | null;
}

type Held = Slot & { readonly sequence: Sequence };

/** Lists the slots of its folder, the one used last first; each one's state lies beside it, under its place in the list. */
const index = "slots.json";

/** The folder of what fits this model as it is loaded now; llama.cpp refuses, or misreads, the state of any other. */
export async function savedName(options: LoadOptions, { contextLength, device }: LoadedModel): Promise<string> {
  const { modelPath, packageFolder, slots } = options;
  const { size, mtimeMs } = await stat(modelPath);
  const about = [modelPath, size, mtimeMs, basename(packageFolder), contextLength, slots, device];
  return createHash("sha256").update(JSON.stringify(about)).digest("hex").slice(0, 32);
}

/** Saves the slots used last, as many as fit; resolves with how many that were. What other models saved longest ago makes room. */
export async function saveSlots({ root, bytes }: SavePlace, name: string, slots: readonly Held[]): Promise<number> {
  // Another server may do the same: whole folders take each other's place.
  const unfinished = join(root, `${name}.${process.pid}`);
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  const saved: SavedSlot[] = [];
  let taken = 0;
  for (const { sequence, prompt, affinity } of slots.toSorted((a, b) => b.used - a.used)) {
    await settle(sequence, prompt);
    if (sequence.nextTokenIndex === 0) continue;
    const file = join(unfinished, String(saved.length));
    const { fileSize } = await sequence.saveStateToFile(file);
    taken += fileSize;
    if (taken > bytes) {
      await rm(file);
      break;
    }
    saved.push({ prompt: Math.min(prompt, sequence.nextTokenIndex), affinity });
  }
  await writeFile(join(unfinished, index), JSON.stringify(saved));
  const folder = join(root, name);
  await rm(folder, { recursive: true, force: true });
  if (saved.length === 0) await rm(unfinished, { recursive: true, force: true });
  else await rename(unfinished, folder);
  await makeRoom(root, bytes);
  return saved.length;
}

/**
 * Reads back what was saved under `name`, the slot used last first, and deletes it: were it the state that kills llama.cpp,
 * the next process would not meet it. Resolves with what lies in each of the first sequences now.
 */
export async function restoreSlots(
  { root }: SavePlace,
  name: string,
  sequences: readonly Sequence[],
): Promise<readonly SavedSlot[]> {
  const claimed = join(root, `${name}.${process.pid}`);
  try {
    await rename(join(root, name), claimed);
  } catch {
    return [];
  }
  const restored: SavedSlot[] = [];
  try {
    const saved = listOf(parse(await readFile(join(claimed, index), "utf8").catch(() => "")));
    for (const [at, slot] of saved.slice(0, sequences.length).entries()) {
      const sequence = sequences[restored.length];
      if (sequence === undefined || !(await reads(sequence, join(claimed, String(at))))) continue;
      const prompt = Math.min(countOf(slot["prompt"]) ?? 0, sequence.nextTokenIndex);
      restored.push({ prompt, affinity: textOf(slot["affinity"]) });
    }
  } finally {
    await rm(claimed, { recursive: true, force: true });
  }
  return restored;
}

/** Whether the state in `file` is that of `sequence` now; it is empty where not. */
async function reads(sequence: Sequence, file: string): Promise<boolean> {
  try {
    await sequence.loadStateFromFile(file, { acceptRisk: true });
    return true;
  } catch {
    await sequence.clearHistory();
    return false;
  }
}

/** Models that cannot forget are saved where the next turn goes on, at the prompt's end: their checkpoints are not saved. */
async function settle(sequence: Sequence, prompt: number): Promise<void> {
  if (!sequence.needsCheckpoints) return;
  const read = sequence.contextTokens.slice(0, Math.max(0, prompt - 1));
  await sequence.adaptStateToTokens(read.slice(0, keepable(sequence, read)), false);
}

/** Deletes what was saved longest ago until all of it takes at most `bytes`. */
async function makeRoom(root: string, bytes: number): Promise<void> {
  const folders = await Promise.all((await readdir(root)).map((name) => weigh(join(root, name))));
  folders.sort((a, b) => b.saved - a.saved);
  let taken = 0;
  for (const folder of folders) {
    taken += folder.bytes;
    if (taken > bytes) await rm(folder.path, { recursive: true, force: true });
  }
}

async function weigh(path: string): Promise<{ readonly path: string; readonly saved: number; readonly bytes: number }> {
  // Another process may just have taken it.
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(names.map((name) => stat(join(path, name)).catch(() => null)));
  const saved = (await stat(path).catch(() => null))?.mtimeMs ?? 0;
  return { path, saved, bytes: sizes.reduce((sum, file) => sum + (file?.size ?? 0), 0) };
}
