/** Owns one answer under way in the engine process: what is asked, and how far ahead of its reader it may be. */
import { limits } from "../../limits.ts";
import type { EngineRequest } from "../engine.ts";
import type { Token } from "./binding.ts";

export class Job {
  readonly id: number;
  readonly request: EngineRequest;
  readonly prompt: readonly Token[];
  /** The prompt already ended with `<think>`. */
  readonly thinking: boolean;
  #cancelled = false;
  /** Pieces sent that were not taken yet. */
  #ahead = 0;
  #wake: (() => void) | null = null;
  /** The place in the queue that was told last. */
  #told = Infinity;
  /** When llama.cpp began with the step it is at; null between steps. */
  #stepBegan: number | null = null;

  constructor(id: number, request: EngineRequest, prompt: readonly Token[], thinking: boolean) {
    this.id = id;
    this.request = request;
    this.prompt = prompt;
    this.thinking = thinking;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  get stuckMs(): number {
    return this.#stepBegan === null ? 0 : performance.now() - this.#stepBegan;
  }

  /** `step` of llama.cpp, which may hang. */
  async watch<T>(step: Promise<T>): Promise<T> {
    this.#stepBegan = performance.now();
    try {
      return await step;
    } finally {
      this.#stepBegan = null;
    }
  }

  cancel(): void {
    this.#cancelled = true;
    this.#wake?.();
  }

  /** Whether it is worth telling that it waits at `place`: each of a long queue's steps, told to all, would be too much. */
  movedTo(place: number): boolean {
    if (this.#told - place < Math.max(1, Math.floor(this.#told / limits.engineQueueSteps))) return false;
    this.#told = place;
    return true;
  }

  /** So many pieces were taken by the reader. */
  confirm(pieces: number): void {
    this.#ahead -= pieces;
    this.#wake?.();
  }

  /** Whether the reader is too far behind for another piece. */
  get isAhead(): boolean {
    return this.#ahead >= limits.engineAhead && !this.#cancelled;
  }

  /** Waits until it is not, or somebody cancels. */
  async caughtUp(): Promise<void> {
    while (this.isAhead) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Counts one piece more. */
  advance(): void {
    this.#ahead += 1;
  }
}
