/** Owns the tests of reading answers of models with marks of their own: Mistral, Seed-OSS, MiniMax, DeepSeek, Gemma 4, gpt-oss. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AnswerForm,
  callFrames,
  type CallFrame,
  gemmaFrame,
  plainForm,
} from "../../../src/engine/format/forms.ts";
import { createAnswerWatch } from "../../../src/engine/format/watch.ts";
import { qwenForm, taggedForms } from "../tagged.ts";
import { type Case, checkCase, read } from "./reading.ts";

const framed = (frame: CallFrame): AnswerForm => ({ ...plainForm, calls: { type: "json", frame } });
const named = framed(callFrames.mistral);
const harmony: AnswerForm = { ...plainForm, calls: { type: "harmony" } };
const gemma: AnswerForm = {
  thinking: { open: "<|channel>thought", close: "<channel|>" },
  calls: { type: "noted", frame: gemmaFrame },
};
const minimax: AnswerForm = { ...plainForm, calls: taggedForms["MiniMax M2"] ?? qwenForm };
const deepseek: AnswerForm = { ...plainForm, calls: taggedForms["DeepSeek V3.2"] ?? qwenForm };
const seed: AnswerForm = {
  thinking: { open: "<seed:think>", close: "</seed:think>" },
  calls: {
    type: "tags",
    marks: { ...qwenForm.marks, open: "<seed:tool_call>", close: "</seed:tool_call>" },
    tags: { ...qwenForm.tags, beforeText: ">", beforeJson: ">", afterValue: "</parameter>" },
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
    title: "two calls of Kimi K2 in one section",
    form: framed(callFrames.kimi),
    text:
      "I look.<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>" +
      '{"city": "Paris"}<|tool_call_end|><|tool_call_begin|>functions.g:1<|tool_call_argument_begin|>{}' +
      "<|tool_call_end|><|tool_calls_section_end|>Done.",
    items: [
      ["message", "I look."],
      ["f", '{"city": "Paris"}'],
      ["g", "{}"],
      ["message", "Done."],
    ],
  },
  {
    title: "two calls of DeepSeek R1",
    form: framed(callFrames.deepseek),
    text:
      "<think>hm</think><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{}\n```<｜tool▁call▁end｜>\n" +
      '<｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n```json\n{"a": 1}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    items: [
      ["reasoning", "hm"],
      ["f", "{}"],
      ["g", '{"a": 1}'],
    ],
  },
  {
    title: "a list of calls, as Nemotron Nano 2 writes it",
    form: framed(callFrames.nemotron),
    text: '<TOOLCALL>[{"name": "f", "arguments": {"a": "]"}}, {"name": "g", "arguments": {}}]</TOOLCALL>\n',
    items: [
      ["f", '{"a": "]"}'],
      ["g", "{}"],
    ],
  },
  {
    title: "calls of MiniMax M1, a line each",
    form: framed(callFrames.minimax),
    text: '<tool_calls>\n{"name": "f", "arguments": {}}\n{"name": "g", "arguments": {}}\n</tool_calls>',
    items: [
      ["f", "{}"],
      ["g", "{}"],
    ],
  },
  {
    title: "a call of GigaChat 3.1",
    form: framed(callFrames.gigachat),
    text: 'So: <|function_call|>{"name": "f", "arguments": {"a": 1}}',
    items: [
      ["message", "So:"],
      ["f", '{"a": 1}'],
    ],
  },
  {
    title: "calls of Functionary 3.1",
    form: framed(callFrames.functionary),
    text: '<function=f>{"a": "</function>"}</function>\n<function=g>{}</function>',
    items: [
      ["f", '{"a": "</function>"}'],
      ["g", "{}"],
    ],
  },
  {
    title: "calls of Functionary 3.1, the first of what is not on offer",
    form: framed(callFrames.functionary),
    text: "<function=rm>{}</function><function=f>{}</function>",
    items: [
      ["message", "<function=rm>{}</function>"],
      ["f", "{}"],
    ],
  },
  {
    title: "one of two calls in a section that is not on offer",
    form: framed(callFrames.minimax),
    text: '<tool_calls>\n{"name": "f", "arguments": {}}\n{"name": "rm", "arguments": {}}\n</tool_calls>',
    items: [
      ["f", "{}"],
      ["message", '<tool_calls>\n{"name": "rm", "arguments": {}}\n</tool_calls>'],
    ],
  },
  {
    title: "calls of Seed-OSS",
    form: seed,
    text: `<seed:think>hm</seed:think>\n<seed:tool_call>\n<function=f>\n<parameter=days>3</parameter>\n<parameter=city>x\n</parameter>\n</function>\n</seed:tool_call>`,
    items: [
      ["reasoning", "hm"],
      ["f", '{"days":3,"city":"x\\n"}'],
    ],
  },
  {
    title: "calls of MiniMax M2, side by side, with tags and line breaks in a value",
    form: minimax,
    text:
      'I look.\n<minimax:tool_call>\n<invoke name="f">\n<parameter name="city">\n</invoke>\n</parameter>x\n</parameter>\n' +
      '<parameter name="days">3</parameter>\n</invoke>\n<invoke name="g">\n</invoke>\n</minimax:tool_call>\nDone.',
    items: [
      ["message", "I look."],
      ["f", JSON.stringify({ city: "\n</invoke>\n</parameter>x\n", days: 3 })],
      ["g", "{}"],
      ["message", "Done."],
    ],
  },
  {
    title: "a call of MiniMax M2, and one of what is not on offer",
    form: minimax,
    text: '<minimax:tool_call>\n<invoke name="f">\n</invoke>\n<invoke name="rm">\n</invoke>\n</minimax:tool_call>',
    items: [
      ["f", "{}"],
      ["message", '<minimax:tool_call>\n<invoke name="rm">\n</invoke>\n</minimax:tool_call>'],
    ],
  },
  {
    title: "a call of DeepSeek V3.2, which says what is text",
    form: deepseek,
    text:
      '<｜DSML｜function_calls>\n<｜DSML｜invoke name="f">\n<｜DSML｜parameter name="city" string="true">42</｜DSML｜parameter>\n' +
      '<｜DSML｜parameter name="more" string="true">true</｜DSML｜parameter>\n' +
      '<｜DSML｜parameter name="days" string="false">[3]</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
    items: [["f", '{"city":"42","more":"true","days":[3]}']],
  },
  {
    title: "a call of Qwen3-Coder about its own tags, which end nothing in the middle of a line",
    form: { ...plainForm, calls: qwenForm },
    text:
      '<tool_call>\n<function=f>\n<parameter=city>\n<parameter=a>x</parameter><parameter=b>y</parameter>, then "</parameter>' +
      '</function></tool_call>"\n</parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>',
    items: [
      [
        "f",
        '{"city":"<parameter=a>x</parameter><parameter=b>y</parameter>, then \\"</parameter></function></tool_call>\\"","days":3}',
      ],
    ],
  },
  {
    title: "a call of Qwen3-Coder without its line breaks",
    form: { ...plainForm, calls: qwenForm },
    text: "<tool_call><function=f><parameter=city>Rome</parameter><parameter=days>3</parameter></function></tool_call>",
    items: [["f", '{"city":"Rome","days":3}']],
  },
  {
    title: "numbers with more digits than JavaScript's have, in tags",
    form: minimax,
    text:
      '<minimax:tool_call>\n<invoke name="f">\n<parameter name="days">1234567890123456789</parameter>\n' +
      '<parameter name="more">{"id": 12345678901234567890}</parameter>\n</invoke>\n</minimax:tool_call>',
    items: [["f", '{"days":1234567890123456789,"more":{"id": 12345678901234567890}}']],
  },
  {
    title: "numbers with more digits than JavaScript's have, of Gemma 4, and one that is no JSON",
    form: gemma,
    text: "<|tool_call>call:f{a:1234567890123456789,b:007,b:008}<tool_call|>",
    items: [["f", '{"a":1234567890123456789,"b":8}']],
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
    title: "calls of Gemma 4, side by side behind its thinking, with marks in a string",
    form: gemma,
    text:
      "<|channel>thought\nhm\n<channel|>I look.\n" +
      '<|tool_call>call:f{city:<|"|>Köln, {"a":\n"}<|"|>,days:3}<tool_call|><|tool_call>call:g{list:[1,-2.5e3,{b:true}],no:null}<tool_call|>',
    items: [
      ["reasoning", "hm"],
      ["message", "I look."],
      ["f", '{"city":"Köln, {\\"a\\":\\n\\"}","days":3}'],
      ["g", '{"list":[1,-2.5e3,{"b":true}],"no":null}'],
    ],
  },
  {
    title: "a call of Gemma 4 as Python would write it, with marks around keys and white space",
    form: gemma,
    text: '<|tool_call>call:f{ <|"|>a b<|"|> : None, __proto__: [True, False] }\n<tool_call|>',
    items: [["f", '{"a b":null,"__proto__":[true,false]}']],
  },
  {
    title: "numbers beyond all numbers",
    form: gemma,
    text: "<|tool_call>call:f{a:1e999,b:[-1e999]}<tool_call|>",
    items: [["f", '{"a":1.7976931348623157e+308,"b":[-1.7976931348623157e+308]}']],
  },
  {
    title: "a call of Gemma 4 of what is not on offer",
    form: gemma,
    text: "<|tool_call>call:rm{}<tool_call|>",
    items: [["message", "<|tool_call>call:rm{}<tool_call|>"]],
  },
];

for (const example of cases) checkCase(example);

test("a model that stops within a call of another form has not called", () => {
  const begun = '<|channel|>commentary to=functions.f<|message|>{"a": ';
  assert.ok(read([begun], { form: harmony }).insideCall);
  assert.ok(read([`${begun}<|end|>`], { form: harmony }).insideCall);
  const cut = read([`${begun}<|end|><|start|>assistant<|channel|>final<|message|>No.`], { form: harmony });
  assert.ok(cut.insideCall && !cut.closed && cut.items.length === 1);
  assert.ok(!read([`${begun}1}`], { form: harmony }).insideCall);
  assert.ok(read(['[TOOL_CALLS]f[ARGS]{"a": '], { form: named }).insideCall);
});

test("an answer that was cut between two calls says nothing of the second", () => {
  for (const [form, text] of [
    [minimax, '<minimax:tool_call>\n<invoke name="f">\n</invoke>\n<inv'],
    [deepseek, '<｜DSML｜function_calls>\n<｜DSML｜invoke name="f">\n</｜DSML｜invoke>\n<｜DSML｜invoke na'],
    [framed(callFrames.nemotron), '<TOOLCALL>[{"name": "f", "arguments": {}}, {"na'],
  ] as const) {
    for (const chunks of [[text], text.split("")]) assert.deepEqual(read(chunks, { form }, false).items, [["f", "{}"]]);
  }
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
