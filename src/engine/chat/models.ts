/** Owns the list of an upstream's models: asked for behind the requests, and never lost to an answer that fails. */
import type { ModelInfo } from "../engine.ts";

export class ModelList {
  readonly #ask: () => Promise<readonly ModelInfo[]>;
  readonly #freshMs: number;
  #known: readonly ModelInfo[] = [];
  #until = 0;
  #asking: Promise<void> | null = null;

  /** `ask` may throw; its answer counts as fresh for `freshMs`. */
  constructor(ask: () => Promise<readonly ModelInfo[]>, freshMs: number) {
    this.#ask = ask;
    this.#freshMs = freshMs;
  }

  /** The models last seen; waits for the upstream only while none ever was. */
  async get(): Promise<readonly ModelInfo[]> {
    if (performance.now() >= this.#until) this.#asking ??= this.#refresh();
    if (this.#known.length === 0) await this.#asking;
    return this.#known;
  }

  /** Takes images from what `id` can do, until the next answer. */
  blind(id: string): void {
    this.#known = this.#known.map((model) =>
      model.id === id ? { ...model, capabilities: { ...model.capabilities, images: false } } : model,
    );
  }

  /** An upstream that is busy, restarting or gone lists nothing; the client's own name would then go to it as a model. */
  async #refresh(): Promise<void> {
    const models = await this.#ask().catch(() => []);
    this.#asking = null;
    if (models.length === 0) return;
    this.#known = models;
    this.#until = performance.now() + this.#freshMs;
  }
}
