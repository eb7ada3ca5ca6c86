/** Owns the tests of inline thinking: what counts as a tag, and that chunk boundaries never matter. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type Tags, thinkForms, thinkTags } from "../../../src/engine/format/forms.ts";
import { type ThinkPiece, ThinkSplitter } from "../../../src/engine/format/think.ts";
import { limits } from "../../../src/limits.ts";

/** [reasoning, message] of `chunks`. */
function split(chunks: readonly string[], inside = false, tags: Tags = thinkTags): [string, string] {
  const splitter = new ThinkSplitter(inside, tags);
  const pieces: ThinkPiece[] = [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
  assert.ok(pieces.every(({ text }) => text !== ""));
  const firstAnswer = pieces.findIndex(({ type }) => type === "message");
  assert.ok(firstAnswer === -1 || pieces.slice(firstAnswer).every(({ type }) => type === "message"), "interleaved");
  const join = (wanted: string): string => pieces.flatMap(({ type, text }) => (type === wanted ? [text] : [])).join("");
  return [join("reasoning"), join("message")];
}

const cases: readonly (readonly [title: string, text: string, reasoning: string, message: string])[] = [
  ["plain", "Hello.", "", "Hello."],
  ["leading white space of a plain answer stays", "  Hello.\n", "", "  Hello.\n"],
  ["thinking", "<think>\nI ponder.\n</think>\n\nForty-two.", "I ponder.", "Forty-two."],
  ["white space before the tag", "\n\n<think>a</think>b", "a", "b"],
  ["inner white space stays", "<think>a\n\n b </think>c \n", "a\n\n b", "c \n"],
  ["nothing thought", "<think>\n\n</think>\n\nHi", "", "Hi"],
  ["only thought", "<think>a</think>", "a", ""],
  ["a second block is text", "<think>a</think>b<think>c</think>", "a", "b<think>c</think>"],
  ["a quoted tag is text", "The tag <think> opens it.", "", "The tag <think> opens it."],
  ["a broken tag is text", "<thin> air", "", "<thin> air"],
  ["a cut opening tag is text", "<thi", "", "<thi"],
  ["less-than in thinking stays", "<think>a < b </ c</think>d", "a < b </ c", "d"],
  ["cut while thinking", "<think>I was", "I was", ""],
  ["cut in the closing tag", "<think>I was</thi", "I was</thi", ""],
  ["another tag does not close", "<thinking>a</think>b</thinking>c", "a</think>b", "c"],
  ["empty", "", "", ""],
  ["white space only", "\n\n", "", ""],
];

for (const [title, text, reasoning, message] of cases) {
  test(`think: ${title}`, () => {
    assert.deepEqual(split([text]), [reasoning, message]);
    assert.deepEqual(split(Array.from(text)), [reasoning, message]);
  });
}

test("think: the prompt may have opened it", () => {
  assert.deepEqual(split(["\nI pon", "der.\n</thi", "nk>\n\nYes."], true), ["I ponder.", "Yes."]);
});

for (const { open, close } of thinkForms) {
  test(`think: ${open}, whether the model or the prompt began it`, () => {
    const [text, rest] = [`${open}\na < b\n${close}\n\nYes.`, `\na < b\n${close}\n\nYes.`];
    assert.deepEqual(split(Array.from(text)), ["a < b", "Yes."]);
    assert.deepEqual(split(Array.from(rest), true, { open, close }), ["a < b", "Yes."]);
  });
}

test("think: any split of any text gives the same", () => {
  const words = ["<think>", "</think>", "<thi", "</", "nk>", "a", "b c", " ", "\n", "[THINK]", "[/THINK]"];
  const texts = fc.array(fc.constantFrom(...words), { maxLength: 12 });
  fc.assert(
    fc.property(texts, fc.boolean(), (chunks, inside) => {
      assert.deepEqual(split(chunks, inside), split([chunks.join("")], inside));
    }),
  );
});

for (const before of ["", "<think>", "<think>Hm.", "<think>Hm.</think>"]) {
  test(`think: white space without end is told, not held: after '${before}'`, () => {
    const splitter = new ThinkSplitter();
    splitter.push(before);
    let told = 0;
    for (let count = 0; count < 100; count += 1) {
      for (const { text } of splitter.push("\n".repeat(100))) told += text.length;
    }
    assert.ok(told > 10_000 - 2 * limits.blankChars);
  });
}
