/** Owns the threads that Codex resumes: a rollout of its own, into which items of every kind were written. */
import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { at, countOf, type Fields, listOf, parse } from "../../src/spec/json.ts";
import { Codex, probe } from "./codex.ts";
import { pixel } from "./mcp.ts";
import { type Stage, type Step, step } from "./suite.ts";

const image = `data:image/png;base64,${pixel}`;
const text = (type: string, words: string): Fields => ({ type, text: words });

/** One item of each kind that a rollout takes, right and wrong ones, calls with their outputs. */
export const everyItem: readonly Fields[] = [
  {
    type: "reasoning",
    id: "rs_1",
    summary: [text("summary_text", "in short")],
    content: null,
    encrypted_content: "gAAAA",
  },
  { type: "reasoning", summary: [], content: [text("reasoning_text", "at length")], encrypted_content: null },
  { type: "function_call", name: "exec_command", arguments: '{"cmd":"ls"}', call_id: "call_a" },
  {
    type: "function_call_output",
    call_id: "call_a",
    output: [text("input_text", "listing"), { type: "input_image", image_url: image, detail: "high" }],
  },
  { type: "function_call", name: "lookup", namespace: "mcp__gone", arguments: '{"thing":', call_id: "call_b" },
  { type: "function_call_output", call_id: "call_b", output: "failed to parse function arguments" },
  { type: "custom_tool_call", status: "completed", call_id: "call_c", name: "apply_patch", input: "*** Begin Patch" },
  { type: "custom_tool_call_output", call_id: "call_c", output: "no patch" },
  {
    type: "tool_search_call",
    call_id: "call_d",
    status: "completed",
    execution: "client",
    arguments: { query: "drawer" },
  },
  {
    type: "tool_search_output",
    call_id: "call_d",
    status: "completed",
    execution: "client",
    tools: [
      {
        type: "namespace",
        name: "mcp__found",
        description: "",
        tools: [{ type: "function", name: "dig", parameters: {} }],
      },
    ],
  },
  {
    type: "local_shell_call",
    call_id: "call_e",
    status: "completed",
    action: { type: "exec", command: ["ls"], timeout_ms: null, working_directory: null, env: null, user: null },
  },
  { type: "function_call_output", call_id: "call_e", output: "nothing" },
  { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "antiphon" } },
  { type: "image_generation_call", id: "ig_1", status: "completed", revised_prompt: "a choir", result: "iVBORw0KGgo=" },
  { type: "compaction", encrypted_content: "gAAAA" },
  {
    type: "ghost_snapshot",
    ghost_commit: { id: "0", preexisting_untracked_files: [], preexisting_untracked_dirs: [] },
  },
  { type: "message", role: "developer", content: [text("input_text", "a late instruction")] },
  { type: "message", role: "assistant", content: [text("output_text", "so far")], phase: "commentary" },
  { type: "from_the_future", payload: [1] },
];

export function threadSteps(version: string): Step[] {
  return [
    step("resume of every item", (stage) => resumeEverything(version, stage)),
    step("image", (stage) => showImage(version, stage)),
    step("compaction", (stage) => compact(version, stage), "upstream"),
    step("overflow, then compaction", (stage) => overflow(version, stage), "upstream"),
    step("answer cut, thread goes on", (stage) => cutAnswer(version, stage), "upstream"),
    ...(version === "0.114.0" ? [] : [step("tool search", (stage) => searchTools(version, stage), "upstream")]),
    ...(version === "0.169.0"
      ? [
          step("code mode", (stage) => askInCodeMode(version, stage)),
          step("sub-agent", (stage) => spawnAgent(version, stage), "upstream"),
        ]
      : []),
  ];
}

async function showImage(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  writeFileSync(join(codex.folder, "pixel.png"), Buffer.from(pixel, "base64"));
  const { message } = await codex.exec([...codex.provider, "-i", "pixel.png"], ["--", "Say hello."]);
  assert.equal(message, stage.lines.plain);
  assert.ok(JSON.stringify(stage.exchanges().map(({ body }) => body)).includes(pixel));
}

/** Where the context is nearly full, Codex asks for a summary and goes on from that. */
async function compact(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  const small = { context_window: 2_500, max_context_window: 2_500, auto_compact_token_limit: 2_000 };
  const flags = [...codex.provider, ...(await codex.catalog(small))];
  const { message } = await codex.exec(flags, ["[[run printf done]]"]);
  assert.notEqual(message, "");
  const bodies = stage.exchanges().map(({ body }) => JSON.stringify(body ?? null));
  assert.ok(
    bodies.some((body) => body.includes("CHECKPOINT")),
    "Codex asks for a summary",
  );
}

