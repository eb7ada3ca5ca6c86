/** Owns the reports of one request on their way from the engine process to whoever reads the answer. */
import { limits } from "../../limits.ts";
import type { Report } from "./protocol.ts";

export class Inbox {
  readonly #confirm: (pieces: number) => void;
  readonly #reports: Report[] = [];
  #taken = 0;
  #stopped = false;
  #wake: (() => void) | null = null;

  /** `confirm` is told now and then how many pieces were taken, so that the engine writes on. */
  constructor(confirm: (pieces: number) => void) {
    this.#confirm = confirm;
  }

  /** Of progress that nobody took yet only the last is kept. */
  push(report: Report): void {
    if (isProgress(report) && isProgress(this.#reports.at(-1))) this.#reports.pop();
    this.#reports.push(report);
    this.#wake?.();
  }

  /** Nothing more is wanted. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** The next report, which is waited for; null once stopped. */
  async take(): Promise<Report | null> {
    while (this.#reports.length === 0 && !this.#stopped) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const report = this.#stopped ? undefined : this.#reports.shift();
    if (report?.type === "piece") this.#count();
    return report ?? null;
  }

  #count(): void {
    this.#taken += 1;
    if (this.#taken < limits.engineConfirm) return;
    this.#confirm(this.#taken);
    this.#taken = 0;
  }
}

function isProgress(report: Report | undefined): boolean {
  return report?.type === "queued" || report?.type === "prefill";
}
