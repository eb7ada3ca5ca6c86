/** Owns the tests of the bootstrap: what it installs and when, and that words, signals and exit codes pass through it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

const bootstrap = fileURLToPath(new URL("../bin/bootstrap.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "antiphon bootstrap-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Stands for the program: says what it was given, and lives on for signals when asked to. */
const main = `
const words: string[] = process.argv.slice(2);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(signal === "SIGINT" ? 7 : 8));
console.log("words", JSON.stringify(words));
if (words.includes("stay")) setInterval(() => {}, 1000);
if (words.includes("fail")) process.exitCode = 3;
`;

const lockFile = (version: string): string =>
  JSON.stringify({ name: "tiny", version, lockfileVersion: 3, packages: { "": { name: "tiny", version } } });

let project = "";
let made = 0;

/** A fresh project without dependencies, so that npm needs no network; its path has a space in it. */
beforeEach(() => {
  made += 1;
  project = join(folder, `${made}`);
  for (const part of ["bin", "src"]) mkdirSync(join(project, part), { recursive: true });
  copyFileSync(bootstrap, join(project, "bin", "bootstrap.mjs"));
  writeFileSync(join(project, "package.json"), '{ "name": "tiny", "version": "1.0.0", "private": true }');
  writeFileSync(join(project, "package-lock.json"), lockFile("1.0.0"));
  writeFileSync(join(project, "src", "main.ts"), main);
});

interface Started {
  readonly child: ChildProcess;
  /** Resolves once the program inside runs. */
  readonly running: Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly installs: number }>;
}

function start(...words: readonly string[]): Started {
  const child = spawn(process.execPath, [join(project, "bin", "bootstrap.mjs"), "start", ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const running = new Promise<void>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      resolve();
    });
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then(() => {
    const installs = stderr.split("Installing packages").length - 1;
    return { code: child.exitCode, stdout, installs };
  });
  return { child, running, ended };
}

test("installs once, passes the words on, and ends as the program ends", async () => {
  assert.deepEqual(await start("pull", "a b").ended, { code: 0, stdout: 'words ["pull","a b"]\n', installs: 1 });
  assert.deepEqual(await start("fail").ended, { code: 3, stdout: 'words ["fail"]\n', installs: 0 });
});

test("installs again when the lock file has changed, or nobody knows what was installed", async () => {
  await start().ended;
  writeFileSync(join(project, "package-lock.json"), lockFile("1.0.1"));
  assert.equal((await start().ended).installs, 1);
  writeFileSync(join(project, "node_modules", ".antiphon-install.json"), "{");
  assert.equal((await start().ended).installs, 1);
});

test("of two that are started at once, one installs and the other waits", async () => {
  const both = await Promise.all([start().ended, start().ended]);
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
  );
  assert.equal(
    both.reduce((sum, { installs }) => sum + installs, 0),
    1,
  );
});

test("an installation that was killed holds nobody up", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  mkdirSync(join(project, ".node"));
  writeFileSync(join(project, ".node", "lock"), String(pid));
  assert.deepEqual(await start().ended, { code: 0, stdout: "words []\n", installs: 1 });
});

const windows = process.platform === "win32" && "Windows has no signals that a process could be sent";

for (const [signal, expected] of [
  ["SIGINT", 7],
  ["SIGTERM", 8],
] as const) {
  test(`${signal} that is sent to the bootstrap alone reaches the program`, { skip: windows }, async () => {
    const { child, running, ended } = start("stay");
    await running;
    child.kill(signal);
    assert.equal((await ended).code, expected);
  });
}

test("a signal that ends npm ends the program, though npm's shell passes nothing on", { skip: windows }, async () => {
  const bin = join(project, "bin", "bootstrap.mjs");
  // With a second command the shell stays, as npm's does on most systems.
  const shell = spawn("sh", ["-c", '"$0" "$1" start stay; true', process.execPath, bin], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, npm_lifecycle_event: "start" },
  });
  await once(shell.stdout, "data");
  shell.kill("SIGTERM");
  // The pipe closes when the last process that holds it has ended.
  await once(shell, "close");
});
