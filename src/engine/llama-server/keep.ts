/** Owns the life of a llama-server that we started: its address, whether it serves, and that it is started again. */
import { randomBytes } from "node:crypto";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { limits } from "../../limits.ts";
import type { Log } from "../../log.ts";
import { Crashes } from "../crashes.ts";
import type { KeepNotice, KeepOrder } from "./protocol.ts";

/** The keeper stands beside this file, as source in a checkout and as JavaScript in the package. */
const keeper = fileURLToPath(new URL(`./keeper${extname(import.meta.url)}`, import.meta.url));

export interface KeptOptions {
  /** By path, or by a name on PATH. */
  readonly program: string;
  /** Its flags, but for address and key. */
  readonly words: readonly string[];
  /** Milliseconds after the last of many crashes before a request starts it once more, where not those in `limits`. */
  readonly calmMs?: number | undefined;
  readonly log: Log;
}

/** `down`: given up, for the reason that is told. */
export type KeptState = { readonly type: "running" } | { readonly type: "down"; readonly message: string };

export class Kept {
  readonly address: string;
  /** Only we know it, so that nobody else on this machine uses the server past our own door. */
  readonly key = randomBytes(24).toString("hex");
  /** Whether the present process takes connections, as far as somebody noted. */
  heard = false;
  readonly #options: KeptOptions;
  readonly #port: number;
  readonly #crashes: Crashes;
  #process: ChildProcess | null = null;
  #state: KeptState = { type: "running" };
  #starts = 0;
  #restart: NodeJS.Timeout | null = null;
  #lastWords = "";
  #closed = false;
  /** Whether the program could be started was told. */
  readonly #tried = Promise.withResolvers<void>();

  private constructor(options: KeptOptions, port: number) {
    this.#options = options;
    this.#crashes = new Crashes(options.calmMs);
    this.#port = port;
    this.address = `http://127.0.0.1:${port}`;
    this.#start();
  }

  /** Starts it, on a port that is free; `state` tells whether there is such a program. */
  static async start(options: KeptOptions): Promise<Kept> {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, "close");
    const kept = new Kept(options, port);
    await kept.#tried.promise;
    return kept;
  }

  get state(): KeptState {
    return this.#state;
  }

  /** How often it was started: another number, another process. */
  get starts(): number {
    return this.#starts;
  }

  /** Number of the keeper's process while there is one. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** An answer was written to its end. */
  answered(): void {
    this.#crashes.recovered();
  }

  /** Starts it again where it was given up for crashes that are long ago. */
  wake(): void {
    if (this.#closed || this.#state.type !== "down" || !this.#crashes.calm) return;
    this.#state = { type: "running" };
    this.#start();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const ending = this.#process;
    this.#state = { type: "down", message: "The server is shutting down." };
    if (ending === null) return;
    const exit = once(ending, "exit").catch(() => undefined);
    if (ending.connected) ending.disconnect();
    const patience = new AbortController();
    const kill = sleep(limits.engineCloseMs, undefined, { signal: patience.signal }).then(
      () => ending.kill("SIGKILL"),
      () => undefined,
    );
    await exit;
    patience.abort();
    await kill;
  }

  #start(): void {
    const { program, words } = this.#options;
    const own = fork(keeper, [], { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#process = own;
    this.#starts += 1;
    this.heard = false;
    this.#lastWords = "";
    own.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-limits.engineStderrChars);
    });
    const exited = (how: string): void => {
      if (this.#process === own) this.#exited(how);
    };
    let held: number | null = null;
    own.on("message", ({ pid }: KeepNotice) => {
      held = pid;
      this.#tried.resolve();
    });
    own.once("exit", (code, signal) => {
      // A keeper that was killed leaves its llama-server behind, with our port; one that ends by itself does not.
      if (signal !== null && held !== null) kill(held);
      exited(signal ?? `exit code ${code}`);
    });
    // It could not be started at all, or a message could not be sent to it.
    own.on("error", (error) => {
      own.kill("SIGKILL");
      // The channel to a process that never was stays open by itself, and we with it.
      if (own.connected) own.disconnect();
      exited(error.message);
    });
    const place = ["--host", "127.0.0.1", "--port", String(this.#port)];
    // The key is no word of the command line, which everybody on the machine can read.
    const order: KeepOrder = { program, words: [...words, ...place], env: { LLAMA_API_KEY: this.key } };
    if (own.connected) own.send(order);
  }

  #exited(how: string): void {
    this.#process = null;
    this.heard = false;
    if (this.#closed) return;
    const lastWords = this.#lastWords.trim();
    const pause = this.#crashes.pause();
    this.#tried.resolve();
    if (/^spawn .* ENOENT$/m.test(lastWords)) {
      const message = `${this.#options.program} was not found: install llama.cpp's server, or name it with --llama-server.`;
      this.#state = { type: "down", message };
      return;
    }
    this.#options.log.warn("llama-server ended.", { how, lastWords: lastWords.split("\n").slice(-3).join(" / ") });
    if (pause === null) {
      const message = `llama-server ended ${limits.engineCrashes} times within a minute: ${complaintIn(lastWords) ?? how}`;
      this.#options.log.error(message);
      this.#state = { type: "down", message };
      return;
    }
    this.#restart = setTimeout(() => this.#start(), pause);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** The line in which it says why; after it come others about how it ends. */
function complaintIn(words: string): string | null {
  const lines = words.split("\n").flatMap((line) => line.trim() || []);
  return lines.find((line) => /error|ENOENT|failed/i.test(line)) ?? lines.at(-1) ?? null;
}
