/** Owns the tests of what is counted: each counter moves when its thing happens, and Prometheus can read them all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { metrics } from "../src/metrics.ts";
import { openTestDoor, says } from "./http/door.ts";

async function read(address: string): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`${address}/metrics`);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).trimEnd().split("\n");
  const series = lines.filter((line) => !line.startsWith("#"));
  for (const line of series) assert.match(line, /^[a-z_]+(?:\{[a-z]+="[^"\\\n]*"\})? \d+$/);
  for (const name of Object.keys(metrics)) assert.ok(lines.includes(`# TYPE ${name} counter`), name);
  return new Map(series.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

test("turns, tokens, mended items and requests are counted", async (t) => {
  const door = await openTestDoor(t, () => says("a", "b"));
  const before = await read(door.address);
  await door.ask({ input: [{ type: "message", role: "bot", content: "hi" }] });
  await door.ask("{");
  const after = await read(door.address);
  const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  assert.equal(grown('antiphon_responses_total{status="completed"}'), 1);
  assert.equal(grown("antiphon_input_tokens_total"), 5);
  assert.equal(grown("antiphon_cached_tokens_total"), 2);
  assert.equal(grown("antiphon_output_tokens_total"), 2);
  assert.equal(grown('antiphon_healed_items_total{rule="role"}'), 1);
  assert.equal(grown('antiphon_requests_total{status="400"}'), 1);
});

test("without a key nobody is told", async (t) => {
  const door = await openTestDoor(t, () => says("a"), { apiKeys: ["secret"] });
  assert.equal((await fetch(`${door.address}/metrics`)).status, 401);
});
