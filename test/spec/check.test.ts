/** Owns the proof that the checker sees: for each rule a machine can break, a machine that breaks it is caught. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkBody, checkEvents, StreamCheck } from "../../src/spec/check/check.ts";
import { type Invariant, invariants } from "../../src/spec/check/invariants.ts";
import { fieldsOf, type Violation } from "../../src/spec/check/rules.ts";
import { parseRequest } from "../../src/spec/request.ts";
import { newResponse } from "../../src/spec/response.ts";
import { EventMachine, type ItemDelta } from "../../src/turn/machine.ts";
import { Snapshot } from "../../src/turn/snapshot.ts";

type Wire = Record<string, unknown>;

const context = { tools: new Set(["f", "patch"]), parallel: true, summary: true };
const logprob = { token: "a", logprob: -0.1, bytes: [97], top_logprobs: [] };

/** Everything that the machine can do, in one lawful stream. */
const program: readonly ItemDelta[] = [
  { kind: "open", item: { id: "rs_1", type: "reasoning", status: "in_progress", summary: [], content: [] } },
  { kind: "text", channel: "summary_text", text: "think" },
  { kind: "text", channel: "reasoning_text", text: "think" },
  { kind: "close", status: "completed" },
  { kind: "open", item: { id: "ws_1", type: "web_search_call", status: "in_progress", action: { type: "search" } } },
  { kind: "progress", status: "in_progress" },
  { kind: "progress", status: "searching" },
  { kind: "progress", status: "completed" },
  { kind: "close", status: "completed" },
  { kind: "open", item: { id: "msg_1", type: "message", status: "in_progress", role: "assistant", content: [] } },
  { kind: "text", channel: "output_text", text: "Hel", logprobs: [logprob] },
  { kind: "annotate", annotation: { type: "url_citation", url: "u", title: "t", start_index: 0, end_index: 1 } },
  { kind: "text", channel: "output_text", text: "lo" },
  { kind: "close", status: "completed" },
  { kind: "open", item: call("function_call", "1", { name: "f", arguments: "" }) },
  { kind: "text", channel: "arguments", text: '{"a":' },
  { kind: "text", channel: "arguments", text: "1}" },
  { kind: "close", status: "completed" },
  { kind: "open", item: call("custom_tool_call", "2", { name: "patch", input: "" }) },
  { kind: "text", channel: "input", text: "*** Begin" },
  { kind: "close", status: "completed" },
];

function call(type: string, number: string, fields: Wire): { id: string; type: string } & Wire {
  return { id: `call_item_${number}`, type, status: "in_progress", call_id: `call_${number}`, ...fields };
}

/** The stream of the program, with a keep-alive in the middle of the message. */
function lawful(): Wire[] {
  const machine = new EventMachine();
  const snapshot = new Snapshot(newResponse(parseRequest({ input: "x" }), "resp_1", "m", 1000));
  const events: object[] = [machine.lifecycle("response.created", snapshot.response)];
  events.push(machine.lifecycle("response.in_progress", snapshot.response));
  program.forEach((delta, at) => {
    if (at === 12) events.push(machine.lifecycle("response.in_progress", snapshot.response));
    for (const event of machine.push(delta)) {
      snapshot.apply(event);
      events.push(event);
    }
  });
  const final = { ...snapshot.response, status: "completed", completed_at: 1001 } as const;
  events.push(machine.lifecycle("response.completed", final));
  return structuredClone(events) as Wire[];
}

/** Index of the n-th event of a type. */
function find(events: readonly Wire[], type: string, nth = 0): number {
  const at = events.flatMap((event, index) => (event["type"] === type ? [index] : []))[nth];
  assert(at !== undefined, `no ${type}`);
  return at;
}

/** Changes the fields of the n-th event of a type. */
const set =
  (type: string, change: (event: Wire) => Wire, nth = 0) =>
  (events: Wire[]): Wire[] =>
    events.map((event, index) => (index === find(events, type, nth) ? { ...event, ...change(event) } : event));

