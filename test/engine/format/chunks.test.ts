/** Owns the proof that chunks change nothing: in every form, whatever a model writes, however its text is cut. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type AnswerForm,
  type CallFrame,
  callFrames,
  callTags,
  gemmaFrame,
  harmony,
  plainForm,
} from "../../../src/engine/format/forms.ts";
import { note, stringMark } from "../../../src/engine/format/notation.ts";
import { createAnswerWatch } from "../../../src/engine/format/watch.ts";
import { qwenForm, taggedForms } from "../tagged.ts";
import { read } from "./reading.ts";

interface Sample {
  readonly form: AnswerForm;
  /** What stands around the parts of its calls, and whole calls. */
  readonly pieces: readonly string[];
}

function framed(frame: CallFrame): Sample {
  const { open, lead, numbered, afterName, end, close, between } = frame;
  const call = `${lead}f${numbered ? ":0" : ""}${afterName}{"city": "x"}${end}`;
  const calls = [open + call + close, between + call, `${open}${lead}rm${afterName}{}${end}${close}`];
  return {
    form: { ...plainForm, calls: { type: "json", frame } },
    pieces: [open, lead, afterName, end, close, between, ...calls],
  };
}

const tagged: Sample = {
  form: { ...plainForm, calls: qwenForm },
  pieces: [
    ...Object.values(callTags),
    ...Object.values(qwenForm.tags),
    "<tool_call>\n<function=f>\n<parameter=city>\nx\n</parameter>\n</function>\n</tool_call>",
  ],
};
const minimax = taggedForms["MiniMax M2"] ?? qwenForm;
const invoked: Sample = {
  form: { ...plainForm, calls: minimax },
  pieces: [
    minimax.marks.open,
    minimax.marks.close,
    ...Object.values(minimax.tags),
    '<minimax:tool_call>\n<invoke name="f">\n<parameter name="city">x</parameter>\n</invoke>',
    '\n<invoke name="f">\n<parameter name="city">\n</invoke></parameter>\n</invoke>',
  ],
};
const noted: Sample = {
  form: { thinking: { open: "<|channel>thought", close: "<channel|>" }, calls: { type: "noted", frame: gemmaFrame } },
  pieces: [
    gemmaFrame.open,
    gemmaFrame.close,
    "call:",
    stringMark,
    "{city:",
    `<|tool_call>call:f${note({ city: "x\n{}", days: [1, null], a: {} })}<tool_call|>`,
    "<|tool_call>call:rm{}<tool_call|>",
  ],
};
const channels: Sample = {
  form: { ...plainForm, calls: { type: "harmony" } },
  pieces: [
    ...Object.values(harmony),
    "assistant",
    " to=functions.f",
    "<|channel|>analysis<|message|>hm<|end|>",
    '<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a": 1}<|call|>',
    "<|start|>assistant<|channel|>final<|message|>",
  ],
};

const samples: Readonly<Record<string, Sample>> = {
  ...Object.fromEntries(Object.entries<CallFrame>(callFrames).map(([name, frame]) => [name, framed(frame)])),
  tagged,
  invoked,
  noted,
  channels,
};

for (const [name, { form, pieces }] of Object.entries(samples)) {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...pieces.filter((text) => text !== "")) },
    fc.constantFrom("f", "rm", ":1", '{"a": 1}', "{", "}", '"', "\n", " ", "```", "~~~\n", "<", "<|", "x".repeat(300)),
    fc.constantFrom(form.thinking.open, form.thinking.close),
  );

  test(`${name}: one chunk, characters and anything between are read alike, and the watch sees the same call`, () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), fc.nat(), fc.boolean(), (parts, place, finished) => {
        const text = parts.join("");
        const whole = read([text], { form }, finished);
        assert.deepEqual(read(text.split(""), { form }, finished), whole);
        const half = place % (text.length + 1);
        assert.deepEqual(read([text.slice(0, half), text.slice(half)], { form }, finished), whole);

        const watch = createAnswerWatch(form, false);
        const seen = text.split("").findIndex((character) => watch.push(character) !== null);
        const after = createAnswerWatch(form, false).push(text);
        assert.equal(after, seen === -1 ? null : text.slice(seen + 1));
      }),
      { numRuns: 200 },
    );
  });
}

test("text without marks is all there, in every form", () => {
  const words = fc.array(fc.constantFrom("assistant", " to=f", "a", "to", "<", "|", "<b>", "[", "{", " ", "\n"));
  fc.assert(
    fc.property(words, fc.constantFrom(...Object.values(samples)), (parts, { form }) => {
      const text = parts.join("");
      const { items } = read(text.split(""), { form });
      assert.equal(items.map(([, said]) => said).join(""), text.trim() === "" ? "" : text);
    }),
    { numRuns: 500 },
  );
});
