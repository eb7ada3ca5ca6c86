/** Owns the Python of the clients: a virtual environment in the cache folder, one for each list of requirements. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { locateFolders } from "../../src/folders.ts";
import { here } from "./install.ts";

const list = join(here, "programs", "requirements.txt");
/** Exact versions of all packages, the clients first. */
export const requirements = readFileSync(list, "utf8");

const digest = createHash("sha256").update(requirements).digest("hex").slice(0, 16);
const folder = join(locateFolders().cache, "clients", `python-${digest}`);
const stamp = join(folder, "installed");
const windows = process.platform === "win32";

/** The interpreter that has them. */
export const python = windows ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");

/** Throws when there is no Python 3.10 or newer with its `venv`, or when pip fails. */
export function installPython(): void {
  if (existsSync(stamp)) return;
  console.error("Installing the Python clients ...");
  const found = windows ? "python" : "python3";
  run(
    found,
    ["-m", "venv", "--clear", folder],
    `The Python clients want Python 3.10 or newer, as '${found}', with venv.`,
  );
  // Wheels alone: nothing is built here.
  const words = ["--quiet", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "-r", list];
  run(python, ["-m", "pip", "install", ...words], "Is the package index reachable?");
  writeFileSync(stamp, "");
}

function run(file: string, words: readonly string[], hint: string): void {
  const { error, status } = spawnSync(file, words, { stdio: ["ignore", 2, 2] });
  const problem = error?.message ?? `exit ${status}`;
  if (error || status !== 0)
    throw new Error(`'${file} ${words.slice(0, 3).join(" ")} ...' failed: ${problem}. ${hint}`);
}
