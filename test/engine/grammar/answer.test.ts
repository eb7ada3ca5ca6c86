/** Owns the tests of the grammars of whole answers against llama.cpp itself: calls, formats, thinking before either. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineRequest } from "../../../src/engine/engine.ts";
import { answerGrammar } from "../../../src/engine/grammar/answer.ts";
import { asking, poll, weather } from "../asking.ts";
import { judge } from "./judge.ts";

const called = (name: string, args: string): string =>
  `<tool_call>\n{"name": "${name}", "arguments": ${args}}\n</tool_call>`;
const paris = called("get_weather", '{"city": "Paris"}');
const yes = called("answer_poll", '{"choice": "yes", "sure": true}');
const offer: Partial<EngineRequest> = { tools: [weather, poll] };

async function judgeAnswer(rest: Partial<EngineRequest>, thinking: "none" | "possible" | "begun" = "none") {
  const grammar = answerGrammar(asking("x", rest), { thinking, exact: true });
  assert.ok(grammar);
  const accepts = await judge(grammar.source);
  return grammar.from === "start"
    ? accepts
    : (text: string) => text.startsWith("<tool_call>") && accepts(text.slice(11));
}

test("what is only listed is not called", async () => {
  const accepts = await judgeAnswer({ tools: [{ ...weather, callable: false }, poll] });
  assert.ok(accepts(yes));
  assert.ok(!accepts(paris));
});

test("a call that the model began is a call of an offered tool, and another may follow", async () => {
  const accepts = await judgeAnswer(offer);
  for (const text of [paris, yes, `${paris}\n${yes}`]) assert.ok(accepts(text), text);
  for (const text of [called("rm", "{}"), called("get_weather", "{}"), `${paris}\nSo.`, paris.slice(0, -1)]) {
    assert.ok(!accepts(text), text);
  }
  const single = await judgeAnswer({ ...offer, parallelToolCalls: false });
  assert.ok(single(paris) && !single(`${paris}\n${yes}`));
});

test("required and named calls leave no way around them", async () => {
  const required = await judgeAnswer({ ...offer, toolChoice: "required" });
  assert.ok(required(paris) && required(yes) && !required("Hello."));
  const named = await judgeAnswer({ ...offer, toolChoice: { names: ["answer_poll"] } });
  assert.ok(named(yes) && !named(paris) && !named(`${yes}\n${paris}`));
});

test("with a format and tools there is either a call or text that fits", async () => {
  const format = { type: "json_schema", name: "x", schema: { type: "integer" }, strict: true } as const;
  const accepts = await judgeAnswer({ ...offer, format });
  assert.ok(accepts(paris) && accepts("12") && !accepts("twelve"));
  const forced = await judgeAnswer({ ...offer, format, toolChoice: "required" });
  assert.ok(forced(paris) && !forced("12"));
  const none = await judgeAnswer({ ...offer, format: { type: "json_object" }, toolChoice: "none" });
  assert.ok(none('{"a": 1}') && !none(paris));
});

test("thinking may come first where the model can think, and must end where it has begun", async () => {
  const format = { type: "json_object" } as const;
  const possible = await judgeAnswer({ format }, "possible");
  for (const text of ["{}", "<think>\nWell <b>\n</think>\n\n{}", "\n<think></think>{}"])
    assert.ok(possible(text), text);
  assert.ok(!possible("Well</think>{}"));
  const begun = await judgeAnswer({ format }, "begun");
  assert.ok(begun("\nWell\n</think>\n\n{}") && !begun("{}"));
});

test("a free answer has no grammar", () => {
  for (const rest of [{}, { tools: [], toolChoice: "required" }, { ...offer, toolChoice: "none" }] as const) {
    assert.equal(answerGrammar(asking("x", rest), { thinking: "none", exact: true }), null);
  }
});

test("a schema that llama.cpp would refuse leaves any arguments, and any JSON as a format", async () => {
  const endless = { $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }, { type: "null" }] } }, $ref: "#/$defs/a" };
  const format = { type: "json_schema", name: "x", schema: endless, strict: true } as const;
  const inCall = { tools: [{ ...weather, parameters: endless }] };
  const inObject = {
    format: { ...format, schema: { type: "object", properties: { a: endless }, $defs: endless.$defs } },
  };
  for (const [rest, good, bad] of [
    [inCall, paris.slice(11), "[]"],
    [{ format }, '["a"]', "a"],
    [inObject, '{"b": 1}', "[]"],
  ] as const) {
    const [exact = "", loose = ""] = [true, false].map(
      (exact) => answerGrammar(asking("x", rest), { thinking: "none", exact })?.source,
    );
    await assert.rejects(judge(exact));
    const accepts = await judge(loose);
    assert.ok(accepts(good) && !accepts(bad));
  }
});
