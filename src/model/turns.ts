/** Owns the turn-taking of processes that fetch the same file: one fetches, the others wait for it. */
import { open, rm, stat, utimes } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "../limits.ts";

/**
 * Runs `work` while no other process does so for `path`, which it marks by `path.lock`. A mark that its process has stopped to
 * renew is taken over. Rejects with the reason of `signal` while it waits.
 */
export async function inTurn<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  while (!(await claim(lock))) await sleep(limits.lockPollMs, undefined, { signal });
  const renewing = setInterval(() => {
    const now = new Date();
    void utimes(lock, now, now).catch(() => undefined);
  }, limits.lockRenewMs);
  try {
    return await work();
  } finally {
    clearInterval(renewing);
    await rm(lock, { force: true });
  }
}

async function claim(lock: string): Promise<boolean> {
  try {
    await (await open(lock, "wx")).close();
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const age = Date.now() - ((await stat(lock).catch(() => null))?.mtimeMs ?? Date.now());
  if (age > limits.lockStaleMs) await rm(lock, { force: true });
  return false;
}
