/** Owns the words of this room: weights that were found, the surroundings they are looked for in, and the error. */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Folders } from "../folders.ts";
import type { Log, ReportWork } from "../log.ts";

/** A model file on this machine. */
export interface Weights {
  /** The name that clients see, as `qwen3-0.6b`. */
  readonly id: string;
  /** A GGUF file; the first of them where a model comes in several. */
  readonly path: string;
  /** All its files, that one first. */
  readonly files: readonly string[];
  /** What to type after `--model` to get it again. */
  readonly source: string;
  /** What it is good for, in one phrase. */
  readonly note: string;
}

/** A model that another program holds. */
export interface Neighbour {
  /** What to type behind the scheme. */
  readonly name: string;
  readonly path: string;
}

/** Where weights are looked for, and whom to tell about it. */
export interface Surroundings {
  readonly folders: Folders;
  readonly report: ReportWork;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
}

/** No weights: the message is for the terminal, and says what to do. */
export class ModelError extends Error {
  override readonly name = "ModelError";
}

const split = /-\d{5}-of-\d{5}(?=\.gguf$)/i;
const quantisation = /[-._](?:UD-)?(?:I?Q\d\w*|MXFP\d\w*|B?F16|F32)$/i;

/** The model's name from its file's: `Qwen3-0.6B-Q4_K_M.gguf` is `qwen3-0.6b`. */
export function nameOf(path: string): string {
  const name = basename(path)
    .replace(split, "")
    .replace(/\.gguf$/i, "");
  return (name.replace(quantisation, "") || name).toLowerCase();
}

/** Whether `file` is a model to be loaded: not a projector for images, and no later part of a split model. */
export function isModelFile(file: string): boolean {
  const name = basename(file).toLowerCase();
  const part = split.exec(name)?.[0];
  return name.endsWith(".gguf") && !name.includes("mmproj") && (!part || part.startsWith("-00001-"));
}

/** All files of the model that begins with `file`, itself included. */
export function partsOf(file: string, files: readonly string[]): readonly string[] {
  const whole = file.replace(split, "");
  return split.test(file)
    ? files.filter((other) => split.test(other) && other.replace(split, "") === whole).sort()
    : [file];
}

/** All files of the model whose first is at `path`. */
export async function filesOf(path: string): Promise<readonly string[]> {
  const folder = dirname(path);
  const parts = split.test(path) ? partsOf(basename(path), await readdir(folder)) : [basename(path)];
  return parts.map((part) => join(folder, part));
}

/** Those of `files` that are not parts of a model of which others are missing. */
export function wholeFiles(files: readonly string[]): readonly string[] {
  return files.filter((file) => {
    const expected = Number(/-of-(\d{5})\.gguf$/i.exec(file)?.[1] ?? 1);
    return partsOf(file, files).length === expected;
  });
}
