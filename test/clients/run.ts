/**
 * Owns the run of the suite: `npm run test:clients [-- WORDS]` plays every step whose row holds all the words. With
 * `--record FOLDER` what clients sent in each step is kept there, for the corpus.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../../src/errors.ts";
import { buildClients } from "./builds.ts";
import { installClients } from "./install.ts";
import { installPython } from "./python.ts";
import { type OpenStage, openStage } from "./stage.ts";
import { record } from "../corpus/record.ts";
import { counts } from "../schema/lawful.ts";
import { type EngineName, engineNames, type Step, type Suite } from "./suite.ts";

interface Row {
  readonly engine: EngineName;
  readonly cells: readonly string[];
  readonly step: Step;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { verbose: { type: "boolean", short: "v", default: false }, record: { type: "string" } },
});

/** The model behind the upstream has no eyes, and some steps show it images. */
const meant = /^warn upstream refuses a field: going on without .*concession="images"/;

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
installClients();
installPython();
buildClients();
// They import what was just installed.
const { codexSuites } = await import("./codex-steps.ts");
const { openaiNodeSuite } = await import("./openai-node.ts");
const { openCodeSuite } = await import("./opencode.ts");
const { programs } = await import("./programs.ts");
const { suiteOf } = await import("./played.ts");
const { silenceSuite } = await import("./silence.ts");

const rows = rowsOf([...codexSuites, openaiNodeSuite, openCodeSuite, ...programs.map(suiteOf), silenceSuite(programs)]);
const serverCells = (engine: string, name: string): string[] => ["server", "", engine, name];
const cells = [...rows.map((row) => row.cells), serverCells("", "ends well")];
const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
const folder = mkdtempSync(join(tmpdir(), "antiphon-clients-"));
let passed = 0;
let failed = 0;
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const engine of engineNames) await playAll(engine);
if (passed + failed === 0)
  console.log(`No step has ${positionals.map((word) => `"${word}"`).join(" and ")} in its row.`);
console.log(`${passed} passed, ${failed} failed`);
console.log(`Held against the schemas of OpenAI's SDK: ${counts.event} events, ${counts.response} Responses`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function rowsOf(suites: readonly Suite[]): Row[] {
  return engineNames.flatMap((engine) =>
    suites.flatMap(({ client, version, steps, last }) => {
      const rowOf = (step: Step): Row => ({ engine, cells: [client, version, engine, step.name], step });
      const wanted = steps
        .filter(({ only }) => only === null || only === engine)
        .map(rowOf)
        .filter(({ cells }) => positionals.every((word) => cells.join(" ").includes(word)));
      return wanted.length > 0 && last ? [...wanted, rowOf(last)] : wanted;
    }),
  );
}

async function playAll(engine: EngineName): Promise<void> {
  const wanted = rows.filter((row) => row.engine === engine);
  if (wanted.length === 0) return;
  const opened: OpenStage[] = [];
  const started = await report(serverCells(engine, "starts"), null, async () => {
    opened.push(await openStage(engine, join(folder, engine)));
  });
  const [stage] = opened;
  if (!started || !stage) return;
  for (const row of wanted) {
    stage.clear();
    await report(row.cells, stage, async () => {
      await row.step.play(stage);
      stage.assertLawful();
      if (values.record !== undefined) record(values.record, row.cells, stage.exchanges());
    });
  }
  stage.clear();
  await report(serverCells(engine, "ends well"), stage, async () => {
    const exitCode = await stage.close();
    const complaints = (stage.log().match(/^(?:warn|error) .*$|a bug: .*/gm) ?? []).filter((line) => !meant.test(line));
    if (exitCode !== 0 || complaints.length > 0) throw new Error([`exit ${exitCode}`, ...complaints].join("\n"));
  });
}

/** Plays and prints one row of the table; what a failed step's client printed follows it. Returns whether it passed. */
async function report(cells: readonly string[], stage: OpenStage | null, play: () => Promise<void>): Promise<boolean> {
  const start = performance.now();
  const problem = await play().then(
    () => null,
    (thrown: unknown) => (thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)),
  );
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const line = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  console.log(`${problem === null ? "ok    " : "FAILED"}  ${line}  ${seconds.padStart(5)} s`);
  if (problem === null) passed += 1;
  else failed += 1;
  const notes = stage?.notes() ?? "";
  if (problem !== null) console.log(indent(`${problem}\n${notes}\nServer:\n${stage?.log() ?? ""}`));
  else if (values.verbose && notes !== "") console.log(indent(notes));
  return problem === null;
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, "        ");
}
