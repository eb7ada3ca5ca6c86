/** Owns what Codex must be able to do here, in every version. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { at, type Fields, listOf, parse, textOf } from "../../src/spec/json.ts";
import { Codex, type CodexTurn, probe } from "./codex.ts";
import { threadSteps } from "./codex-threads.ts";
import { mcpAnswer, mcpPicture, mcpTool, pixel } from "./mcp.ts";
import { type Stage, type Step, step, type Suite } from "./suite.ts";
import type { Exchange } from "./tap.ts";
import { patchedFile } from "./upstream.ts";

/** The embedded model knows only `[[tool]]`, and its grammar makes up the command; the upstream runs what it is told. */
const toolPrompt = "[[tool]] [[run printf done > proof.txt; cat proof.txt]]";
const noMetadata = /^Model metadata for `\S+` not found/;

export const codexSuites: readonly Suite[] = ["0.169.0", "0.147.0", "0.114.0"].map((version) => ({
  client: "codex",
  version,
  steps: [...stepsOf(version), ...(version === "0.169.0" ? [step("doctor", askDoctor)] : [])],
}));

function stepsOf(version: string): Step[] {
  return [
    step("answer", async (stage) => {
      const { message } = await new Codex(version, stage).ask(["Say hello."]);
      assert.equal(message, stage.lines.plain);
      assertFollowsCatalog(await catalogEntry(stage), posts(stage));
    }),
    step("thinking", async (stage) => {
      const { items, message } = await new Codex(version, stage).ask(["[[think]] about it."]);
      assert.deepEqual(texts(items, "reasoning"), [stage.lines.thought]);
      assert.equal(message, stage.lines.considered);
    }),
    step("tool loop", async (stage) => {
      const codex = new Codex(version, stage);
      assertToolLoop(stage, codex, await codex.ask([toolPrompt]));
    }),
    step("tool loop, resume", async (stage) => {
      const codex = new Codex(version, stage);
      assertToolLoop(stage, codex, await codex.ask([toolPrompt]));
      const { message } = await codex.ask(["resume", "--last", "Now say hello."]);
      assert.equal(message, stage.lines.plain);
      assertReplayed(posts(stage));
      stage.assertPrefixKept();
    }),
    step("output schema", async (stage) => {
      const codex = new Codex(version, stage);
      const schema = {
        type: "object",
        properties: { city: { type: "string" }, days: { type: "integer" } },
        required: ["city", "days"],
        additionalProperties: false,
      };
      writeFileSync(join(codex.folder, "schema.json"), JSON.stringify(schema));
      const { message } = await codex.ask(["--output-schema", "schema.json", "Plan a trip."]);
      const value = parse(message);
      assert.deepEqual([typeof at(value, "city"), typeof at(value, "days")], ["string", "number"]);
    }),
    step("tool loop without a catalog", async (stage) => {
      const codex = new Codex(version, stage);
      const turn = await codex.exec(codex.provider, [toolPrompt]);
      assertOnlyMetadataMissing(turn);
      assertToolLoop(stage, codex, turn);
    }),
    step("as serve says", async (stage) => {
      const codex = new Codex(version, stage);
      const turn = await codex.exec(advisedFlags(stage), ["Say hello."]);
      // The line names the address of the catalog, which older ones do not know.
      if (version !== "0.169.0") assertOnlyMetadataMissing(turn);
      else assert.deepEqual(turn.warnings, []);
      assert.equal(turn.message, stage.lines.plain);
    }),
    step("--oss", async (stage) => {
      const codex = new Codex(version, stage);
      const turn = await codex.exec(["--oss", "--local-provider", "lmstudio", "-m", stage.model], ["Say hello."]);
      assertOnlyMetadataMissing(turn);
      assert.equal(turn.message, stage.lines.plain);
    }),
    step("two calls at once", (stage) => runTwoCommands(version, stage), "upstream"),
    step("MCP tool", (stage) => callMcpTool(version, stage)),
    step("MCP tool with an image", (stage) => callMcpPicture(version, stage), "upstream"),
    step("apply_patch", (stage) => applyPatch(version, stage)),
    ...threadSteps(version),
  ];
}

async function runTwoCommands(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  const { items, message } = await codex.ask(["[[run printf one > one.txt]] [[run printf two > two.txt]]"]);
  assert.equal(items.filter(({ type }) => type === "command_execution").length, 2);
  assert.deepEqual([readIn(codex, "one.txt"), readIn(codex, "two.txt")], ["one", "two"]);
  assert.equal(message, stage.lines.settled);
}

/** The tools of an MCP server come in a namespace (0.169) or under joined names (0.114), and are called as they came. */
async function callMcpTool(version: string, stage: Stage): Promise<void> {
  const { items, message } = await new Codex(version, stage).ask([...probe, `[[call ${mcpTool}]]`]);
  const call = items.find(({ type }) => type === "mcp_tool_call");
  assert.deepEqual([call?.["server"], call?.["tool"], call?.["status"]], ["probe", mcpTool, "completed"]);
  const output = posts(stage)
    .flatMap(({ body }) => listOf(at(body, "input")))
    .find(isOutput);
  assert.ok(JSON.stringify(output).includes(mcpAnswer));
  assert.equal(message, stage.lines.settled);
}

