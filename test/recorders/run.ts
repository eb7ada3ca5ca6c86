/**
 * Owns the recording of threads that the suite of clients does not play: `node run.ts [WORDS]` plays every thread whose name holds all the
 * words. Wants `npm install` in this folder, and a Python that has `openai` (`PYTHON`, default `python3`).
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pixel } from "../clients/mcp.ts";
import { runProgram } from "../clients/program.ts";
import { openStage } from "../clients/stage.ts";
import { record } from "../corpus/record.ts";

const here = import.meta.dirname;
const python = process.env["PYTHON"] ?? "python3";

interface Client {
  readonly name: string;
  readonly version: string;
  readonly threads: readonly string[];
  readonly command: (thread: string) => readonly string[];
}

const node = (file: string) => (thread: string) => [process.execPath, join(here, file), thread];

const clients: readonly Client[] = [
  {
    name: "agents",
    version: "0.20.0",
    threads: ["text", "tools", "streamed", "session", "chained", "handoff", "images"],
    command: node("agents.mjs"),
  },
  {
    name: "ai-sdk",
    version: "7.0.173",
    threads: ["references", "stateless", "open-responses", "streamed", "object", "image"],
    command: node("ai-sdk.mjs"),
  },
  {
    name: "langchain",
    version: "1.6.0",
    threads: ["tools", "chained", "streamed", "image"],
    command: node("langchain.mjs"),
  },
  {
    name: "openai-python",
    version: "3.54.0",
    threads: ["tools", "chained", "streamed", "parsed", "files"],
    command: (thread) => [python, join(here, "sdk.py"), thread],
  },
  {
    name: "opencode",
    version: "1.18.33",
    threads: ["tools"],
    command: () => [join(here, "node_modules", ".bin", "opencode"), "run", "[[tool]]"],
  },
];

const folder = mkdtempSync(join(tmpdir(), "antiphon-recorders-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const stage = await openStage("upstream", folder);
const words = process.argv.slice(2);
for (const { name, version, threads, command } of clients) {
  for (const thread of threads) {
    if (!words.every((word) => `${name} ${thread}`.includes(word))) continue;
    stage.clear();
    const home = mkdtempSync(join(folder, "home-"));
    if (name === "opencode") configureOpenCode(home);
    const env = {
      PATH: process.env["PATH"],
      HOME: home,
      BASE_URL: stage.baseUrl,
      PIXEL: `data:image/png;base64,${pixel}`,
    };
    const [program = "", ...rest] = command(thread);
    const { exitCode, stdout, stderr } = await runProgram(program, rest, { cwd: home, env });
    const statuses = stage.exchanges().map(({ method, path, status }) => `${method} ${path} ${status}`);
    console.log(`${exitCode === 0 ? "ok    " : "FAILED"}  ${name} ${version}  ${thread}  ${statuses.join(", ")}`);
    if (exitCode !== 0) console.log(`${stdout}${stderr}`);
    stage.assertLawful();
    record(join(here, "..", "corpus"), [name, version, "", thread], stage.exchanges());
  }
}
assert.equal(await stage.close(), 0);

function configureOpenCode(home: string): void {
  const settings = join(home, ".config", "opencode");
  mkdirSync(settings, { recursive: true });
  const provider = {
    npm: "@ai-sdk/openai",
    options: { baseURL: stage.baseUrl, apiKey: "none" },
    models: { scripted: { name: "scripted", limit: { context: 32_000, output: 4_000 } } },
  };
  const config = {
    model: "antiphon/scripted",
    small_model: "antiphon/scripted",
    autoupdate: false,
    provider: { antiphon: provider },
  };
  writeFileSync(join(settings, "opencode.json"), JSON.stringify(config));
}
