/** Owns the tests of prompt shapes at work: a template that refuses one gets a stricter one, and for whom it is remembered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delta, EngineRequest, Failure } from "../../src/engine/engine.ts";
import { isTerminal, type Event, type TerminalEvent } from "../../src/spec/events.ts";
import { says } from "../http/door.ts";
import { makeLine, play } from "./line.ts";

const fail = (code: Failure["code"]): Delta => ({ kind: "fail", failure: { code, message: `it was ${code}` } });

function lastOf(events: readonly Event[]): TerminalEvent {
  const last = events.at(-1);
  assert(last && isTerminal(last));
  return last;
}

test("a template that refuses is asked again with stricter shapes, and the shape is remembered", async () => {
  const asked: EngineRequest[] = [];
  const line = makeLine((request) => {
    asked.push(request);
    const neighbours = request.messages.some(({ role }, at) => role === request.messages[at - 1]?.role);
    return neighbours ? [fail("template")] : says("fine");
  });
  const input = [
    { role: "user", content: "a" },
    { role: "user", content: "b" },
  ];
  assert.equal(lastOf((await play(line, { input })).events).type, "response.completed");
  assert.equal(asked.length, 2);
  await play(line, { input });
  assert.equal(asked.length, 3);
});

test("a shape is remembered of its thread alone, and only once an answer came of it", async () => {
  const asked: EngineRequest[] = [];
  let broken = true;
  const line = makeLine((request) => {
    asked.push(request);
    const neighbours = request.messages.some(({ role }, at) => role === request.messages[at - 1]?.role);
    if (neighbours) return [fail("template")];
    return broken ? [fail("upstream_error")] : says("fine");
  });
  const input = [
    { role: "user", content: "a" },
    { role: "user", content: "b" },
  ];
  /** How often the engine is asked for an answer in the thread `prompt_cache_key`. */
  const tries = async (prompt_cache_key: string): Promise<number> => {
    await play(line, { input, prompt_cache_key });
    return asked.splice(0).length;
  };
  assert.equal(await tries("one"), 2);
  assert.equal(await tries("one"), 2, "nothing was learnt of an upstream that broke");
  broken = false;
  assert.equal(await tries("one"), 2);
  assert.equal(await tries("one"), 1);
  assert.equal(await tries("two"), 2, "another thread begins anew");
});

test("a template that refuses every shape is an invalid prompt", async () => {
  const { events } = await play(
    makeLine(() => [fail("template")]),
    { input: "x" },
  );
  assert.equal(lastOf(events).response.error?.code, "invalid_prompt");
});
