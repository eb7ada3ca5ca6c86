/**
 * Owns what lies on disk of slots while no process holds their model. What was read of a thread is then read back instead of
 * anew: for a processor, minutes become seconds.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { messageOf } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { countOf, listOf, parse, textOf } from "../../spec/json.ts";
import type { Sequence } from "./binding.ts";
import type { LoadOptions } from "./protocol.ts";
import { keepable, type Slot } from "./slots.ts";

/** Where the slots of all models lie, and about how much of the disk they may take together. */
export interface SavePlace {
  readonly root: string;
  readonly bytes: number;
}

/** What came back into a slot. */
export interface SavedSlot {
  /** How many of the sequence's tokens were the prompt. */
  readonly prompt: number;
  readonly affinity: string | null;
}

/** How many slots were saved, and why not more, where there was trouble. */
export interface Kept {
  readonly slots: number;
  readonly trouble: string | null;
}

type Held = Slot & { readonly sequence: Sequence };

/** Lists the slots of its folder, the one used last first; each one's state lies beside it, under its place in the list. */
const index = "slots.json";

/**
 * The slots of one model as it is loaded now. They lie in a folder of their own; while a process writes it, that has a suffix,
 * so that no two write in one folder, and what one that died left is known.
 */
export class SavedSlots {
  readonly #place: SavePlace;
  readonly #name: string;

  private constructor(place: SavePlace, name: string) {
    this.#place = place;
    this.#name = name;
  }

  /** To be made before the weights are loaded: when the slots are saved, other files may have taken their place. */
  static async of(place: SavePlace, options: LoadOptions): Promise<SavedSlots> {
    const { modelFiles, packageFolder, slots, gpu } = options;
    const files = modelFiles.map(async (file) => {
      const { size, mtimeMs, ino } = (await stat(file).catch(() => null)) ?? {};
      return [file, size, mtimeMs, ino];
    });
    const about = [await Promise.all(files), basename(packageFolder), slots, gpu];
    return new SavedSlots(place, createHash("sha256").update(JSON.stringify(about)).digest("hex").slice(0, 32));
  }

  /** Saves `slots`, those used last first, as many as there is room and time for, in the place of what was saved before. */
  async save(slots: readonly Held[]): Promise<Kept> {
    await this.#sweep();
    const folder = this.#ours();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      const kept = await this.#write(folder, slots);
      if (kept.slots > 0) await this.#publish(folder);
      return kept;
    } finally {
      await remove(folder);
    }
  }

  /**
   * Reads back what was saved into `seats`, the slot used last first; it stays on disk until it is replaced. `renew` makes an
   * empty sequence of one in which a state may lie in part. Resolves with what lies in each of the first seats then.
   */
  async restore(
    seats: readonly { sequence: Sequence }[],
    renew: (sequence: Sequence) => Promise<Sequence>,
  ): Promise<readonly SavedSlot[]> {
    await this.#sweep();
    const list = await readFile(join(this.#published, index), "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
      throw error;
    });
    const restored: SavedSlot[] = [];
    const deadline = performance.now() + limits.engineSaveMs / 2;
    for (const [at, slot] of listOf(parse(list)).entries()) {
      const seat = seats[restored.length];
      if (seat === undefined || performance.now() > deadline) break;
      const file = join(this.#published, String(at));
      // Another server may replace it meanwhile, and one that lost its power leaves a part.
      if ((await stat(file).catch(() => null))?.size !== slot["bytes"]) continue;
      try {
        await seat.sequence.loadStateFromFile(file, { acceptRisk: true });
        const prompt = Math.min(countOf(slot["prompt"]) ?? 0, seat.sequence.nextTokenIndex);
        restored.push({ prompt, affinity: textOf(slot["affinity"]) });
      } catch {
        seat.sequence = await renew(seat.sequence);
      }
    }
    return restored;
  }

  async #write(folder: string, slots: readonly Held[]): Promise<Kept> {
    const deadline = performance.now() + limits.engineSaveMs / 2;
    const saved: (SavedSlot & { readonly bytes: number })[] = [];
    let room = this.#place.bytes;
    let trouble: string | null = null;
    for (const { sequence, prompt, affinity } of slots.toSorted((a, b) => b.used - a.used)) {
      if (performance.now() > deadline) break;
      const file = join(folder, String(saved.length));
      try {
        await settle(sequence, prompt);
        if (sequence.nextTokenIndex === 0) continue;
        const { fileSize: bytes } = await sequence.saveStateToFile(file);
        if (bytes > room) {
          await rm(file);
          break;
        }
        room -= bytes;
        saved.push({ prompt: Math.min(prompt, sequence.nextTokenIndex), affinity, bytes });
        await this.#makeRoom(room);
      } catch (error) {
        trouble = `${messageOf(error)} in ${this.#place.root}; the disk may be full`;
        await rm(file, { force: true });
        break;
      }
    }
    await this.#makeRoom(room);
    await writeFile(join(folder, index), JSON.stringify(saved));
    return { slots: saved.length, trouble };
  }

  get #published(): string {
    return join(this.#place.root, this.#name);
  }

  /** A folder that no other process uses. */
  #ours(): string {
    return join(this.#place.root, `${this.#name}.${randomBytes(8).toString("hex")}`);
  }

  /** Puts `folder` in the place of what was saved before; another server may do the same at the same time. */
  async #publish(folder: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await rename(folder, this.#published);
      } catch (error) {
        if (tries === limits.engineSaveTries) throw error;
        await remove(this.#published);
      }
    }
  }

  /** Deletes what was saved longest ago until the rest takes at most `bytes`. */
  async #makeRoom(bytes: number): Promise<void> {
    let room = bytes;
    for (const { path, size, unfinished } of (await this.#folders()).toSorted((a, b) => b.saved - a.saved)) {
      if (unfinished) continue;
      if (size > room) await remove(path);
      else room -= size;
    }
  }

  /** Deletes what processes left that ended while they wrote. */
  async #sweep(): Promise<void> {
    const abandoned = Date.now() - 2 * limits.engineSaveMs;
    for (const { path, saved, unfinished } of await this.#folders())
      if (unfinished && saved < abandoned) await remove(path);
  }

  /** All folders; those that go while it looks are empty. */
  async #folders(): Promise<readonly Folder[]> {
    const names = await readdir(this.#place.root).catch(() => []);
    return Promise.all(names.map((name) => weigh(join(this.#place.root, name))));
  }
}

interface Folder {
  readonly path: string;
  /** Bytes of its files. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly saved: number;
  /** Whether a process writes it, or died at that. */
  readonly unfinished: boolean;
}

async function weigh(path: string): Promise<Folder> {
  const names = await readdir(path).catch(() => []);
  const files = await Promise.all(names.map((name) => stat(join(path, name)).catch(() => null)));
  const saved = (await stat(path).catch(() => null))?.mtimeMs ?? 0;
  const size = files.reduce((sum, file) => sum + (file?.size ?? 0), 0);
  return { path, size, saved, unfinished: basename(path).includes(".") };
}

/** On Windows a scanner may hold what was just written. */
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: limits.engineSaveTries });
}

/**
 * Models that cannot forget are saved where the next turn goes on, at the prompt's end: their checkpoints are not saved. One
 * that was never led beyond it, as after a cancel or without a request, is there already.
 */
async function settle(sequence: Sequence, prompt: number): Promise<void> {
  if (!sequence.needsCheckpoints || sequence.nextTokenIndex <= prompt) return;
  const read = sequence.contextTokens.slice(0, Math.max(0, prompt - 1));
  await sequence.adaptStateToTokens(read.slice(0, keepable(sequence, read)), false);
}
