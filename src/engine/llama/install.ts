/**
 * Owns the first-use installation of node-llama-cpp with the binary packages that this machine needs (85 MB without those
 * for GPUs, where all of them would be 730). npm fetches what our lock file names and checks each against its hash.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import { ensureFolder } from "../../folders.ts";
import { limits } from "../../limits.ts";
import type { Log, ReportWork } from "../../log.ts";
import lock from "./engine-lock.json" with { type: "json" };
import { type Gpu, gpuPackages, type GpuWish, here, seenGpu } from "./gpu.ts";
import { platformPackage, thisMachine } from "./platform.ts";

export interface InstallOptions {
  /** Cache folder of the program. */
  readonly folder: string;
  readonly gpu: GpuWish;
  readonly report: ReportWork;
  readonly log: Log;
  /** Aborted, it cleans up and throws. */
  readonly signal?: AbortSignal;
}

const engine = "node-llama-cpp";
const { version } = lock.packages[`node_modules/${engine}`];
const MiB = 1024 * 1024;
/** About what the installation takes on disk, for the progress bar. */
const installedBytes: Readonly<Record<Gpu, number>> = {
  off: 86 * MiB,
  metal: 86 * MiB,
  vulkan: 167 * MiB,
  cuda: 625 * MiB,
};
const unfinished = ".installing-";

/**
 * The folder whose `node_modules` has the engine, after installing it if needed. A GPU that was not asked for by name is no
 * reason to fail. Throws, in words for people.
 */
export async function ensureEnginePackage({ gpu: wish, ...options }: InstallOptions): Promise<string> {
  const seen = seenGpu(here(thisMachine()));
  const gpu = wish === "auto" ? seen : wish;
  // No error: images are built where there is no GPU.
  if (gpu !== "off" && seen === "off") options.log.warn("No GPU, or not its libraries, can be seen here.", { gpu });
  try {
    return await ensureBuild(gpu, options);
  } catch (error) {
    if (wish !== "auto" || gpu === "off" || options.signal?.aborted === true) throw error;
    options.log.warn("The engine's build for this GPU could not be installed; the CPU is used.", {
      gpu,
      reason: messageOf(error),
    });
    return ensureBuild("off", options);
  }
}

async function ensureBuild(gpu: Gpu, options: Omit<InstallOptions, "gpu">): Promise<string> {
  const { folder, report, log, signal = new AbortController().signal } = options;
  const machine = thisMachine();
  const binaries = [platformPackage(machine), ...gpuPackages(gpu, machine)];
  const engines = join(folder, "engine");
  // Builds that need no packages of their own are in the usual place.
  const extra = binaries.length > 1 ? `-${gpu}` : "";
  const target = join(engines, `${version}-${binaries[0]?.replace(/^.*\//, "")}${extra}`);
  ensureFolder(engines);
  await sweep(engines);
  if (await exists(target)) return target;
  const total = installedBytes[gpu];
  log.info("Installing the engine, once.", { engine: `${engine}@${version}`, gpu, megabytes: Math.round(total / MiB) });
  const workplace = await mkdtemp(join(engines, unfinished));
  try {
    const told = (done: number): void => {
      report({ label: "Installing the engine", done: Math.min(done, total), total, unit: "bytes" });
    };
    await install(workplace, binaries, told, signal);
    await moveInto(target, workplace);
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
  return target;
}

/** The lock file for a machine: it wants the engine and its own binaries; the others stay optional, and away. */
export function lockFor(binaries: readonly string[]): { readonly manifest: object; readonly lockFile: object } {
  const known: Readonly<Record<string, Readonly<Record<string, unknown>>>> = lock.packages;
  const wanted = binaries.map((binary) => {
    const key = `node_modules/${binary}`;
    const { optional: _optional, ...own } = known[key] ?? {};
    return [key, own] as const;
  });
  const dependencies = Object.fromEntries([engine, ...binaries].map((name) => [name, version]));
  const manifest = { name: lock.name, private: true, dependencies };
  const packages = { "": manifest, ...known, ...Object.fromEntries(wanted) };
  return { manifest, lockFile: { ...lock, packages } };
}

/** `report` is told how many bytes have arrived. */
async function install(
  workplace: string,
  binaries: readonly string[],
  report: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { manifest, lockFile } = lockFor(binaries);
  await writeFile(join(workplace, "package.json"), JSON.stringify(manifest));
  await writeFile(join(workplace, "package-lock.json"), JSON.stringify(lockFile));
  const done = new AbortController();
  const watching = watch(workplace, report, done.signal);
  try {
    await npmCi(workplace, signal);
  } finally {
    done.abort();
    await watching;
  }
  report(Infinity);
}

async function npmCi(workplace: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const words = ["ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"];
  const npm = spawn("npm", [...words, "--loglevel=error"], {
    cwd: workplace,
    stdio: ["ignore", "ignore", "pipe"],
    // npm is a script on Windows, and only a shell starts those.
    shell: process.platform === "win32",
  });
  // It would take seconds to end by itself, and its cache stands that.
  const leave = (): void => void npm.kill("SIGKILL");
  signal.addEventListener("abort", leave);
  process.once("exit", leave);
  let said = "";
  npm.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-limits.engineStderrChars);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    npm.on("error", (error: NodeJS.ErrnoException) => reject(explainStart(error)));
    npm.on("close", resolve);
  });
  signal.removeEventListener("abort", leave);
  process.off("exit", leave);
  signal.throwIfAborted();
  if (code !== 0) throw explainFailure(said);
}

