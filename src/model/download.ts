/** Owns fetching one large file: resumed where it broke off, retried, checked, and put in place only when whole. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../errors.ts";
import { ensureFolder } from "../folders.ts";
import { limits } from "../limits.ts";
import type { Work } from "../log.ts";
import { isGguf } from "./gguf.ts";
import { inTurn } from "./turns.ts";
import { ModelError, type Surroundings } from "./weights.ts";

export interface Remote {
  readonly url: string;
  /** Sent to the origin of `url` only: a hub redirects to storage hosts that must not see the token. */
  readonly token: string | null;
}

/** The other side answered, but not with what was asked for. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly status: number;
  /** As in Answer. */
  readonly sha256: string | null;

  constructor(status: number, url: string, sha256: string | null) {
    super(`${new URL(url).host} answered ${status}`);
    this.status = status;
    this.sha256 = sha256;
  }
}

/** Nobody answered, or the connection broke. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** A response whose headers are there; `sha256` is what the hub says the whole file has, where it does. */
export interface Answer {
  readonly response: Response;
  readonly sha256: string | null;
  /** To be called on every chunk, or the transfer counts as stalled. */
  readonly alive: () => void;
  readonly done: () => void;
}

/** Sends a GET, follows redirects, and fails within `limits.hubConnectMs` where nobody answers. */
export async function ask(remote: Remote, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error("timed out")), limits.hubConnectMs);
  const done = (): void => clearTimeout(timer);
  let stall: NodeJS.Timeout | undefined;
  const origin = new URL(remote.url).origin;
  let url = remote.url;
  let sha256: string | null = null;
  try {
    for (let hop = 0; hop <= limits.hubRedirects; hop++) {
      const own = new URL(url).origin === origin && remote.token ? { authorization: `Bearer ${remote.token}` } : {};
      const response = await fetch(url, {
        headers: { "user-agent": "antiphon", ...headers, ...own },
        redirect: "manual",
        signal: AbortSignal.any([signal, silence.signal]),
      });
      // The hub names the file's checksum on its redirect to storage, not on the file itself.
      sha256 ??= checksumIn(response.headers);
      const location = response.headers.get("location");
      if (response.status >= 300 && response.status < 400 && location) {
        await response.body?.cancel();
        url = new URL(location, url).href;
        continue;
      }
      if (!response.ok) {
        await response.body?.cancel();
        throw new RefusedError(response.status, url, sha256);
      }
      done();
      const alive = (): void => {
        clearTimeout(stall);
        stall = setTimeout(() => silence.abort(new Error("stalled")), limits.downloadStallMs);
      };
      alive();
      return { response, sha256, alive, done: () => clearTimeout(stall) };
    }
    throw new UnreachableError(`${new URL(remote.url).host} redirects in circles`);
  } catch (error) {
    done();
    throw broken(error, remote.url, signal);
  }
}

function checksumIn(headers: Headers): string | null {
  const etag = headers.get("x-linked-etag") ?? "";
  return /^"?([0-9a-f]{64})"?$/.exec(etag)?.[1] ?? null;
}

/** fetch says only "fetch failed"; the reason is the cause. */
function broken(error: unknown, url: string, signal: AbortSignal): unknown {
  if (signal.aborted || error instanceof RefusedError || error instanceof UnreachableError) return error;
  const reason = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
  return new UnreachableError(`${new URL(url).host} cannot be reached (${reason})`);
}

/**
 * Fetches a GGUF file to `path`. Lost connections are taken up again where they broke, also by a later call: what has
 * arrived waits in `path.part`. Rejects with RefusedError, UnreachableError, ModelError (disk full, damaged file) or the
 * reason of `around.signal`.
 */
export async function download(remote: Remote, path: string, label: string, around: Surroundings): Promise<void> {
  ensureFolder(dirname(path));
  await inTurn(path, around.signal, async () => {
    // Another process may have fetched it in the meantime.
    if ((await sizeOf(path)) === 0) await fetchWhole(remote, path, label, around);
  });
}

