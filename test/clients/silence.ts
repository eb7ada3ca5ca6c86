/**
 * Owns the proof that clients stay: all of them at once, before a model that reads its prompt for long, and is silent again
 * in the middle of its answer.
 */
import assert from "node:assert/strict";
import { clientOf } from "./openai-client.ts";
import { Codex } from "./codex.ts";
import { OpenCode } from "./opencode.ts";
import { playAlone, type Program, silence } from "./played.ts";
import { type Stage, step, type Suite } from "./suite.ts";

/** The prompt that makes the model so slow. */
const slowly = `[[wait ${silence}]]`;

/** What `programs`, Codex, OpenCode and the SDK for Node do of it; it is longer than Codex's idle timeout. */
export function silenceSuite(programs: readonly Program[]): Suite {
  return {
    client: "all",
    version: "",
    steps: [step(`silence, twice ${silence} s`, (stage) => outlastAll(programs, stage), "upstream")],
  };
}

async function outlastAll(programs: readonly Program[], stage: Stage): Promise<void> {
  const clients = [
    askCodex(stage),
    askOpenCode(stage),
    askNode(stage),
    ...programs.map((program) => playAlone(program, stage, "silence")),
  ];
  const ended = await Promise.allSettled(clients);
  const problems = ended.flatMap((end) => (end.status === "rejected" ? [String(end.reason)] : []));
  assert.deepEqual(problems, []);
  const asked = stage.exchanges().filter(({ method }) => method === "POST");
  assert.equal(asked.length, clients.length, "nobody asked twice");
  assert.ok(asked.every(({ aborted }) => !aborted));
}

async function askCodex(stage: Stage): Promise<void> {
  const codex = new Codex("0.169.0", stage);
  const impatient = codex.provider.map((flag) => flag.replace(/}$/, ",stream_idle_timeout_ms=15000}"));
  const { message } = await codex.exec([...impatient, ...(await codex.catalog())], [slowly]);
  assert.equal(message, stage.lines.plain);
}

async function askOpenCode(stage: Stage): Promise<void> {
  const { said } = await new OpenCode(stage).run(["--title", "test", slowly]);
  assert.equal(said, stage.lines.plain);
}

async function askNode(stage: Stage): Promise<void> {
  const stream = clientOf(stage).responses.stream({ model: stage.model, input: slowly });
  assert.equal((await stream.finalResponse()).output_text, stage.lines.plain);
}
