/** Owns the proof that the checker takes a stream in any pieces, of any content, and within bounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anything, checkBody, StreamCheck } from "../../src/spec/check/check.ts";
import { UnreadableStream } from "../../src/spec/check/frames.ts";

test("whatever JSON the events are, and however the bytes come in pieces, it is the same verdict, and no crash", () => {
  const types = fc.constantFrom(
    "response.output_item.added",
    "response.output_item.done",
    "response.created",
    "response.completed",
    "response.content_part.added",
    "response.output_text.delta",
    "response.in_progress",
    "response.content_part.done",
  );
  const hostile = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom({ toString: 1, valueOf: 1 }, { type: "message", id: { toString: null } }, { type: "output_text" }),
  );
  const fields = fc.dictionary(
    fc.constantFrom(
      "item",
      "item_id",
      "part",
      "response",
      "delta",
      "output_index",
      "content_index",
      "error",
      "sequence_number",
      "text",
    ),
    hostile,
  );
  const body = fc
    .array(
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc
            .tuple(types, fields)
            .map(([type, rest]) => `event: ${type}\ndata: ${JSON.stringify({ ...rest, type })}\n\n`),
        },
        fc.string(),
      ),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(body, fc.integer({ min: 1, max: 40 }), (text, size) => {
      const { violations } = checkBody(text);
      const pieces: unknown[] = [];
      const check = new StreamCheck(anything, (violation) => pieces.push(violation));
      for (let from = 0; from < text.length; from += size) check.push(text.slice(from, from + size));
      check.end();
      assert.deepEqual(pieces, violations);
    }),
    { numRuns: 300 },
  );
});

test("JSON too deep to compare is named, not followed", () => {
  const deep = `{"type":"response.completed","response":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
  const { violations } = checkBody(`event: response.completed\ndata: ${deep}\n\n`);
  assert.match(violations.find(({ row }) => row === 3)?.message ?? "", /^no JSON object: /);
});

/** Never comes back but by a throw. */
function endless(text: string): never {
  const check = new StreamCheck(anything, () => {});
  for (;;) check.push(text);
}

test("an event and a stream have a longest length", () => {
  const piece = "x".repeat(1024 * 1024);
  assert.throws(
    () => endless(piece),
    (thrown) => thrown instanceof UnreadableStream && thrown.message.startsWith("the event at line 1 is"),
  );
  assert.throws(
    () => endless(`:${piece}\n\n`),
    (thrown) => thrown instanceof UnreadableStream && thrown.message.startsWith("the stream is"),
  );
});