async function fetchWhole(remote: Remote, path: string, label: string, around: Surroundings): Promise<void> {
  const part = `${path}.part`;
  let sha256: string | null = null;
  for (let failed = 0; ;) {
    const before = await sizeOf(part);
    try {
      sha256 = (await transfer(remote, part, label, around)) ?? sha256;
      break;
    } catch (error) {
      around.signal.throwIfAborted();
      if (!isTransient(error)) throw withAdvice(error, dirname(path));
      failed = (await sizeOf(part)) > before ? 1 : failed + 1;
      if (failed >= limits.downloadTries) throw error;
      around.log.debug("download interrupted, trying again", { label, reason: messageOf(error) });
      await sleep(limits.downloadBackoffMs * 2 ** (failed - 1), undefined, { signal: around.signal });
    }
  }
  await check(part, label, sha256, around);
  await rename(part, path);
}

const isTransient = (error: unknown): boolean =>
  error instanceof UnreachableError ||
  (error instanceof RefusedError && (error.status >= 500 || error.status === 429 || error.status === 408));

function withAdvice(error: unknown, folder: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new ModelError(
    `The disk that holds ${folder} is full. Free some space and start again: the download goes on where it stopped. ` +
      "ANTIPHON_HOME moves all of Antiphon's files elsewhere.",
  );
}

/** One connection's worth: appends to `part` and returns the checksum that the hub named. */
async function transfer(remote: Remote, part: string, label: string, around: Surroundings): Promise<string | null> {
  const have = await sizeOf(part);
  const range = have > 0 ? { range: `bytes=${have}-` } : undefined;
  // Compressed bytes could not be resumed or counted.
  const plain = { "accept-encoding": "identity" };
  let answer: Answer;
  try {
    answer = await ask(remote, { ...plain, ...range }, around.signal);
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 416) throw error;
    // Nothing lies beyond: all of it is there. Without a checksum to prove that, it is fetched anew.
    if (error.sha256 !== null) return error.sha256;
    answer = await ask(remote, plain, around.signal);
  }
  const { response, sha256, alive, done } = answer;
  const resumed = response.status === 206;
  if (resumed && firstByte(response.headers) !== have) {
    done();
    await response.body?.cancel();
    // What was kept does not fit what would come; the next try begins anew.
    await rm(part, { force: true });
    throw new UnreachableError(`${new URL(remote.url).host} sent another part of the file than was asked for`);
  }
  let at = resumed ? have : 0;
  const length = response.headers.get("content-length");
  const total = length === null ? null : at + Number(length);
  const file = await open(part, resumed ? "a" : "w");
  try {
    for await (const chunk of response.body ?? []) {
      alive();
      await file.write(chunk);
      at += chunk.length;
      around.report(progress(label, at, total));
    }
  } catch (error) {
    throw error instanceof Error && "code" in error && "syscall" in error && error.syscall === "write"
      ? error
      : broken(error, remote.url, around.signal);
  } finally {
    done();
    await file.close();
  }
  if (total !== null && at !== total) throw new UnreachableError(`${new URL(remote.url).host} closed the connection`);
  return sha256;
}

/** Where the bytes of a partial answer begin; null where it does not say. */
function firstByte(headers: Headers): number | null {
  const start = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1];
  return start === undefined ? null : Number(start);
}

const progress = (label: string, done: number, total: number | null): Work => ({ label, done, total, unit: "bytes" });

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  return found?.size ?? 0;
}

/** A damaged file is removed: taking it up again would never mend it. */
async function check(part: string, label: string, sha256: string | null, around: Surroundings): Promise<void> {
  const damaged = async (what: string): Promise<never> => {
    await rm(part, { force: true });
    throw new ModelError(`${label} arrived damaged (${what}) and was thrown away. Start again to fetch it anew.`);
  };
  if (!(await isGguf(part))) return damaged("it is no GGUF file");
  if (sha256 === null) return;
  const hash = createHash("sha256");
  const total = await sizeOf(part);
  let done = 0;
  for await (const chunk of createReadStream(part, { signal: around.signal, highWaterMark: limits.hashChunkBytes })) {
    hash.update(chunk);
    done += chunk.length;
    around.report(progress(`checking ${label}`, done, total));
  }
  if (hash.digest("hex") !== sha256) await damaged("its checksum is wrong");
}