/** A prompt that does not fit ends the turn; the next one begins with a summary. */
async function overflow(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  await codex.ask(["Say hello."]);
  const flags = ["exec", "--json", "--dangerously-bypass-approvals-and-sandbox", ...codex.provider];
  const catalog = await codex.catalog();
  const full = await codex.run([...flags, ...catalog, "resume", "--last", "[[full]]"]);
  assert.notEqual(full.exitCode, 0);
  assert.match(full.stdout, /context window/i);
  const { message } = await codex.exec([...codex.provider, ...catalog], ["resume", "--last", "Say hello again."]);
  assert.equal(message, stage.lines.plain);
  const bodies = stage.exchanges().map(({ body }) => JSON.stringify(body ?? null));
  assert.ok(
    bodies.some((body) => body.includes("CHECKPOINT")),
    "Codex asks for a summary",
  );
}

/** An answer that is cut is no success, and does no harm to its thread. */
async function cutAnswer(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  await codex.ask(["Say hello."]);
  const flags = ["exec", "--json", "--dangerously-bypass-approvals-and-sandbox", ...codex.provider];
  const cut = await codex.run([...flags, ...(await codex.catalog()), "resume", "--last", "[[cut]]"]);
  assert.notEqual(cut.exitCode, 0);
  assert.match(cut.stdout, /max_output_tokens/);
  const { message } = await codex.ask(["resume", "--last", "Say hello again."]);
  assert.equal(message, stage.lines.plain);
}

/** Tools of MCP servers hide behind a search, and can be called once they were found. */
async function searchTools(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  const flags = [...codex.provider, ...(await codex.catalog({ supports_search_tool: true })), ...probe];
  const { message } = await codex.exec(flags, ["[[call tool_search]]"]);
  assert.equal(message, stage.lines.settled);
  const found = stage.exchanges().flatMap(({ body }) => listOf(at(body, "input")));
  assert.ok(
    found.some(({ type }) => type === "tool_search_output"),
    found.map(({ type }) => type).join(),
  );
}

/** Without a catalog Codex offers its model sub-agents, which ask the same server at the same time. */
async function spawnAgent(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  // Not `exec`: Codex ends while its agent still works, and complains of that itself.
  const flags = ["exec", "--json", "--dangerously-bypass-approvals-and-sandbox", ...codex.provider];
  const { exitCode, stdout } = await codex.run([...flags, "[[call spawn_agent]]"]);
  assert.equal(exitCode, 0);
  assert.match(stdout, /"type":"collab_tool_call","tool":"spawn_agent",.*"status":"completed"/);
  assert.ok(stdout.includes(stage.lines.settled));
  // Whether the agent still gets to ask is Codex's own affair.
  for (const { status, aborted } of stage.exchanges()) assert.ok(status === 200 || aborted, String(status));
}

/** For models that it takes for OpenAI's newest, Codex sends its tools as an item, and no `tools` at all. */
async function askInCodeMode(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  const [, , ...provider] = codex.provider;
  const { message } = await codex.exec(["-m", "gpt-6-luna", ...provider], ["Say hello."]);
  assert.equal(message, stage.lines.plain);
  const items = stage.exchanges().flatMap(({ body }) => listOf(at(body, "input")));
  assert.ok(
    items.some(({ type }) => type === "additional_tools"),
    items.map(({ type }) => type).join(),
  );
}

async function resumeEverything(version: string, stage: Stage): Promise<void> {
  const codex = new Codex(version, stage);
  await codex.ask(["Say hello."]);
  extend(rolloutIn(codex.home), everyItem);
  for (const words of ["Say hello again.", "And again."]) {
    const { message } = await codex.ask(["resume", "--last", words]);
    assert.equal(message, stage.lines.plain);
  }
  const types = new Set(listOf(at(stage.exchanges().at(-1)?.body, "input")).map(({ type }) => type));
  // Codex itself drops what it does not know, and replays the rest.
  for (const type of ["reasoning", "function_call_output", "custom_tool_call", "web_search_call", "compaction"]) {
    assert.ok(types.has(type), `${type} was replayed`);
  }
}

/** Writes `items` behind what Codex has kept; 0.169 numbers its lines. */
function extend(file: string, items: readonly Fields[]): void {
  const last = countOf(at(parse(readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? ""), "ordinal"));
  const lines = items.map((payload, index) => {
    const ordinal = last === null ? {} : { ordinal: last + 1 + index };
    return JSON.stringify({ timestamp: "2026-01-01T00:00:00.000Z", ...ordinal, type: "response_item", payload });
  });
  appendFileSync(file, `${lines.join("\n")}\n`);
}

/** The file in which Codex keeps its only thread. */
function rolloutIn(home: string): string {
  const folder = join(home, "sessions");
  const file = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith(".jsonl"));
  assert.ok(file, "Codex has kept its thread");
  return join(folder, file);
}
