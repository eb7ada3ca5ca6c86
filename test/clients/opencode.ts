/** Owns what OpenCode must be able to do here, with the provider for the Responses API that it brings. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { at, type Fields, fieldsOf, listOf, parse, textOf } from "../../src/spec/json.ts";
import { here } from "./install.ts";
import { runProgram } from "./program.ts";
import { type Stage, step, type Suite } from "./suite.ts";

/** OpenCode is one program; the build for processors without AVX2 runs on all. */
const build = "opencode-linux-x64-baseline";
const program = join(here, "node_modules", build, "bin", "opencode");

/** The embedded model's grammar makes up the command; the upstream runs what it is told. */
const toolPrompt = "[[call bash]] [[tool]] [[run printf done > proof.txt; cat proof.txt]]";

const pinned = at(parse(readFileSync(join(here, "package.json"), "utf8")), "optionalDependencies", build);

export const openCodeSuite: Suite = {
  client: "opencode",
  version: textOf(pinned) ?? "",
  steps: [
    step("answer", async (stage) => {
      // It also asks for a title, at the same time.
      const { said } = await new OpenCode(stage).run(["Say hello."]);
      assert.equal(said, stage.lines.plain);
      assert.equal(stage.exchanges().length, 2);
    }),
    step("thinking, continue", thinkAndContinue),
    step("tool loop, continue", loopAndContinue),
    step("two calls at once", runTwoCommands, "upstream"),
  ],
};

async function thinkAndContinue(stage: Stage): Promise<void> {
  const openCode = new OpenCode(stage);
  const { said, parts } = await openCode.run(["--title", "test", "--thinking", "[[think]] about it."]);
  assert.equal(said, stage.lines.considered);
  assert.deepEqual(textsOf(parts, "reasoning"), [stage.lines.thought]);
  assert.equal((await openCode.run(["--continue", "Say hello."])).said, stage.lines.plain);
  const input = listOf(at(stage.exchanges().at(-1)?.body, "input"));
  assert.ok(textOf(input.find(({ type }) => type === "reasoning")?.["encrypted_content"]));
  stage.assertPrefixKept();
}

async function loopAndContinue(stage: Stage): Promise<void> {
  const openCode = new OpenCode(stage);
  const { said, parts } = await openCode.run(["--title", "test", toolPrompt]);
  const tools = parts.filter(({ type }) => type === "tool");
  assert.deepEqual(
    tools.map(({ tool, state }) => [tool, at(state, "status")]),
    [["bash", "completed"]],
  );
  if (stage.engine === "upstream") assert.equal(openCode.read("proof.txt"), "done");
  assert.equal(said, stage.lines.settled);
  const [asked, answered] = stage.exchanges().map(({ body }) => listOf(at(body, "input")));
  assert.ok(asked && answered);
  assert.deepEqual(answered.slice(0, asked.length), asked);
  const [call, output] = answered.slice(asked.length);
  assert.deepEqual([call?.["type"], output?.["type"]], ["function_call", "function_call_output"]);
  assert.equal(call?.["call_id"], output?.["call_id"]);
  assert.equal((await openCode.run(["--continue", "Say hello."])).said, stage.lines.plain);
  stage.assertPrefixKept();
}

async function runTwoCommands(stage: Stage): Promise<void> {
  const openCode = new OpenCode(stage);
  const prompt = "[[call bash]] [[run printf one > one.txt]] [[run printf two > two.txt]]";
  const { said, parts } = await openCode.run(["--title", "test", prompt]);
  assert.equal(parts.filter(({ type }) => type === "tool").length, 2);
  assert.deepEqual([openCode.read("one.txt"), openCode.read("two.txt")], ["one", "two"]);
  assert.equal(said, stage.lines.settled);
}

interface Turn {
  /** What it showed: `text`, `reasoning`, `tool`, ... */
  readonly parts: readonly Fields[];
  /** The last text. */
  readonly said: string;
}

/** A home and a project of its own. */
export class OpenCode {
  readonly #stage: Stage;
  readonly #home: string;
  readonly #project: string;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#home = mkdtempSync(join(stage.folder, "opencode-home-"));
    this.#project = mkdtempSync(join(stage.folder, "opencode-project-"));
    writeFileSync(join(this.#project, "opencode.json"), JSON.stringify(this.#settings()));
  }

  /** Runs `opencode run` to its end, and asserts that it ends well without a word on standard error. */
  async run(words: readonly string[]): Promise<Turn> {
    assert.ok(existsSync(program), `OpenCode is pinned for Linux on x64 alone; ${program} is not there.`);
    const all = ["run", "--pure", "--format", "json", ...words];
    const { exitCode, stdout, stderr, hung } = await runProgram(program, all, {
      cwd: this.#project,
      env: {
        PATH: process.env["PATH"],
        HOME: this.#home,
        // It looks for newer versions of itself, of the catalog of models and of language servers.
        OPENCODE_DISABLE_AUTOUPDATE: "1",
        OPENCODE_DISABLE_MODELS_FETCH: "1",
        OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
        OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
      },
    });
    this.#stage.note(`$ opencode ${all.join(" ")}\n${stdout}${stderr}(exit ${exitCode})\n`);
    assert.ok(!hung, "OpenCode hangs");
    assert.deepEqual([exitCode, stderr.trim()], [0, ""]);
    const parts = stdout.trim().split("\n").map(parse);
    const shown = parts.map((line) => fieldsOf(at(line, "part")));
    return { parts: shown, said: textsOf(shown, "text").at(-1) ?? "" };
  }

  /** What lies in a file of the project. */
  read(file: string): string {
    return readFileSync(join(this.#project, file), "utf8");
  }

  #settings(): Fields {
    const { baseUrl, model, engine } = this.#stage;
    return {
      share: "disabled",
      model: `antiphon/${model}`,
      // The embedded model calls the first tool that its grammar lets it say: it is offered one alone.
      permission: engine === "embedded" ? { "*": "deny", bash: "allow" } : "allow",
      provider: {
        antiphon: {
          npm: "@ai-sdk/openai",
          name: "Antiphon",
          options: { baseURL: baseUrl, apiKey: "none" },
          models: {
            [model]: {
              name: model,
              reasoning: true,
              limit: { context: 100_000, output: 1000 },
              options: {
                reasoningEffort: "medium",
                reasoningSummary: "auto",
                include: ["reasoning.encrypted_content"],
              },
            },
          },
        },
      },
    };
  }
}

function textsOf(parts: readonly Fields[], kind: string): string[] {
  return parts.filter(({ type }) => type === kind).map(({ text }) => textOf(text) ?? "");
}