/** The same for the Response that it carries. */
const setResponse = (type: string, change: Wire): ((events: Wire[]) => Wire[]) =>
  set(type, (event) => ({ response: { ...fieldsOf(event["response"]), ...change } }));

const setItem = (type: string, change: Wire, nth = 0): ((events: Wire[]) => Wire[]) =>
  set(type, (event) => ({ item: { ...fieldsOf(event["item"]), ...change } }), nth);

const drop =
  (type: string, nth = 0) =>
  (events: Wire[]): Wire[] =>
    renumber(events.toSpliced(find(events, type, nth), 1));

const insert =
  (type: string, event: Wire, nth = 0, offset = 1) =>
  (events: Wire[]): Wire[] =>
    renumber(events.toSpliced(find(events, type, nth) + offset, 0, event));

const swap =
  (type: string, nth = 0) =>
  (events: Wire[]): Wire[] => {
    const at = find(events, type, nth);
    return renumber([...events.slice(0, at), ...events.slice(at, at + 2).reverse(), ...events.slice(at + 2)]);
  };

function renumber(events: readonly Wire[]): Wire[] {
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}

const added = "response.output_item.added";
const done = "response.output_item.done";
const delta = "response.output_text.delta";
const message = 2;
const functionCall = 3;
const customCall = 4;

/** A broken machine for each rule, as what it does to the stream. */
const mutants = {
  5: (events) =>
    renumber([
      ...events,
      { type: delta, item_id: "msg_1", output_index: 2, content_index: 0, delta: "x", logprobs: [] },
    ]),
  7: set(delta, () => ({ error: { message: "x" } })),
  8: set(delta, () => ({ type: "response.heartbeat" })),
  11: drop("response.created"),
  12: set(delta, () => ({ sequence_number: 3 })),
  13: insert("response.created", { ...lawful()[0] }),
  14: drop("response.completed"),
  15: (events) => renumber([...events.slice(0, 1), ...events.slice(2, 3), ...events.slice(1, 2), ...events.slice(3)]),
  16: set("response.in_progress", () => ({ response: lawful()[0]?.["response"] }), 1),
  17: (events) => renumber(events.filter((event) => event["type"] !== "response.in_progress")),
  18: insert(done, { type: "error", code: "server_error", message: "x", param: null }, customCall),
  21: setResponse("response.completed", { id: "resp_2" }),
  22: setResponse("response.created", { completed_at: 1000 }),
  23: setResponse("response.completed", { completed_at: null }),
  24: set("response.completed", (event) => ({
    type: "response.incomplete",
    response: { ...fieldsOf(event["response"]), status: "incomplete", incomplete_details: null, completed_at: null },
  })),
  25: set("response.completed", (event) => ({
    type: "response.failed",
    response: { ...fieldsOf(event["response"]), status: "failed", error: { code: "oops", message: "x" } },
  })),
  26: setResponse("response.completed", { text: undefined }),
  27: setResponse("response.completed", { tools: [{ type: "web_search" }] }),
  28: setResponse("response.completed", { created_at: 1000.5 }),
  29: setResponse("response.completed", {
    usage: { input_tokens: 1, input_tokens_details: {}, output_tokens: 1, output_tokens_details: {}, total_tokens: 2 },
  }),
  30: setResponse("response.completed", { status: "incomplete" }),
  31: drop(added, message),
  32: set(added, () => ({ output_index: 7 }), message),
  33: setItem(done, { id: "msg_other" }, message),
  34: setItem(added, { call_id: "call_1" }, customCall),
  35: insert(
    done,
    { type: delta, item_id: "msg_1", output_index: 2, content_index: 0, delta: "x", logprobs: [] },
    message,
  ),
  36: setItem(added, { arguments: "{" }, functionCall),
  37: setItem(done, { status: "in_progress" }, message),
  38: setItem(done, { status: "incomplete" }, message),
  39: setItem(done, { name: "g" }, functionCall),
  40: setResponse("response.completed", { output: [] }),
  41: drop(done, customCall),
  43: setItem(added, { status: undefined }, message),
  44: set(delta, () => ({ item_id: "rs_1" })),
  45: drop("response.content_part.added", 1),
  46: set("response.content_part.added", () => ({ content_index: 1 }), 1),
  47: set("response.content_part.added", () => ({ part: { type: "output_text", text: "x", annotations: [] } }), 1),
  48: swap("response.output_text.done"),
  49: set(delta, () => ({ delta: "other" })),
  51: insert(delta, { type: added, output_index: 3, item: { id: "x", type: "message", status: "in_progress" } }),
  52: set("response.output_text.annotation.added", () => ({ annotation_index: 4 })),
  53: set(delta, () => ({ logprobs: null })),
  54: setItem(done, { arguments: "{" }, functionCall),
  55: drop("response.function_call_arguments.done"),
  56: set("response.custom_tool_call_input.delta", () => ({ type: "response.function_call_arguments.delta" })),
  57: (events) => setItem(done, { name: "rm" }, functionCall)(setItem(added, { name: "rm" }, functionCall)(events)),
  58: (events) => events,
  61: set("response.reasoning_summary_text.done", () => ({ text: "other" })),
  65: setItem(done, { summary: null }, 0),
  66: swap("response.web_search_call.in_progress"),
} as const satisfies Partial<Record<Invariant, (events: Wire[]) => Wire[]>>;

