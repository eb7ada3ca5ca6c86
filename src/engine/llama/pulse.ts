/** Owns the watch over a busy engine process: it must answer, and llama.cpp must get on, or it counts as hung. */
import { limits } from "../../limits.ts";

export interface PulseOptions {
  readonly ping: () => void;
  /** Told once. */
  readonly onHang: () => void;
  /** Instead of those in `limits`. */
  readonly pingMs?: number | undefined;
  readonly stuckMs?: number | undefined;
}

export class Pulse {
  readonly #options: PulseOptions;
  readonly #stuckMs: number;
  #timer: NodeJS.Timeout | null = null;
  #heard = 0;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#stuckMs = options.stuckMs ?? limits.engineStuckMs;
  }

  /** From now on there is work. */
  start(): void {
    if (this.#timer !== null) return;
    this.#heard = performance.now();
    this.#timer = setInterval(() => this.#beat(), this.#options.pingMs ?? limits.enginePingMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** The process answered: its present step takes so long by now. */
  heard(stuckMs: number): void {
    this.#heard = performance.now();
    if (stuckMs >= this.#stuckMs) this.#hang();
  }

  #beat(): void {
    if (performance.now() - this.#heard >= this.#stuckMs) return this.#hang();
    this.#options.ping();
  }

  #hang(): void {
    if (this.#timer === null) return;
    this.stop();
    this.#options.onHang();
  }
}
