/** Owns the tests of reading answers of models with marks of their own: Mistral, Seed-OSS, Gemma 4, gpt-oss. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnswerForm, plainForm } from "../../../src/engine/format/forms.ts";
import { createAnswerWatch } from "../../../src/engine/format/watch.ts";
import { type Case, checkCase, read } from "./reading.ts";

const named: AnswerForm = { ...plainForm, calls: { type: "named" } };
const harmony: AnswerForm = { ...plainForm, calls: { type: "harmony" } };
const seed: AnswerForm = {
  thinking: { open: "<seed:think>", close: "</seed:think>" },
  calls: {
    type: "tags",
    marks: { open: "<seed:tool_call>", close: "</seed:tool_call>" },
    tags: { before: "", beforeKey: "", beforeValue: "", afterValue: "", end: "" },
  },
};

const cases: readonly Case[] = [
  {
    title: "thinking and calls of Mistral, in mid-line",
    form: named,
    text: '[THINK]hm[/THINK]I look.[TOOL_CALLS]f[ARGS]{"city": "Paris"}[TOOL_CALLS]g[ARGS]{}',
    items: [
      ["reasoning", "hm"],
      ["message", "I look."],
      ["f", '{"city": "Paris"}'],
      ["g", "{}"],
    ],
  },
  {
    title: "a call of Mistral of what is not on offer",
    form: named,
    text: "So: [TOOL_CALLS]rm[ARGS]{}",
    items: [["message", "So: [TOOL_CALLS]rm[ARGS]{}"]],
  },
  {
    title: "calls of Seed-OSS",
    form: seed,
    text: `<seed:think>hm</seed:think>\n<seed:tool_call>\n<function=f>\n<parameter=days>3</parameter>\n</function>\n</seed:tool_call>`,
    items: [
      ["reasoning", "hm"],
      ["f", '{"days":3}'],
    ],
  },
  {
    title: "thinking of Gemma 4",
    form: { ...plainForm, thinking: { open: "<|channel>thought", close: "<channel|>" } },
    text: "<|channel>thought\nhm\n<channel|>Yes.",
    items: [
      ["reasoning", "hm"],
      ["message", "Yes."],
    ],
  },
  {
    title: "channels of gpt-oss",
    form: harmony,
    text:
      "<|channel|>analysis<|message|>Well, a < b.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|>" +
      '<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"city": "<|"}<|call|>',
    items: [
      ["reasoning", "Well, a < b."],
      ["message", "I look."],
      ["f", '{"city": "<|"}'],
    ],
  },
  {
    title: "a call of gpt-oss whose recipient comes first, and its answer",
    form: harmony,
    text:
      " to=functions.f<|channel|>commentary json<|message|>{}<|call|><|start|>assistant<|channel|>final<|message|>Yes.\n" +
      "<|return|>",
    items: [
      ["f", "{}"],
      ["message", "Yes.\n"],
    ],
  },
  {
    title: "a call of gpt-oss in thinking, without the name's first part, behind a message without an end",
    form: harmony,
    text: "<|channel|>analysis<|message|>hm<|start|>assistant<|channel|>analysis to=f<|message|>{}",
    items: [
      ["reasoning", "hm"],
      ["f", "{}"],
    ],
  },
  {
    title: "a call of gpt-oss of what is not on offer",
    form: harmony,
    text: "<|channel|>commentary to=python<|message|>print(1)<|call|>",
    items: [["message", "<|channel|>commentary to=python<|message|>print(1)"]],
  },
  { title: "gpt-oss without its form", form: harmony, text: "Hello, you.", items: [["message", "Hello, you."]] },
  {
    title: "gpt-oss long without its form",
    form: harmony,
    text: "Hello, you. ".repeat(40),
    items: [["message", "Hello, you. ".repeat(40)]],
  },
];

for (const example of cases) checkCase(example);

test("a model that stops within a call of another form has not called", () => {
  const begun = '<|channel|>commentary to=functions.f<|message|>{"a": ';
  assert.ok(read([begun], { form: harmony }).insideCall);
  assert.ok(read([`${begun}<|end|>`], { form: harmony }).insideCall);
  assert.ok(!read([`${begun}1}`], { form: harmony }).insideCall);
  assert.ok(read(['[TOOL_CALLS]f[ARGS]{"a": '], { form: named }).insideCall);
});

test("the watch sees where a call of another form begins", () => {
  for (const [form, before, after] of [
    [named, "I look.[TOOL_CALLS]", "f[ARGS]{}"],
    [harmony, "<|channel|>analysis<|message|>to=x<|end|><|start|>assistant<|channel|>commentary to=", "functions.f"],
    [harmony, " to=", "functions.f<|channel|>commentary json<|message|>{}"],
  ] as const) {
    assert.equal(createAnswerWatch(form, false).push(before + after), after);
    const watch = createAnswerWatch(form, false);
    const found = before.split("").map((character) => watch.push(character));
    assert.deepEqual(
      found.filter((one) => one !== null),
      [""],
    );
    assert.equal(found.at(-1), "");
    assert.ok(watch.answering);
    assert.equal(watch.thought, before.includes("analysis"));
  }
  const quiet = createAnswerWatch(harmony, false);
  assert.equal(quiet.push("<|channel|>final<|message|>Write to=functions.f"), null);
  assert.ok(quiet.answering && !quiet.thought);
});
