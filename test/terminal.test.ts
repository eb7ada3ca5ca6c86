/** Owns the tests of progress: what is drawn, when, and that it never mixes with other lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Work } from "../src/log.ts";
import { createScreen, describe, megabytes, type Screen } from "../src/terminal.ts";

/** A screen with a clock that the test sets, and all that was written to it. */
function stage(isTTY: boolean, columns = 80): { screen: Screen; written: string[]; at: (ms: number) => void } {
  const written: string[] = [];
  let time = 0;
  const screen = createScreen({ isTTY, columns, write: (text) => written.push(text) }, () => time);
  return { screen, written, at: (ms) => (time = ms) };
}

const load = (done: number): Work => ({ label: "Load", done, total: 100, unit: "percent" });

test("what is done within two seconds is not worth a line", () => {
  const { screen, written, at } = stage(true);
  screen.report(load(0));
  at(1900);
  screen.report(load(100));
  assert.deepEqual(written, []);
});

test("a terminal has one line that is rewritten, and ended when the work is done", () => {
  const { screen, written, at } = stage(true);
  for (const done of [0, 50, 100]) {
    at(done * 50);
    screen.report(load(done));
  }
  assert.deepEqual(written, [
    "\r\u001B[KLoad [############            ] 50 %",
    "\r\u001B[KLoad [########################] 100 %\n",
  ]);
});

test("a log gets a line every five seconds, and one at the end", () => {
  const { screen, written, at } = stage(false);
  for (let second = 0; second <= 10; second += 1) {
    at(second * 1000);
    screen.report(load(second * 10));
  }
  assert.deepEqual(
    written.map((line) => /(\d+) %\n$/.exec(line)?.[1]),
    ["20", "70", "100"],
  );
});

test("other lines take the progress line away first", () => {
  const { screen, written, at } = stage(true);
  screen.report(load(0));
  at(3000);
  screen.report(load(10));
  screen.lines.write("info hello\n");
  screen.clear();
  assert.deepEqual(written.slice(1), ["\r\u001B[K", "info hello\n"]);
});

test("a line never wraps, since a wrapped one cannot be rewritten", () => {
  const { screen, written, at } = stage(true, 20);
  screen.report(load(0));
  at(3000);
  screen.report(load(10));
  assert.equal(written[0]?.replace("\r\u001B[K", "").length, 19);
});

test("amounts are told as people read them", () => {
  assert.equal(describe({ label: "Get", done: 5e6, total: null, unit: "bytes" }), "Get  5 MB");
  assert.equal(describe({ label: "Read", done: 7, total: null, unit: "tokens" }), "Read  7 tokens");
  assert.equal(megabytes(2_340_000_000), "2.3 GB");
});
