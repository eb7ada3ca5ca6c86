/** Owns the driving of Codex: a home and a repository of its own, `codex exec`, and what that prints. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fieldsOf, listOf, parse, textOf, type Fields } from "../../src/spec/json.ts";
import { here } from "./install.ts";
import { type Ended, runProgram } from "./program.ts";
import type { Stage } from "./suite.ts";

/** What Codex says on standard error when all is well: 0.169 tells that it looks for a prompt there. */
const harmless = /^Reading additional input from stdin\.\.\.$/;

/** Our MCP server, under the name `probe`. */
export const probe = [
  "-c",
  `mcp_servers.probe={command=${JSON.stringify(process.execPath)},args=[${JSON.stringify(join(here, "mcp-server.ts"))}]}`,
];

export interface CodexTurn {
  /** Finished items: `command_execution`, `file_change`, `reasoning`, `agent_message`, ... */
  readonly items: readonly Fields[];
  /** The final message. */
  readonly message: string;
  /** What Codex complained of, and went on. */
  readonly warnings: readonly string[];
}

export class Codex {
  /** The repository that Codex works in. */
  readonly folder: string;
  readonly #stage: Stage;
  readonly #script: string;
  /** Where its settings and threads lie. */
  readonly home: string;
  /** Codex puts programs of its own into its home, and refuses where that lies in the folder for temporary files. */
  readonly #temporary: string;

  constructor(version: string, stage: Stage) {
    this.#stage = stage;
    this.#script = join(here, "node_modules", `codex-${version}`, "bin", "codex.js");
    this.home = mkdtempSync(join(stage.folder, "home-"));
    this.#temporary = mkdtempSync(join(stage.folder, "temporary-"));
    this.folder = mkdtempSync(join(stage.folder, "repository-"));
    execFileSync("git", ["init", "--quiet"], { cwd: this.folder });
  }

  /** Flags that point Codex at the server, as `serve` prints them. */
  get provider(): string[] {
    const { baseUrl, model } = this.#stage;
    const provider = `{name="antiphon",base_url="${baseUrl}",wire_api="responses"}`;
    return ["-m", model, "-c", "model_provider=antiphon", "-c", `model_providers.antiphon=${provider}`];
  }

  /** Flags that let Codex know the model as `/v1/models` describes it, but for `changes`. */
  async catalog(changes: Fields = {}): Promise<string[]> {
    const file = join(this.home, "models.json");
    const response = await fetch(`${this.#stage.baseUrl}/models`);
    const { models } = fieldsOf(await response.json());
    writeFileSync(file, JSON.stringify({ models: listOf(models).map((model) => ({ ...model, ...changes })) }));
    return ["-c", `model_catalog_json=${JSON.stringify(file)}`];
  }

  /** Runs one turn with the provider and the catalog, and asserts that nothing at all was complained of. */
  async ask(words: readonly string[]): Promise<CodexTurn> {
    const turn = await this.exec([...this.provider, ...(await this.catalog())], words);
    assert.deepEqual(turn.warnings, []);
    return turn;
  }

  /** Runs one turn: `flags` set it up, `words` say what to do. Asserts that it ends well, without a word on standard error. */
  async exec(flags: readonly string[], words: readonly string[]): Promise<CodexTurn> {
    const { exitCode, stdout, stderr, hung } = await this.run([
      "exec",
      "--json",
      // The machine may know no sandbox, and the only commands are the ones in our scripts.
      "--dangerously-bypass-approvals-and-sandbox",
      ...flags,
      ...words,
    ]);
    assert.ok(!hung, "Codex hangs");
    assert.equal(exitCode, 0, "exit code of Codex");
    const said = stderr.split("\n").filter((line) => line !== "" && !harmless.test(line));
    assert.deepEqual(said, [], "standard error of Codex");
    const events = stdout.trim().split("\n").map(parse).map(fieldsOf);
    assert.equal(events.at(-1)?.["type"], "turn.completed");
    const items = events.filter(({ type }) => type === "item.completed").map(({ item }) => fieldsOf(item));
    const texts = (type: string, field: string): string[] =>
      items.filter((item) => item["type"] === type).map((item) => textOf(item[field]) ?? "");
    return { items, message: texts("agent_message", "text").at(-1) ?? "", warnings: texts("error", "message") };
  }

  /** Runs `codex` with `words`. */
  async run(words: readonly string[]): Promise<Ended> {
    const env = {
      PATH: process.env["PATH"],
      HOME: this.home,
      CODEX_HOME: this.home,
      TMPDIR: this.#temporary,
      CODEX_OSS_BASE_URL: this.#stage.baseUrl,
    };
    const ended = await runProgram(process.execPath, [this.#script, ...words], { cwd: this.folder, env });
    this.#stage.note(`$ codex ${words.join(" ")}\n${ended.stdout}${ended.stderr}(exit ${ended.exitCode})\n`);
    return ended;
  }
}
