/** Owns the running of the whole program in tests, as its own process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly child: ChildProcess;
  /** Base URL, once the program says that it listens; rejects with what it printed when it ends before. */
  readonly address: Promise<string>;
  readonly ended: Promise<Ended>;
}

/** Starts the program with `words`; `env` is added to this process's. */
export function startProgram(words: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(process.execPath, [main, ...words], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then((): Ended => ({ code: child.exitCode, stdout, stderr }));
  const address = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      const [, found] = /listening at (\S+)/.exec(stdout) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`the program ended: ${stdout}${stderr}`)));
  });
  address.catch(() => undefined);
  return { child, address, ended };
}
