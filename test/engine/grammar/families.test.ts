/**
 * Owns the proof of the families of calls: dice write forced calls in each form under its grammar in llama.cpp, and the reader
 * of answers finds in every one the tool and arguments that fit it. `ANTIPHON_GRAMMARS=200` throws for so many a form.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import type { Delta, EngineTool } from "../../../src/engine/engine.ts";
import { createAnswerReader } from "../../../src/engine/format/answer.ts";
import {
  type AnswerForm,
  type CallForm,
  callFrames,
  type CallFrame,
  gemmaFrame,
  plainForm,
} from "../../../src/engine/format/forms.ts";
import { stringMark } from "../../../src/engine/format/notation.ts";
import { answerGrammar } from "../../../src/engine/grammar/answer.ts";
import { asking } from "../asking.ts";
import { taggedForms } from "../tagged.ts";
import { Dice } from "./dice.ts";
import { formatChecks } from "./formats.ts";
import { judge } from "./judge.ts";
import { type Schema, schemas } from "./schemas.ts";

const count = Math.min(Number(process.env["ANTIPHON_GRAMMARS"] ?? 30), 200);
const mostTokens = 4_000;

const forms: Readonly<Record<string, CallForm>> = {
  ...Object.fromEntries(
    Object.entries<CallFrame>(callFrames).map(([family, frame]) => [`JSON, as ${family}`, { type: "json", frame }]),
  ),
  ...Object.fromEntries(Object.entries(taggedForms).map(([models, form]) => [`tags, as ${models}`, form])),
  "a notation of its own, as Gemma 4": { type: "noted", frame: gemmaFrame },
  "messages on channels, as gpt-oss": { type: "harmony" },
};
const formOf = (calls: CallForm): AnswerForm => ({ ...plainForm, calls });

const ajv = new Ajv2020({ strict: false, formats: formatChecks });
/** Free text in tags ends with a mark that dice would never throw. */
const tellable = schemas.filter(
  ({ type, enum: values }) => values !== undefined || (typeof type === "string" && type !== "string"),
);
const toolsOf = (sample: readonly Schema[]): EngineTool[] =>
  sample.map(({ $defs, ...first }, index) => {
    const properties = { first, second: { type: "integer" } };
    const parameters = {
      type: "object",
      properties,
      required: ["first"],
      additionalProperties: false,
      $defs: $defs ?? {},
    };
    return {
      name: `tool_${index}`,
      description: "",
      parameters,
      strict: false,
      inThread: false,
      callable: true,
      inputGrammar: null,
    };
  });

let dice: Dice;
before(async () => {
  dice = await Dice.make([stringMark]);
});

/** Name and arguments of the calls in `text`. */
function callsIn(text: string, form: AnswerForm, tools: readonly EngineTool[]): [name: string, args: string][] {
  const reader = createAnswerReader({ thinking: false, form, tools });
  const calls: [string, string][] = [];
  const take = (delta: Delta): void => {
    if (delta.kind === "open") calls.push([delta.item.type === "call" ? delta.item.name : delta.item.type, ""]);
    const last = calls.at(-1);
    if (delta.kind === "text" && last) last[1] += delta.text;
  };
  for (const piece of text.match(/[^]{1,7}/g) ?? []) for (const delta of reader.push(piece)) take(delta);
  for (const delta of reader.end(true)) take(delta);
  return calls;
}

for (const [form, calls] of Object.entries(forms)) {
  test(`${count} forced calls in ${form}: all are read, of a tool, with arguments that fit`, async (context) => {
    let finished = 0;
    for (const [seed, sample] of fc.sample(fc.tuple(tellable, tellable), { numRuns: count, seed: 1 }).entries()) {
      const tools = toolsOf(sample);
      const request = asking("x", { tools, toolChoice: "required", parallelToolCalls: false });
      const grammar = answerGrammar(request, { thinking: "none", form: formOf(calls), exact: true });
      assert(grammar?.from === "start");
      const text = await dice.write(grammar.source, seed + 1, mostTokens);
      if (text === null) continue;
      finished += 1;
      const [call, ...others] = callsIn(text, formOf(calls), tools);
      assert.deepEqual(others, [], text);
      const tool = tools.find(({ name }) => name === call?.[0]);
      assert(tool && call, text);
      const fits = ajv.compile(tool.parameters);
      assert.ok(
        fits(JSON.parse(call[1])),
        `${ajv.errorsText(fits.errors)}\n${text}\n${JSON.stringify(tool.parameters)}`,
      );
    }
    context.diagnostic(`${finished} of ${count} calls ended within ${mostTokens} tokens`);
    assert.ok(finished >= count * 0.95);
  });
}

test("in tags, text stands as it is, and everything else as JSON", async () => {
  const properties = {
    code: { type: "string" },
    mode: { enum: ["fast", "slow"] },
    lines: { type: "array", items: { type: "integer" } },
    flag: { anyOf: [{ type: "boolean" }, { type: "null" }] },
    level: { const: 2 },
  };
  const parameters = { type: "object", properties, required: ["code"] };
  const tools: EngineTool[] = [{ ...toolsOf([{}])[0], name: "run", parameters } as EngineTool];
  const written = 'if (a < b) {\n  say("</param");\n}';
  const request = asking("x", { tools, toolChoice: "required" });
  for (const [form, calls] of Object.entries(taggedForms)) {
    const grammar = answerGrammar(request, { thinking: "none", form: formOf(calls), exact: true });
    assert(grammar);
    const accepts = await judge(grammar.source);
    const { open, close, together, between } = calls.marks;
    const { before, afterName, beforeKey, beforeText, beforeJson, afterValue, end } = calls.tags;
    const told = ([key, value]: readonly [string, string]): string =>
      beforeKey + key + (key === "code" || key === "mode" ? beforeText : beforeJson) + value + afterValue;
    const inner = (args: readonly (readonly [string, string])[]): string =>
      before + "run" + afterName + args.map(told).join("") + end;
    const call = (...args: readonly (readonly [string, string])[]): string => open + inner(args) + close;
    const args = [
      ["code", written],
      ["mode", "slow"],
      ["lines", "[1, 2]"],
      ["flag", "true"],
      ["level", "2"],
    ] as const;
    const whole = call(...args);
    assert.ok(accepts(whole), `${form}: ${whole}`);
    const two = together ? open + inner([["code", ""]]) + inner(args) + close : call(["code", ""]) + between + whole;
    assert.ok(accepts(two), `${form}: ${two}`);
    const read = ["run", `{"code":${JSON.stringify(written)},"mode":"slow","lines":[1, 2],"flag":true,"level":2}`];
    assert.deepEqual(callsIn(whole, formOf(calls), tools), [read]);
    assert.deepEqual(callsIn(two, formOf(calls), tools), [["run", '{"code":""}'], read]);
    for (const wrong of [
      call(["mode", "slow"]),
      call(["code", "x"], ["mode", "other"]),
      call(["code", "x"], ["lines", "one"]),
      call(["code", "x"], ["flag", "True"]),
      call(["code", "x"], ["level", "3"]),
    ]) {
      assert.ok(!accepts(wrong), wrong);
    }
  }
});
