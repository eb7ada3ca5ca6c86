/** Owns the packages of the clients: installed beside this file when their lock file has changed. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** This folder. */
export const here = import.meta.dirname;
const stamp = join(here, "node_modules", ".antiphon-install");

/** Throws when npm fails. */
export function installClients(): void {
  const lock = createHash("sha256")
    .update(readFileSync(join(here, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.error("Installing the clients ...");
  // Not `npm ci`: it wants Codex's packages for all other platforms, too, which not every registry has of old versions.
  const words = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"];
  const { error, status } = spawnSync("npm", [...words, "--loglevel=error"], {
    cwd: here,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (error) throw new Error(`npm could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`npm install failed (exit ${status}). Is the package registry reachable?`);
  writeFileSync(stamp, lock);
}
