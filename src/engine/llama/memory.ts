/** Owns the question whether a model fits this machine, asked before it is loaded: llama.cpp would read it from disk for ever. */
import { stat } from "node:fs/promises";
import { totalmem } from "node:os";

const GiB = 1024 ** 3;

/** What a GPU has; `unifiedSize` of it is the machine's own. */
export interface GpuMemory {
  readonly total: number;
  readonly unifiedSize: number;
}

/** Bytes of memory that this process may use: the machine's, or its container's. */
export function machineMemory(): number {
  const total = totalmem();
  // 0, or more than there is, where nothing bounds it.
  return Math.min(total, process.constrainedMemory() || total);
}

/** What `files` take together. */
export async function bytesOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map((file) => stat(file)));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

/** Throws, in words for people, where weights of `bytes` do not fit at all. What a context takes is checked as it is made. */
export function demandMemory(bytes: number, machine: number, gpu: GpuMemory | null): void {
  const own = gpu === null ? 0 : Math.max(0, gpu.total - gpu.unifiedSize);
  if (bytes <= machine + own) return;
  const onGpu = own === 0 ? "" : ` and ${gibibytes(own)} on its GPU`;
  throw new Error(
    `The model's weights take ${gibibytes(bytes)}, but this machine has ${gibibytes(machine)} of memory${onGpu}. Choose a smaller model, or a smaller quantisation of it.`,
  );
}

function gibibytes(bytes: number): string {
  return `${(bytes / GiB).toFixed(1)} GiB`;
}
