/** Owns the running of other programs: their output is kept, and none outlives its limit or this one. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** A client that has not ended by then hangs. */
const clientMs = 180_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) kill(child);
});

export interface Ended {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It was killed at its limit. */
  readonly hung: boolean;
}

/** Runs `file` to its end, without standard input. */
export async function runProgram(
  file: string,
  words: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Ended> {
  const child = startProgram(file, words, options);
  const stdout = keep(child.stdout);
  const stderr = keep(child.stderr);
  let hung = false;
  const limit = setTimeout(() => {
    hung = true;
    kill(child);
  }, clientMs);
  try {
    const [exitCode] = (await once(child, "close")) as [number | null];
    return { exitCode, stdout: stdout.text(), stderr: stderr.text(), hung };
  } finally {
    clearTimeout(limit);
  }
}

/** A program with its output piped, and its input where asked, in a process group of its own: a client's children go down with it. */
export function startProgram(
  file: string,
  words: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly stdin?: "pipe" },
): ChildProcess {
  const { cwd, env, stdin = "ignore" } = options;
  const child = spawn(file, words, { cwd, env, stdio: [stdin, "pipe", "pipe"], detached: true });
  running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

/** Everything that `stream` has brought so far. */
export function keep(stream: NodeJS.ReadableStream | null): { text(): string } {
  let text = "";
  stream?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  return { text: () => text };
}

/** Ends it and its children, if it still runs. */
export function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    // The whole group; Windows has none.
    process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
  } catch {
    // It ended by itself in between.
  }
}
