/** Owns the tests of the way of log probabilities to the text that leaves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logprob } from "../../../src/engine/engine.ts";
import { LogprobTrack } from "../../../src/engine/format/logprobs.ts";

const tokens = (...texts: readonly string[]): Logprob[] =>
  texts.map((token) => ({ token, logprob: -1, bytes: [...Buffer.from(token)], top: [] }));

const taken = (track: LogprobTrack, text: string): string[] => track.take(text).map(({ token }) => token);

test("text that leaves has its own tokens, not the marks in which it stands as well", () => {
  const track = new LogprobTrack();
  track.push(tokens("hm", "</think>", "in", " the", " end"));
  assert.deepEqual(taken(track, "hm"), ["hm"]);
  assert.deepEqual(taken(track, "in"), ["in"]);
  assert.deepEqual(taken(track, " the end"), [" the", " end"]);
});

test("text that begins or ends in the middle of a token has those that end in it", () => {
  const track = new LogprobTrack();
  track.push(tokens("\n\nHel", "lo", ", you"));
  assert.deepEqual(taken(track, "Hello,"), ["\n\nHel", "lo"]);
  assert.deepEqual(taken(track, " you"), [", you"]);
  assert.deepEqual(taken(track, "never written"), []);
});
