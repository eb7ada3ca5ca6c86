/** Owns the clients that are compiled: built into the cache folder, once for each state of their sources and locks. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { locateFolders } from "../../src/folders.ts";
import { here } from "./install.ts";

interface Build {
  /** Its folder here. */
  readonly name: string;
  /** File endings of what it is built from. */
  readonly sources: readonly string[];
  /** The compiler, and its words for a build into `folder`. */
  readonly command: (folder: string) => readonly [string, ...string[]];
  /** Where in that folder the program lies, without the ending that Windows wants. */
  readonly program: readonly string[];
  /** What a machine needs for it. */
  readonly wants: string;
}

const rust: Build = {
  name: "rust",
  sources: [".rs", "Cargo.toml", "Cargo.lock"],
  command: (folder) => ["cargo", "build", "--quiet", "--locked", "--target-dir", folder],
  program: ["debug", "antiphon-client"],
  wants: "The Rust client wants cargo and rustc 1.88 or newer.",
};

const go: Build = {
  name: "go",
  sources: [".go", "go.mod", "go.sum"],
  command: (folder) => ["go", "build", "-mod=readonly", "-ldflags=-s -w", "-o", programOf(folder, go)],
  program: ["antiphon-client"],
  wants: "The Go client wants Go 1.26 or newer.",
};

/** The programs, as they lie after `buildClients`. */
export const rustProgram = programOf(folderOf(rust), rust);
export const goProgram = programOf(folderOf(go), go);

/** The version of a client's library that its lock or module file names; "" where it names none. */
export function rustVersionOf(crate: string): string {
  return new RegExp(`^name = "${crate}"\nversion = "(.+)"$`, "m").exec(sourceOf(rust, "Cargo.lock"))?.[1] ?? "";
}

/** See `rustVersionOf`. */
export function goVersionOf(module: string): string {
  return new RegExp(`^\\s*(?:require )?${module} v(\\S+)`, "m").exec(sourceOf(go, "go.mod"))?.[1] ?? "";
}

/** Builds what is not there yet. Throws where a compiler is missing or fails. */
export function buildClients(): void {
  for (const build of [rust, go]) {
    const folder = folderOf(build);
    if (existsSync(programOf(folder, build))) continue;
    console.error(`Building the client in ${build.name} ...`);
    const [file, ...words] = build.command(folder);
    const { error, status } = spawnSync(file, words, { cwd: join(here, build.name), stdio: ["ignore", 2, 2] });
    const problem = error?.message ?? `exit ${status}`;
    if (error || status !== 0) throw new Error(`'${file} build' failed: ${problem}. ${build.wants}`);
  }
}

function folderOf(build: Build): string {
  const digest = createHash("sha256");
  for (const file of readdirSync(join(here, build.name), { recursive: true, encoding: "utf8" }).toSorted()) {
    if (build.sources.some((ending) => file.endsWith(ending))) digest.update(sourceOf(build, file));
  }
  return join(locateFolders().cache, "clients", `${build.name}-${digest.digest("hex").slice(0, 16)}`);
}

function programOf(folder: string, { program }: Build): string {
  return join(folder, ...program) + (process.platform === "win32" ? ".exe" : "");
}

function sourceOf({ name }: Build, file: string): string {
  return readFileSync(join(here, name, file), "utf8");
}