test("a lawful stream breaks no rule", () => {
  assert.deepEqual(checkEvents(lawful(), context), []);
});

test("an event that must carry a Response, and carries none, is named", () => {
  const [created, ...rest] = lawful();
  const { response: _response, ...bare } = created ?? {};
  const [first] = checkEvents([bare, ...rest], context);
  assert.deepEqual([first?.row, first?.message], [26, "missing: response"]);
});

for (const [row, mutate] of Object.entries(mutants)) {
  const number = Number(row) as keyof typeof mutants;
  test(`mutant of rule ${row} is caught: ${invariants[number].rule}`, () => {
    const broken = checkEvents(mutate(lawful()), { ...context, parallel: number !== 58 });
    assert.ok(
      broken.some((violation) => violation.row === number),
      JSON.stringify(broken),
    );
  });
}

/** The rules of framing, broken in the bytes. */
const frames: Readonly<Record<2 | 3 | 4, (body: string) => string>> = {
  2: (body) => body.replace("event: response.created", "event: created"),
  3: (body) => body.replace("event: response.created", "id: 1\nevent: response.created"),
  4: (body) => `${body}data: [DONE]\n\n`,
};

for (const [row, mutate] of Object.entries(frames)) {
  test(`mutant of rule ${row} is caught: ${invariants[Number(row) as Invariant].rule}`, () => {
    const body = lawful()
      .map((event) => `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`)
      .join("");
    assert.deepEqual(checkBody(body, context).violations, []);
    const rows = checkBody(mutate(body), context).violations.map((violation) => violation.row);
    assert.ok(rows.includes(Number(row) as Invariant), JSON.stringify(rows));
  });
}

test(`mutant of rule 1 is caught: ${invariants[1].rule}`, () => {
  const seen: Violation[] = [];
  const check = new StreamCheck(context, (violation) => seen.push(violation));
  check.answered(200, "Text/Event-Stream; charset=utf-8");
  assert.deepEqual(seen, []);
  check.answered(200, "text/plain");
  check.answered(201, "text/event-stream");
  check.answered(200, null);
  assert.deepEqual(
    seen.map(({ row }) => row),
    [1, 1, 1],
  );
});

test("every rule has its mutant", () => {
  const covered = new Set(["1", ...Object.keys(mutants), ...Object.keys(frames)]);
  assert.deepEqual(
    Object.keys(invariants).filter((row) => !covered.has(row)),
    [],
  );
});