function explainStart(error: NodeJS.ErrnoException): Error {
  const reason = error.code === "ENOENT" ? "it is not installed or not on PATH" : error.message;
  return new Error(`npm is needed once, to install the engine, but could not be started: ${reason}.`, { cause: error });
}

/** npm's words as advice; its error codes are stable, its sentences are not. */
export function explainFailure(said: string): Error {
  const code = /\b(?:npm (?:error|ERR!) code )(\w+)/.exec(said)?.[1] ?? null;
  if (code === "EINTEGRITY") {
    return new Error(
      "A package of the engine is not the one that was published: its hash differs. Nothing was installed.",
    );
  }
  if (code === "ENOSPC")
    return new Error(
      "There is no space left on the disk for the engine (about 90 MB, with CUDA 630, and as much again for npm).",
    );
  if (
    code !== null &&
    /^(?:ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|E[45]\d\d)$/.test(code)
  ) {
    return new Error(
      `The engine could not be downloaded from the package registry (${code}). Check the network and npm's settings, and start again.`,
    );
  }
  return new Error(`npm could not install the engine: ${said.trim() || "it said nothing"}`);
}

/** Reports how much has arrived until `signal` says that all has. */
async function watch(workplace: string, report: (bytes: number) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    report(await sizeOf(workplace));
    await sleep(limits.installPollMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Bytes of all files below `folder`; files that come and go while it looks count or not. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  let sum = 0;
  for (const entry of entries) {
    if (entry.isFile()) sum += (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size;
  }
  return sum;
}

/** A rename is all or nothing, so a half installation is never seen; where another process was faster, its one stays. */
async function moveInto(target: string, workplace: string): Promise<void> {
  try {
    await rename(workplace, target);
  } catch {
    if (await exists(target)) return;
    // What stands there was damaged later.
    await rm(target, { recursive: true, force: true });
    await rename(workplace, target);
  }
}

async function exists(target: string): Promise<boolean> {
  try {
    const manifest = await readFile(join(target, "node_modules", engine, "package.json"), "utf8");
    return (JSON.parse(manifest) as { readonly version?: unknown }).version === version;
  } catch {
    return false;
  }
}

/** Removes what installations left behind that were killed. */
async function sweep(engines: string): Promise<void> {
  for (const name of await readdir(engines)) {
    if (!name.startsWith(unfinished)) continue;
    const path = join(engines, name);
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age > limits.installAbandonedMs) await rm(path, { recursive: true, force: true });
  }
}
