/** Owns the proof that no misbehaviour of an upstream breaks a stream, completes what the model did not, or ends a thread. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test, type TestContext } from "node:test";
import { createChatEngine } from "../../src/engine/chat/chat.ts";
import { errors } from "../../src/errors.ts";
import { silentLog } from "../../src/log.ts";
import { checkBody } from "../../src/spec/check/check.ts";
import { at, type Fields, fieldsOf, listOf, parse, words } from "../../src/spec/json.ts";
import { done, end, say } from "../engine/chat/wire.ts";
import { type Received, sendJson, startUpstream } from "../engine/upstream.ts";
import { openTestDoor, type TestDoor } from "../http/door.ts";
import { violations } from "../items/strict.ts";
import { callRows } from "./upstream-failures/calls.ts";
import { leakRows } from "./upstream-failures/leaks.ts";
import { quoteRows } from "./upstream-failures/quotes.ts";
import { refusalRows } from "./upstream-failures/refusals.ts";
import { play, type Played, type Row, stream } from "./upstream-failures/row.ts";
import { streamRows } from "./upstream-failures/streams.ts";

const input = "please";
const tools = [
  {
    type: "function",
    name: "f",
    parameters: { type: "object", properties: { x: { type: "number" } }, required: ["x"] },
  },
  { type: "function", name: "get_time", parameters: { type: "object", properties: {} } },
];
const well = stream(say("Well."), end("stop"), done);

/** A door, and an upstream behind it that plays what it is told. */
interface Scene {
  readonly door: TestDoor;
  readonly asked: Received[];
  /** From now on; the last for ever. */
  readonly tell: (answers: readonly Played[]) => void;
}

async function open(t: TestContext): Promise<Scene> {
  let answers: readonly Played[] = [well];
  const asked: Received[] = [];
  const upstream = await startUpstream((request: Received, response: ServerResponse) => {
    if (request.path !== "/v1/chat/completions") {
      sendJson(response, 200, { data: [{ id: "m", owned_by: "somebody" }] });
      return;
    }
    asked.push(request);
    const [answer = well, ...rest] = answers;
    if (rest.length > 0) answers = rest;
    return play(answer, response);
  });
  const engine = createChatEngine({ baseUrl: upstream.url, apiKey: null, dialect: "generic", log: silentLog });
  t.after(async () => {
    await engine.close();
    await upstream.close();
  });
  const tell = (told: readonly Played[]): void => {
    answers = told;
    asked.length = 0;
  };
  return { door: await openTestDoor(t, engine), asked, tell };
}

/** The Response that a stream ends with, once the stream is lawful. */
async function streamed(door: TestDoor, body: Fields, { parallel }: { parallel: boolean }): Promise<Fields> {
  const text = await (await door.ask({ ...body, stream: true })).text();
  const context = { tools: new Set(["f", "get_time"]), parallel, summary: false };
  const { events, violations: broken } = checkBody(text, context);
  assert.deepEqual(broken, []);
  return fieldsOf(at(events.at(-1), "response"));
}

function brief(response: Fields): string[] {
  const status = words(response["status"]);
  const why = words(at(response, "error", "code") ?? at(response, "incomplete_details", "reason"));
  return [`${status} ${why}`.trim(), ...listOf(response["output"]).map(briefItem)];
}

function briefItem(item: Fields): string {
  const { type, status, name } = item;
  const text =
    type === "function_call"
      ? item["arguments"]
      : listOf(item["content"])
          .map((part) => part["text"])
          .join("");
  const called = name === undefined ? "" : ` ${words(name)}`;
  return `${words(type)}${called}${status === "completed" ? "" : ` (${words(status)})`}: ${words(text)}`;
}

/** The next turn of a client that runs what was completed. */
function next(output: readonly Fields[]): readonly Fields[] {
  const calls = output.filter(({ type, status }) => type === "function_call" && status === "completed");
  const outputs = calls.map(({ call_id }) => ({ type: "function_call_output", call_id, output: "ran" }));
  return [...outputs, { type: "message", role: "user", content: "go on" }];
}

async function assertGoesOn({ door, asked, tell }: Scene, response: Fields): Promise<void> {
  const output = listOf(response["output"]);
  const user = { type: "message", role: "user", content: input };
  const turns = [
    { previous_response_id: response["id"], input: next(output), tools },
    { input: [user, ...output, ...next(output)], tools },
  ];
  for (const body of turns) {
    tell([well]);
    const answer = await door.ask(body);
    assert.equal(answer.status, 200, await answer.clone().text());
    assert.deepEqual(brief((await answer.json()) as Fields), ["completed", "message: Well."]);
    for (const request of asked) assert.deepEqual(violations(request.body), []);
  }
}

async function assertPlayed(
  scene: Scene,
  { answers, asks = {}, means, usage, refusal = "server_error", wait }: Row,
): Promise<void> {
  const { door, tell } = scene;
  const body = { input, tools, ...asks };
  const parallel = asks["parallel_tool_calls"] !== false;
  tell(answers);
  const response = await streamed(door, body, { parallel });
  assert.deepEqual(brief(response), means);
  const { input_tokens: read, output_tokens: wrote } = fieldsOf(response["usage"]);
  if (usage !== undefined) assert.equal(`${String(read)}/${String(wrote)}`, usage);
  for (const item of listOf(response["output"])) {
    if (item["type"] === "function_call" && item["status"] === "completed") {
      assert.equal(typeof parse(words(item["arguments"])), "object", "a completed call can be run");
    }
  }
  tell(answers);
  const answer = await door.ask(body);
  const whole = (await answer.json()) as Fields;
  if (response["status"] === "failed") {
    assert.deepEqual([answer.status, at(whole, "error", "code")], [errors[refusal].status, refusal]);
    if (wait !== undefined) assert.equal(answer.headers.get("retry-after"), wait);
  } else {
    assert.equal(answer.status, 200, JSON.stringify(whole));
    assert.deepEqual(brief(whole), means);
  }
  await assertGoesOn(scene, response);
}

const tables = {
  calls: callRows,
  leaks: leakRows,
  streams: streamRows,
  refusals: refusalRows,
  "quotes of calls": quoteRows,
};
for (const [what, rows] of Object.entries(tables)) {
  test(`an upstream's ${what}`, async (t) => {
    const scene = await open(t);
    for (const row of rows) await t.test(row.title, () => assertPlayed(scene, row));
  });
}
