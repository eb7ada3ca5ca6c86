/** Owns our server as the clients meet it: `serve` as a program of its own. */
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { keep, startProgram } from "./program.ts";

/** Until it answers; where nothing is cached yet, the engine package is installed in this time. */
const readyMs = 300_000;
const pollMs = 50;

const root = join(import.meta.dirname, "..", "..");

export interface Served {
  /** Such as `http://127.0.0.1:1234`. */
  readonly address: string;
  /** What it printed when it was ready. */
  readonly welcome: string;
  /** What it has logged. */
  log(): string;
  /** Asks it to end, and returns its exit code. */
  stop(): Promise<number | null>;
}

/** Starts `serve` with `words` on a free port and waits until it would answer; `folder` is for its files. */
export async function startServer(words: readonly string[], folder: string): Promise<Served> {
  mkdirSync(folder, { recursive: true });
  const settings = join(folder, "antiphon.toml");
  writeFileSync(settings, "");
  const child = startProgram(
    process.execPath,
    [join(root, "src", "main.ts"), "serve", "--port", "0", "--config", settings, ...words],
    { cwd: folder, env: withoutSettings(process.env) },
  );
  const stdout = keep(child.stdout);
  const stderr = keep(child.stderr);
  const closed = once(child, "close") as Promise<[number | null]>;
  const limit = AbortSignal.timeout(readyMs);
  for (;;) {
    const address = /listening at (http:\/\/\S+)\/v1/.exec(stdout.text())?.[1];
    if (address !== undefined && (await isReady(address))) {
      const stop = async (): Promise<number | null> => {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error("The server had ended by itself.");
        child.kill("SIGTERM");
        return (await closed)[0];
      };
      return { address, welcome: stdout.text(), log: () => stderr.text(), stop };
    }
    if (child.exitCode !== null || limit.aborted) {
      throw new Error(`The server did not start:\n${stdout.text()}${stderr.text()}`);
    }
    await pause(pollMs);
  }
}

async function isReady(address: string): Promise<boolean> {
  const response = await fetch(`${address}/health`);
  await response.body?.cancel();
  return response.ok;
}

/** `env` without what would change the server: only where its files lie may come from outside. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith("ANTIPHON_") || name === "ANTIPHON_HOME"),
  );
}
