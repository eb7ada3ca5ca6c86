/** Owns one engine process as the server sees it: forks it, speaks with it, keeps its last words, ends it. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { limits } from "../../limits.ts";
import type { Notice, Order, Report, Saved } from "./protocol.ts";

export interface LinkEvents {
  readonly onMessage: (message: Notice | Report) => void;
  /** Called once. `how`: exit code or signal, for people; `lastWords`: the end of what it wrote on standard error. */
  readonly onExit: (how: string, lastWords: string) => void;
}

/** The child stands beside this file, as source in a checkout and as JavaScript in the package. */
const child = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));

export class Link {
  readonly #process: ChildProcess;
  readonly #saved = Promise.withResolvers<Saved | null>();
  #lastWords = "";
  #exited = false;

  constructor({ onMessage, onExit }: LinkEvents) {
    this.#process = fork(child, [], {
      // Flags of the server's own Node (inspector, test runner) are none of the child's business.
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-limits.engineStderrChars);
    });
    this.#process.on("message", (message) => {
      const said = message as Notice | Report | Saved;
      if (said.type === "saved") this.#saved.resolve(said);
      else onMessage(said);
    });
    const exited = (how: string): void => {
      if (this.#exited) return;
      this.#exited = true;
      this.#saved.resolve(null);
      onExit(how, this.#lastWords.trim());
    };
    this.#process.on("exit", (code, signal) => exited(signal ?? `exit code ${code}`));
    // It could not be started at all, or a message could not be sent to it.
    this.#process.on("error", (error) => {
      this.#process.kill("SIGKILL");
      // A channel to a process that never was would keep this one alive.
      if (this.#process.connected) this.#process.disconnect();
      exited(error.message);
    });
  }

  /** Process number, for operators and tests. */
  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  send(order: Order): void {
    if (this.#process.connected) this.#process.send(order);
  }

  /** Ends it at once, as a crash would. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** Has it save its slots before it ends; null where it did not within `limits.engineSaveMs`. */
  async save(): Promise<Saved | null> {
    this.send({ type: "save" });
    const patience = setTimeout(() => this.#saved.resolve(null), limits.engineSaveMs);
    const saved = await this.#saved.promise;
    clearTimeout(patience);
    return saved;
  }

  /** Ends the process; it ends by itself when it is cut off, and is killed if it does not. */
  async end(): Promise<void> {
    if (this.#exited) return;
    const exit = once(this.#process, "exit").catch(() => undefined);
    if (this.#process.connected) this.#process.disconnect();
    const patience = new AbortController();
    const kill = sleep(limits.engineCloseMs, undefined, { signal: patience.signal }).then(
      () => this.#process.kill("SIGKILL"),
      () => undefined,
    );
    await exit;
    patience.abort();
    await kill;
  }
}
