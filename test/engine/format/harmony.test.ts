/** Owns the examples of answers of gpt-oss: channels, calls, and headers that are written wrongly. */
import { type AnswerForm, plainForm } from "../../../src/engine/format/forms.ts";
import { type Case, checkCase } from "./reading.ts";

const harmony: AnswerForm = { ...plainForm, calls: { type: "harmony" } };

const cases: readonly Case[] = [
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
  {
    title: "a channel of gpt-oss with nothing on it, and one that was thought better of",
    form: harmony,
    text:
      "<|channel|>analysis<|end|><|start|>assistant<|channel|>final<|message|>Hello.<|end|>" +
      "<|start|>assistant<|channel|>analysis<|channel|>final<|message|> Bye.",
    items: [
      ["message", "Hello."],
      ["message", " Bye."],
    ],
  },
  {
    title: "an answer of gpt-oss without the last mark of its header",
    form: harmony,
    text: "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final Hello, you.",
    items: [
      ["reasoning", "hm"],
      ["message", "Hello, you."],
    ],
  },
  {
    title: "an answer of gpt-oss behind its role alone",
    form: harmony,
    text: "<|start|>assistant Hello, you.",
    items: [["message", "Hello, you."]],
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
