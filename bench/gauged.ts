/** Owns the programs that benches start, each in a process of its own that tells what it uses. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const gauge = fileURLToPath(new URL("gauge.js", import.meta.url));

export interface Used {
  /** Of all threads, in user mode and in the kernel, since the start. */
  readonly cpuMicroseconds: number;
  readonly peakMiB: number;
}

/** By how much its turns came later than they should, in milliseconds, since it was asked before. */
export interface Delays {
  readonly p99: number;
  readonly most: number;
}

/** A server in a process of its own. */
export class Gauged {
  /** Such as `http://127.0.0.1:8484`, without a path. */
  readonly origin: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, origin: string) {
    this.#child = child;
    this.origin = origin;
  }

  /** Starts the program in `file`, a path from this folder; resolves once it prints where it listens. */
  static async start(file: string, words: readonly string[] = []): Promise<Gauged> {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const execArgv = [...process.execArgv, "--import", gauge];
    const child = fork(path, words, { execArgv, stdio: ["ignore", "pipe", "inherit", "ipc"] });
    let printed = "";
    for await (const text of child.stdout?.setEncoding("utf8") ?? []) {
      printed += String(text);
      const [, origin] = /listening at (https?:\/\/[^\s/]+)/.exec(printed) ?? [];
      if (origin === undefined) continue;
      child.stdout?.resume();
      return new Gauged(child, origin);
    }
    throw new Error(`${file} ended before it listened: ${printed}`);
  }

  /** What the process has used so far. */
  async used(): Promise<Used> {
    return (await this.#ask("used")) as Used;
  }

  /** How late its turns have come since this was asked before; the first time it only begins to look. */
  async delays(): Promise<Delays> {
    return (await this.#ask("delays")) as Delays;
  }

  async #ask(question: string): Promise<unknown> {
    const answer = once(this.#child, "message");
    this.#child.send(question);
    const [told] = (await answer) as [unknown];
    return told;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }
}

/** Resolves once the server at `origin` has loaded its model. */
export async function ready(origin: string): Promise<void> {
  while (!(await fetch(`${origin}/health`)).ok) await sleep(100);
}
