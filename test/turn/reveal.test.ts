/** Owns the tests of what items hold but do not show: our sealed thinking comes back to the model, files are read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delta, EngineRequest } from "../../src/engine/engine.ts";
import { checkEvents } from "../../src/spec/check/check.ts";
import type { Item } from "../../src/spec/items.ts";
import { makeLine, play } from "./line.ts";

const answer: readonly Delta[] = [
  { kind: "open", key: 0, item: { type: "reasoning" } },
  { kind: "text", key: 0, text: "deep thought" },
  { kind: "close", key: 0 },
  { kind: "open", key: 1, item: { type: "message" } },
  { kind: "text", key: 1, text: "42" },
  { kind: "close", key: 1 },
  { kind: "finish", reason: "stop" },
];

/** Plays `body` on a line, and what its engine was asked. */
async function played(line: ReturnType<typeof makeLine>, body: object): Promise<readonly Item[]> {
  const { events } = await play(line, body);
  assert.deepEqual(checkEvents(events), []);
  const end = events.at(-1);
  assert(end?.type === "response.completed");
  return end.response.output;
}

function recording(): { line: ReturnType<typeof makeLine>; asked: EngineRequest[] } {
  const asked: EngineRequest[] = [];
  const line = makeLine((request) => {
    asked.push(request);
    return answer;
  });
  return { line, asked };
}

for (const body of [{ store: false }, { include: ["reasoning.encrypted_content"] }]) {
  test(`with ${JSON.stringify(body)} thinking leaves sealed, and comes back to the model from the seal alone`, async () => {
    const { line, asked } = recording();
    const [thought, message] = await played(line, { input: "hi", ...body });
    const sealed = thought?.["encrypted_content"];
    assert.ok(typeof sealed === "string" && !sealed.includes("deep"));
    // As OpenCode replays it: without id and text.
    const replayed = { type: "reasoning", encrypted_content: sealed, summary: [] };
    await played(line, {
      input: [{ role: "user", content: "hi" }, replayed, message, { role: "user", content: "why" }],
    });
    const turn = asked[1]?.messages[1];
    assert(turn?.role === "assistant");
    assert.deepEqual([turn.reasoning, turn.content], ["deep thought", "42"]);
  });
}

test("what is stored and not asked for is not sealed", async () => {
  const [thought] = await played(recording().line, { input: "hi" });
  assert(thought);
  assert.equal("encrypted_content" in thought, false);
});

test("a seal of another server shows nothing and harms nothing; a summary beside it is shown", async () => {
  const { line, asked } = recording();
  const foreign = { type: "reasoning", encrypted_content: "gAAAAABo", summary: [] };
  const summed = { ...foreign, summary: [{ type: "summary_text", text: "in short" }] };
  await played(line, { input: [foreign, { role: "assistant", content: "a" }, summed, { role: "user", content: "b" }] });
  assert.deepEqual(
    asked[0]?.messages.map((message) => (message.role === "assistant" ? message.reasoning : message.role)),
    ["in short", "user"],
  );
});

test("a compaction that we sealed is read again", async () => {
  const { line, asked } = recording();
  const compaction = { type: "compaction_summary", encrypted_content: line.seal.close("They want 42.") };
  await played(line, { input: [compaction, { role: "user", content: "go on" }] });
  assert.match(JSON.stringify(asked[0]?.messages), /Summary of the conversation so far.*They want 42\./);
});

test("files are read wherever they stand, under their names", async () => {
  const { line, asked } = recording();
  const file = {
    type: "input_file",
    filename: "notes.txt",
    file_data: Buffer.from("remember the milk").toString("base64"),
  };
  const call = { type: "function_call", call_id: "c", name: "f", arguments: "{}" };
  const output = { type: "function_call_output", call_id: "c", output: [file] };
  const input = [{ role: "user", content: [{ type: "input_text", text: "read" }, file] }, call, output];
  await played(line, { input });
  const told = asked[0]?.messages.map((message) => JSON.stringify(message.content)) ?? [];
  for (const text of [told[0], told[2]]) assert.match(text ?? "", /notes\.txt.*remember the milk/);
});

test("a model without eyes is told of images where they stand, in messages, outputs and screenshots", async () => {
  const { line, asked } = recording();
  const blind = { id: "blind", contextLength: null, capabilities: { images: false, reasoning: false, schemas: false } };
  const image = { type: "input_image", image_url: "data:image/png;base64,AA==" };
  const input = [
    { role: "user", content: [{ type: "input_text", text: "look" }, image] },
    { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
    { type: "function_call_output", call_id: "c", output: [image] },
    { type: "computer_call", call_id: "d", actions: [] },
    { type: "computer_call_output", call_id: "d", output: { ...image, type: "computer_screenshot" } },
  ];
  const engine = { ...line.engine, models: () => Promise.resolve([blind]) };
  await played({ ...line, engine }, { input });
  await played(line, { input });
  const told = asked.map(({ messages }) => JSON.stringify(messages));
  assert.equal(told[0]?.split("[image omitted: this model cannot see images]").length, 4);
  assert.equal(told[0]?.includes("base64"), false);
  assert.equal(told[1]?.split("base64").length, 4);
});
