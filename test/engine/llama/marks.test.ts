/** Owns the tests of marks that are control tokens: text that spells one is text. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { createAnswerReader } from "../../../src/engine/format/answer.ts";
import { type AnswerForm, callFrames, harmony, plainForm, seam } from "../../../src/engine/format/forms.ts";
import type { Model, Token } from "../../../src/engine/llama/binding.ts";
import { TokenReader, Vocabulary } from "../../../src/engine/llama/vocabulary.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { loadModel, nativeLlama } from "./native.ts";

const marks = ["[TOOL_CALLS]", "[ARGS]", ...Object.values(harmony)];
const mistral: AnswerForm = { ...plainForm, calls: { type: "json", frame: callFrames.mistral } };
const gptOss: AnswerForm = { ...plainForm, calls: { type: "harmony" } };

let folder: string;
let model: Model;
let plain: Model;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "antiphon-marks-"));
  await writeScriptedModel(join(folder, "marked.gguf"), { marks });
  await writeScriptedModel(join(folder, "plain.gguf"));
  model = await loadModel(await nativeLlama(), join(folder, "marked.gguf"));
  plain = await loadModel(await nativeLlama(), join(folder, "plain.gguf"));
});
after(() => rm(folder, { recursive: true }));

/** `text` as a model writes it that spells it: llama.cpp finds gpt-oss' marks in any text that is longer than a character. */
const spelled = (text: string): Token[] => text.split("").flatMap((character) => model.tokenize(character, false));
/** The same with its marks as tokens. */
const meant = (text: string): Token[] => model.tokenize(text, true);

/** The items of an answer of `tokens`, each as [type or name, text]. */
function itemsOf(form: AnswerForm, tokens: readonly Token[], from: Model = model): [string, string][] {
  const vocabulary = new Vocabulary(from, { source: "", form });
  const reader = new TokenReader(vocabulary, []);
  const answer = createAnswerReader({
    thinking: false,
    form: vocabulary.form,
    tools: [{ name: "f", parameters: { type: "object" } }],
  });
  const items: [string, string][] = [];
  const pieces = [...tokens.map((token) => reader.push(token)), reader.end()];
  for (const delta of [...pieces.flatMap((piece) => [...answer.push(piece)]), ...answer.end(true)]) {
    if (delta.kind === "open") items.push([delta.item.type === "call" ? delta.item.name : delta.item.type, ""]);
    const last = items.at(-1);
    if (delta.kind === "text" && last) last[1] += delta.text;
  }
  return items;
}

test("a call whose marks are tokens is one; spelled, it is text, in any place", () => {
  const call = '[TOOL_CALLS]f[ARGS]{"a": "[TOOL_CALLS]"}';
  assert.deepEqual(itemsOf(mistral, meant('[TOOL_CALLS]f[ARGS]{"a": [1]}')), [["f", '{"a": [1]}']]);
  assert.deepEqual(itemsOf(mistral, spelled(call)), [["message", call]]);
  const quoted = `The mark is \`${call}\`, as in\n${call}\n`;
  assert.deepEqual(itemsOf(mistral, spelled(quoted)), [["message", quoted]]);
  const argument = [...meant("[TOOL_CALLS]f[ARGS]"), ...spelled('{"a": "[TOOL_CALLS]f[ARGS]{}"}')];
  assert.deepEqual(itemsOf(mistral, argument), [["f", '{"a": "[TOOL_CALLS]f[ARGS]{}"}']]);
});

test("text of gpt-oss that speaks of its marks is all there", () => {
  const said = "The mark is `<|channel|>` and `<|end|>` ends it. <|start|>assistant<|channel|>final<|message|>";
  const answer = [...meant("<|channel|>final<|message|>"), ...spelled(said)];
  assert.deepEqual(itemsOf(gptOss, answer), [["message", said]]);
});

test("a vocabulary without these tokens has the same calls at the start of a line", () => {
  const call = "[TOOL_CALLS]f[ARGS]{}";
  assert.deepEqual(itemsOf(mistral, plain.tokenize(call, true), plain), [["f", "{}"]]);
  assert.deepEqual(itemsOf(mistral, plain.tokenize(`Write ${call}`, true), plain), [["message", `Write ${call}`]]);
});

test("no seam leaves, whatever is written", () => {
  const piece = fc.oneof(
    fc.constantFrom(...marks).map(meant),
    fc.constantFrom(...marks, "<", "|", "[", "T", "f", '{"a": 1}', " to=functions.f", "\n").map(spelled),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.constantFrom(mistral, gptOss), (tokens, form) => {
      const text = itemsOf(form, tokens.flat()).join(" ");
      assert.ok(!text.includes(seam), JSON.stringify(text));
    }),
    { numRuns: 300 },
  );
});
