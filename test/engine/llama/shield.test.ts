/** Owns the tests of the shield: no control token can be spelled by a client, and nothing of the text is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Shield } from "../../../src/engine/llama/shield.ts";

const guarded = ["<|im_start|>", "<|im_end|>", "<|im_start|>user", "<think>", "[[", "<｜begin▁of▁sentence｜>", "😀😀"];
/** Text in which parts of control tokens meet. */
const hostile = fc
  .array(fc.constantFrom(...guarded, ..."<|im_[start]>😀 ~1".split(""), "<|im_", "end|>", "\uD83D"), { maxLength: 20 })
  .map((parts) => parts.join(""));

test("what is split spells no control token, and joined it is the same text", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const shield = new Shield(guarded);
      const rendered = `<|im_start|>user\n${shield.protect(text)}<|im_end|>`;
      const pieces = shield.split(rendered);
      assert.equal(pieces.join(""), `<|im_start|>user\n${text}<|im_end|>`);
      assert.equal(shield.join(rendered), pieces.join(""));
      const [first = "", ...others] = pieces;
      const own = [first.replace("<|im_start|>user\n", ""), ...others];
      own.push((own.pop() ?? "").replace(/<\|im_end\|>$/, ""));
      for (const piece of own)
        for (const token of guarded) assert.ok(!piece.includes(token), `${piece} spells ${token}`);
    }),
    { numRuns: 1000 },
  );
});

test("innocent text is not touched", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      fc.pre(!guarded.some((token) => text.includes(token)));
      assert.equal(new Shield(guarded).protect(text), text);
    }),
  );
});

test("every string of a value is protected, keys too, and nothing else changes", () => {
  const shield = new Shield(["<x>"], "~");
  const value = { "a<x>": ["<x>", 1, null, { b: true, c: "<<x>>" }] };
  assert.deepEqual(shield.protect(value), { "a<~x>": ["<~x>", 1, null, { b: true, c: "<<~x>>" }] });
});

test("no character is cut in two, and what cannot be cut is left alone", () => {
  const shield = new Shield(["😀a", "😀", "x", ""], "~");
  assert.equal(shield.protect("😀a"), "😀~a");
  assert.equal(shield.protect("😀x"), "😀x");
});

test("two shields have different seams, of characters that templates leave alone", () => {
  const [one, other] = [1, 2].map(() => new Shield(["<x>"]).protect("<x>"));
  assert.notEqual(one, other);
  assert.match(one ?? "", /^<~\d{36}~x>$/);
});
