/** Owns the tests of reading an answer: thinking, text and calls, however the text is cut into chunks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createAnswerReader } from "../../../src/engine/format/answer.ts";
import { plainForm } from "../../../src/engine/format/forms.ts";
import { valueFor } from "../../../src/engine/format/tags.ts";
import { createAnswerWatch } from "../../../src/engine/format/watch.ts";
import { limits } from "../../../src/limits.ts";
import { type Case, checkCase, read } from "./reading.ts";

const call = (name: string, args: string): string =>
  `<tool_call>\n{"name": "${name}", "arguments": ${args}}\n</tool_call>`;

const tagged = (name: string, args: Readonly<Record<string, string>>): string => {
  const written = Object.entries(args).map(([key, value]) => `<parameter=${key}>\n${value}\n</parameter>\n`);
  return `<tool_call>\n<function=${name}>\n${written.join("")}</function>\n</tool_call>`;
};
const paired = (name: string, args: Readonly<Record<string, string>>): string => {
  const written = Object.entries(args).map(
    ([key, value]) => `<arg_key>${key}</arg_key>\n<arg_value>${value}</arg_value>\n`,
  );
  return `<tool_call>${name}\n${written.join("")}</tool_call>`;
};

const cases: readonly Case[] = [
  { title: "plain text", text: "Hello.\n\nBye.\n", items: [["message", "Hello.\n\nBye.\n"]] },
  { title: "nothing", text: "", items: [] },
  {
    title: "thinking",
    text: "<think>\nWell\n</think>\n\nYes.",
    items: [
      ["reasoning", "Well"],
      ["message", "Yes."],
    ],
  },
  {
    title: "thinking that the prompt began",
    text: "\nWell\n</think>\n\nYes.",
    thinking: true,
    items: [
      ["reasoning", "Well"],
      ["message", "Yes."],
    ],
  },
  { title: "a call", text: call("f", '{"a": "}\\"]"}'), items: [["f", '{"a": "}\\"]"}']] },
  {
    title: "thinking, text and two calls",
    text: `<think>hm</think>\nI look.\n\n${call("f", "{}")}\n${call("g", '{"a": [{"b": {}}]}')}\n`,
    items: [
      ["reasoning", "hm"],
      ["message", "I look."],
      ["f", "{}"],
      ["g", '{"a": [{"b": {}}]}'],
    ],
  },
  {
    title: "text after a call",
    text: `${call("f", "{}")}\n\nThat was it. `,
    items: [
      ["f", "{}"],
      ["message", "That was it. "],
    ],
  },
  {
    title: "two calls in tags, as Qwen3-Coder writes them",
    text: `I look.\n\n${tagged("f", { city: "New\nYork", days: "3" })}\n${tagged("g", {})}`,
    items: [
      ["message", "I look."],
      ["f", '{"city":"New\\nYork","days":3}'],
      ["g", "{}"],
    ],
  },
  {
    title: "calls in tags, as GLM writes them",
    text: `${paired("f", { city: "42", days: "3" })}\n${paired("g", {})}\nDone.`,
    items: [
      ["f", '{"city":"42","days":3}'],
      ["g", "{}"],
      ["message", "Done."],
    ],
  },
  {
    title: "line breaks that are a value's own, as GLM writes them",
    text: paired("f", { city: "\nx\n" }),
    items: [["f", '{"city":"\\nx\\n"}']],
  },
  {
    title: "a value that holds tags of calls",
    text: tagged("f", { city: "</parameter>\n</function>" }),
    items: [["f", JSON.stringify({ city: "</parameter>\n</function>" })]],
  },
  {
    title: "a value that holds the marks of calls",
    text: tagged("f", { city: call("g", "{}") }),
    items: [["f", JSON.stringify({ city: call("g", "{}") })]],
  },
  {
    title: "a call in tags of what is not on offer",
    text: tagged("rm", { city: "x" }),
    items: [["message", tagged("rm", { city: "x" })]],
  },
  {
    title: "other white space and key",
    text: '  <tool_call>{"name":"f" , "parameters":{"a":1} }</tool_call>',
    items: [["f", '{"a":1}']],
  },
  {
    title: "a call quoted in a line",
    text: `Write ${call("f", "{}")}`,
    items: [["message", `Write ${call("f", "{}")}`]],
  },
  {
    title: "a call quoted in a code block, and a real one after it",
    text: `Like so:\n\`\`\`xml\n${call("f", "{}")}\n\`\`\`\n${call("g", "{}")}`,
    items: [
      ["message", `Like so:\n\`\`\`xml\n${call("f", "{}")}\n\`\`\``],
      ["g", "{}"],
    ],
  },
  { title: "a call of what is not on offer", text: call("rm", "{}"), items: [["message", call("rm", "{}")]] },
  {
    title: "a call of what is not on offer, and a real one behind it",
    text: `${call("rm", "{}")}\n${call("f", "{}")}`,
    items: [
      ["message", call("rm", "{}")],
      ["f", "{}"],
    ],
  },
  {
    title: "calls without their last mark, and words behind the second",
    text: `${call("f", "{}").replace("</tool_call>", "")}${call("g", "{}").replace("</tool_call>", "")}\nThat was it.`,
    items: [
      ["f", "{}"],
      ["g", "{}"],
      ["message", "That was it."],
    ],
  },
  {
    title: "a call quoted in a fence of four, around one of three",
    text: `Like so:\n\`\`\`\`md\n\`\`\`\n${call("f", "{}")}\n\`\`\`\n\`\`\`\``,
    items: [["message", `Like so:\n\`\`\`\`md\n\`\`\`\n${call("f", "{}")}\n\`\`\`\n\`\`\`\``]],
  },
  {
    title: "a call quoted in a list, in a comment and by indentation",
    text: `- \`\`\`\n${call("f", "{}")}\n  \`\`\`\n<!--\n${call("f", "{}")}\n-->\n\n    ${call("f", "{}")}`,
    items: [
      ["message", `- \`\`\`\n${call("f", "{}")}\n  \`\`\`\n<!--\n${call("f", "{}")}\n-->\n\n    ${call("f", "{}")}`],
    ],
  },
  {
    title: "a real call behind words of markup",
    text: `I add a <PreviewCard /> and \`<pre>\`, with \`\`\` around it.\n\n${call("f", "{}")}`,
    items: [
      ["message", "I add a <PreviewCard /> and `<pre>`, with ``` around it."],
      ["f", "{}"],
    ],
  },
  {
    title: "a marker in mid-line, where what looked like a header ends",
    text: `<tool_call>${"x".repeat(512)}${call("f", "{}")}`,
    items: [["message", `<tool_call>${"x".repeat(512)}${call("f", "{}")}`]],
  },
  {
    title: "a marker without a call, far in front of a real one",
    text: `<tool_call> is a tag. ${"It is one. ".repeat(60)}\n${call("f", "{}")}`,
    items: [
      ["message", `<tool_call> is a tag. ${"It is one. ".repeat(60).trim()}`],
      ["f", "{}"],
    ],
  },
  { title: "a call where none is allowed", text: call("f", "{}"), tools: [], items: [["message", call("f", "{}")]] },
  { title: "a marker without a call", text: "<tool_call> is a tag", items: [["message", "<tool_call> is a tag"]] },
  { title: "almost a marker", text: "a\n<tool_calls>\n", items: [["message", "a\n<tool_calls>\n"]] },
  {
    title: "a call within thinking",
    text: `<think>\n${call("f", "{}")}\n</think>\nNo.`,
    items: [
      ["reasoning", call("f", "{}")],
      ["message", "No."],
    ],
  },
];

for (const example of cases) checkCase(example);

test("an answer that was cut leaves its last item open, and shows no half of a call's header", () => {
  const text = `Look:\n${call("f", '{"a": 1}')}`;
  for (let length = 1; length <= text.length; length += 1) {
    const { items, closed } = read([text.slice(0, length)], {}, false);
    assert.equal(closed, items.length === 0);
    assert.doesNotMatch(items.map(([, said]) => said).join(""), /tool_call|name/);
  }
});

test("a model that stops within a call has not called", () => {
  assert.ok(read([call("f", '{"a": 1').slice(0, -14)], {}).insideCall);
  assert.ok(!read([call("f", "{}")], {}).insideCall);
});

test("white space without end is told before a call could come, and a schema that names itself is read once", () => {
  const reader = createAnswerReader({ thinking: false, form: plainForm, tools: [{ name: "f", parameters: {} }] });
  let told = 0;
  for (const chunk of ["Hello.", ...Array<string>(100).fill(" ".repeat(100))]) {
    for (const delta of reader.push(chunk)) if (delta.kind === "text") told += delta.text.length;
  }
  assert.ok(told > 10_000 - 2 * limits.blankChars);

  const self = { $ref: "#/$defs/a" };
  const a = { anyOf: [self, self, { type: "integer" }] };
  assert.equal(valueFor({ $defs: { a }, properties: { x: self } }, "x", "1"), "1");
});

test("a value in tags is text where its schema says so in any way, and nothing else where it says that", () => {
  for (const [property, written, value] of [
    [{ enum: ["1", "2"] }, "1", '"1"'],
    [{ enum: [1, 2] }, "1", "1"],
    [{ const: "true" }, "true", '"true"'],
    [{ allOf: [{ type: "string" }, { minLength: 1 }] }, "1", '"1"'],
    [{ type: "string", enum: ["{}"] }, "{}", '"{}"'],
    [{ type: ["string", "null"] }, "null", "null"],
    [{ type: ["string", "null"] }, '"a"', '"\\"a\\""'],
    [{ type: ["string", "integer"] }, "5", "5"],
    [{ type: ["string", "integer"] }, "5.5", '"5.5"'],
    [{ type: ["string", "integer"] }, "2.0", '"2.0"'],
    [{ type: ["string", "integer"] }, "12345678901234567890", '"12345678901234567890"'],
    [{ type: "boolean" }, "True", "true"],
    [{ anyOf: [{ type: "integer" }, { type: "null" }] }, " None", "null"],
    [{}, "1.10", "1.10"],
    [{}, "True", '"True"'],
  ] as const) {
    assert.equal(valueFor({ properties: { x: property } }, "x", written), value, JSON.stringify(property));
  }
});

test("no text is lost, whatever comes, but an answer of white space", () => {
  const pieces = fc.array(
    fc.constantFrom("<tool_call>", "</tool_call>", "\n", " ", "```", "a", '{"name": "x", "arguments": {}}', "<", "~~~"),
  );
  fc.assert(
    fc.property(pieces, (parts) => {
      const { items } = read(parts, {});
      const text = parts.join("");
      assert.equal(items.map(([, said]) => said).join(""), text.trim() === "" ? "" : text);
    }),
  );
});

test("the watch sees the call that the reader sees, with the text behind its marker", () => {
  for (const { text, form = plainForm, thinking = false } of cases.filter(({ items }) =>
    items.some(([type]) => type === "f"),
  )) {
    const watch = createAnswerWatch(form, thinking);
    let seen = "";
    for (const character of text) {
      seen += character;
      const after = watch.push(character);
      if (after === null) continue;
      assert.equal(after, "");
      assert.ok(seen.endsWith("<tool_call>"));
      seen = "found";
      break;
    }
    assert.equal(seen, "found");
    assert.equal(
      createAnswerWatch(form, thinking).push(text),
      text.slice(text.indexOf("<tool_call>") + "<tool_call>".length),
    );
  }
});