/** Without a catalog Codex sends images to any model; the one behind this upstream cannot see them. */
async function callMcpPicture(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  const { message } = await codex.exec([...codex.provider, ...probe], [`[[call ${mcpPicture}]]`]);
  assert.equal(message, stage.lines.settled);
  const output = posts(stage)
    .flatMap(({ body }) => listOf(at(body, "input")))
    .find(isOutput);
  assert.ok(JSON.stringify(output).includes(pixel));
}

async function applyPatch(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  const { items, message } = await codex.ask(["[[patch]]"]);
  assert.equal(items.filter(({ type }) => type === "file_change").length, 1);
  assert.equal(readIn(codex, patchedFile), "done\n");
  assert.equal(message, stage.lines.settled);
}

/** `codex doctor` looks whether the routes are there. */
async function askDoctor(stage: Stage): Promise<void> {
  const codex = new Codex("0.169.0", stage);
  const { exitCode, stdout } = await codex.run([...codex.provider, "doctor", "--network-only", "--ascii"]);
  assert.equal(exitCode, 0);
  assert.match(stdout, /active provider endpoints are reachable/);
  const probes = stage.exchanges().map(({ method, path, status }) => `${method} ${path} ${status}`);
  assert.deepEqual(probes.toSorted(), ["GET /v1/models 200", "HEAD /v1/responses 200"]);
}

/** The turns that were asked for; `--oss` warms up with a question that is no turn. */
function posts(stage: Stage): Exchange[] {
  const turns = stage.exchanges().filter(({ method, body }) => method === "POST" && at(body, "stream") === true);
  for (const { status } of turns) assert.equal(status, 200);
  return turns;
}

/** One command was run, its output came back under the call's id, and the model had the last word. */
function assertToolLoop(stage: Stage, codex: Codex, { items, message }: CodexTurn): void {
  const commands = items.filter(({ type }) => type === "command_execution");
  assert.equal(commands.length, 1);
  const [asked, answered] = posts(stage);
  const input = listOf(at(answered?.body, "input"));
  assert.deepEqual(input.slice(0, listOf(at(asked?.body, "input")).length), listOf(at(asked?.body, "input")));
  const call = input.find(({ type }) => type === "function_call");
  const output = input.find(isOutput);
  assert.equal(typeof call?.["call_id"], "string");
  assert.equal(output?.["call_id"], call?.["call_id"]);
  assert.notEqual(textOf(output?.["output"]) ?? "", "");
  assert.equal(message, stage.lines.settled);
  if (stage.engine === "upstream") {
    assert.deepEqual(commands[0]?.["exit_code"], 0);
    assert.equal(commands[0]?.["aggregated_output"], "done");
    assert.equal(readIn(codex, "proof.txt"), "done");
  }
}

/** Each request carries all that the one before it did, so that nothing is read twice. */
function assertReplayed(turns: readonly Exchange[]): void {
  assert.equal(turns.length, 3);
  turns.slice(1).forEach(({ body }, index) => {
    const before = turns[index]?.body;
    const input = listOf(at(before, "input"));
    assert.deepEqual(listOf(at(body, "input")).slice(0, input.length), input);
    for (const field of ["instructions", "tools", "prompt_cache_key"]) {
      assert.deepEqual(at(body, field), at(before, field), field);
    }
  });
}

async function catalogEntry(stage: Stage): Promise<unknown> {
  const response = await fetch(`${stage.baseUrl}/models`);
  return listOf(at(await response.json(), "models"))[0];
}

/** What the catalog says of the model is what Codex does: our prompt instead of its own, and no tools for sub-agents. */
function assertFollowsCatalog(entry: unknown, [turn]: readonly Exchange[]): void {
  const { body } = turn ?? {};
  const prompt =
    textOf(at(body, "instructions")) ?? textOf(listOf(at(listOf(at(body, "input"))[0], "content"))[0]?.["text"]);
  assert.equal(prompt, at(entry, "base_instructions"));
  const names = listOf(at(body, "tools")).map(({ type, name }) => String(name ?? type));
  assert.ok(names.includes("apply_patch"), names.join());
  assert.ok(!names.some((name) => name.includes("agent")), names.join());
}

function assertOnlyMetadataMissing({ warnings }: CodexTurn): void {
  assert.deepEqual(
    warnings.filter((warning) => !noMetadata.test(warning)),
    [],
  );
}

/** The flags of the `codex` line that the server prints. */
function advisedFlags({ welcome }: Stage): string[] {
  const line = /^ *Codex +codex (.*)$/m.exec(welcome)?.[1];
  assert.ok(line, "the server says how to start Codex");
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

const isOutput = ({ type }: Fields): boolean => type === "function_call_output";

const texts = (items: CodexTurn["items"], kind: string): unknown[] =>
  items.filter(({ type }) => type === kind).map(({ text }) => text);

const readIn = ({ folder }: Codex, file: string): string => readFileSync(join(folder, file), "utf8");
