/** Owns the tests of reading an answer: thinking, text and calls, however the text is cut into chunks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Delta } from "../../../src/engine/engine.ts";
import { AnswerReader } from "../../../src/engine/format/answer.ts";
import { AnswerWatch } from "../../../src/engine/format/watch.ts";

interface Case {
  readonly title: string;
  readonly text: string;
  /** Each item as [type or name, text]. */
  readonly items: readonly (readonly [string, string])[];
  readonly thinking?: boolean;
  readonly tools?: readonly string[];
}

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

/** Of every tool. */
const parameters = { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } };

/** The items of `chunks`, and whether the last is closed. */
function read(
  chunks: readonly string[],
  { thinking = false, tools = ["f", "g"] }: Partial<Case>,
  finished = true,
): { readonly items: readonly [string, string][]; readonly closed: boolean; readonly insideCall: boolean } {
  const reader = new AnswerReader({ thinking, tools: tools.map((name) => ({ name, parameters })) });
  const items: [string, string][] = [];
  let open = -1;
  const take = (delta: Delta): void => {
    if (delta.kind === "open") {
      assert.equal(open, -1);
      assert.equal(delta.key, items.length);
      open = delta.key;
      items.push([delta.item.type === "call" ? delta.item.name : delta.item.type, ""]);
    } else if (delta.kind === "text") {
      assert.equal(delta.key, open);
      assert.notEqual(delta.text, "");
      const item = items[open];
      assert.ok(item);
      item[1] += delta.text;
    } else if (delta.kind === "close") {
      assert.equal(delta.key, open);
      open = -1;
    } else assert.fail(delta.kind);
  };
  for (const chunk of chunks) for (const delta of reader.push(chunk)) take(delta);
  for (const delta of reader.end(finished)) take(delta);
  return { items, closed: open === -1, insideCall: reader.insideCall };
}

/** `text` cut at `places`. */
function cut(text: string, places: readonly number[]): string[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length];
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}

for (const { title, ...example } of cases) {
  test(`${title} is read alike in one chunk, in characters, and cut anywhere`, () => {
    const whole = { items: example.items, closed: true, insideCall: false };
    assert.deepEqual(read([example.text], example), whole);
    assert.deepEqual(read(example.text.split(""), example), whole);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 8 }), (places) => {
        assert.deepEqual(read(cut(example.text, places), example), whole);
      }),
    );
  });
}

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
  for (const { text, thinking = false } of cases.filter(({ items }) => items.some(([type]) => type === "f"))) {
    const watch = new AnswerWatch(thinking);
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
    assert.equal(new AnswerWatch(thinking).push(text), text.slice(text.indexOf("<tool_call>") + "<tool_call>".length));
  }
});
