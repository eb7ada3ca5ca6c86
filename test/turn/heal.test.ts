/** Owns the tests of healing: for every rule, what a client sent and what it becomes, and what each rule leaves alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Item } from "../../src/spec/items.ts";
import { heal, type RuleName, rules } from "../../src/turn/heal.ts";
import { normalise } from "../../src/turn/normalise.ts";

interface Case {
  readonly sent: Readonly<Record<string, unknown>>;
  readonly becomes: readonly Readonly<Record<string, unknown>>[];
  /** The same thing as it should be, which no rule touches. */
  readonly sound: Readonly<Record<string, unknown>>;
}

const cases = {
  alias: {
    sent: { type: "compaction_summary", encrypted_content: "x" },
    becomes: [{ type: "compaction", encrypted_content: "x" }],
    sound: { type: "compaction", encrypted_content: "x" },
  },
  barePart: {
    sent: { type: "input_text", text: "hi" },
    becomes: [{ type: "message", role: "user", content: [{ id: "i", type: "input_text", text: "hi" }] }],
    sound: { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
  },
  role: {
    sent: { type: "message", role: "bot", content: "hi" },
    becomes: [{ type: "message", role: "assistant", content: "hi" }],
    sound: { type: "message", role: "developer", content: "hi" },
  },
  nestedContent: {
    sent: { type: "function_call_output", call_id: "c", output: ["a", [["b"], { type: "input_text", text: "c" }]] },
    becomes: [{ type: "function_call_output", call_id: "c", output: ["a", "b", { type: "input_text", text: "c" }] }],
    sound: { type: "function_call_output", call_id: "c", output: ["a", "b"] },
  },
  chatThinking: {
    sent: { role: "assistant", content: "42", reasoning_content: "six times seven" },
    becomes: [
      { id: "i_thought", type: "reasoning", content: "six times seven" },
      { type: "message", role: "assistant", content: "42" },
    ],
    sound: { role: "assistant", content: "42", reasoning_content: null },
  },
  chatResult: {
    sent: { role: "tool", tool_call_id: "c", content: "done" },
    becomes: [{ type: "function_call_output", call_id: "c", name: undefined, output: "done" }],
    sound: { type: "function_call_output", call_id: "c", output: "done" },
  },
  chatCalls: {
    sent: {
      role: "assistant",
      content: "I look",
      tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
    },
    becomes: [
      { type: "message", role: "assistant", content: "I look" },
      { id: "i_0", type: "function_call", call_id: "c", name: "f", arguments: "{}" },
    ],
    sound: { role: "assistant", content: "I look" },
  },
  refusalText: {
    sent: { role: "assistant", content: [{ type: "refusal", text: "no" }] },
    becomes: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "no" }] }],
    sound: { role: "assistant", content: [{ type: "refusal", refusal: "no" }] },
  },
  chatFile: {
    sent: { role: "user", content: [{ type: "file", file: { filename: "a.txt", file_data: "YQ==" } }] },
    becomes: [
      { type: "message", role: "user", content: [{ type: "input_file", filename: "a.txt", file_data: "YQ==" }] },
    ],
    sound: { role: "user", content: [{ type: "input_file", filename: "a.txt", file_data: "YQ==" }] },
  },
  callId: {
    sent: { type: "local_shell_call_output", output: "x" },
    becomes: [{ type: "local_shell_call_output", call_id: "i", output: "x" }],
    sound: { type: "local_shell_call_output", call_id: "i", output: "x" },
  },
  argumentsForm: {
    sent: { type: "function_call", call_id: "c", name: "f", arguments: { a: 1 } },
    becomes: [{ type: "function_call", call_id: "c", name: "f", arguments: '{"a":1}' }],
    sound: { type: "function_call", call_id: "c", name: "f", arguments: '{"a":1}' },
  },
  argumentsUnreadable: {
    sent: { type: "function_call", call_id: "c", name: "f", arguments: '{"a":' },
    becomes: [
      {
        type: "function_call",
        call_id: "c",
        name: "f",
        arguments: '{"unreadable_arguments":"{\\"a\\":"}',
        note: "[The arguments of this call were not a JSON object.]",
      },
    ],
    sound: { type: "function_call", call_id: "c", name: "f", arguments: '{ "a" : [] }' },
  },
  inputForm: {
    sent: { type: "custom_tool_call", call_id: "c", name: "f", input: { a: 1 } },
    becomes: [{ type: "custom_tool_call", call_id: "c", name: "f", input: '{"a":1}' }],
    sound: { type: "custom_tool_call", call_id: "c", name: "f", input: "" },
  },
  actionForm: {
    sent: { type: "shell_call", call_id: "c", action: "ls -l" },
    becomes: [{ type: "shell_call", call_id: "c", action: { commands: ["ls -l"] } }],
    sound: { type: "shell_call", call_id: "c", action: { commands: ["ls -l"] } },
  },
  outputForm: {
    sent: { type: "function_call_output", call_id: "c", output: [{ rows: 3 }] },
    becomes: [{ type: "function_call_output", call_id: "c", output: '[{"rows":3}]' }],
    sound: { type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: "3" }] },
  },
} as const satisfies Record<RuleName, Case>;

for (const [name, { sent, becomes, sound }] of Object.entries(cases) as [RuleName, Case][]) {
  test(`${name}: heals what comes from ${rules[name].client}`, () => {
    const { items, counts } = heal(normalise([{ id: "i", ...sent }]));
    const expected = becomes.map((fields) => ({ id: "i", ...fields }));
    assert.deepEqual(items, expected);
    assert.equal(counts[name], 1);
    const right = normalise([{ id: "i", ...sound }]);
    const untouched = heal(right);
    assert.equal(untouched.items[0], right[0]);
    assert.deepEqual(untouched.counts, {});
  });
}

test("calls of Chat Completions are of their kinds, also in the older form", () => {
  const custom = { id: "c1", type: "custom", custom: { name: "exec", input: "ls" } };
  const { items } = heal(
    normalise([
      { id: "i", role: "assistant", content: null, tool_calls: [custom] },
      { id: "k", role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
    ]),
  );
  assert.deepEqual(items.slice(1), [
    { id: "i_0", type: "custom_tool_call", call_id: "c1", name: "exec", input: "ls" },
    { id: "k", type: "message", role: "assistant", content: null },
    { id: "k_0", type: "function_call", call_id: "", name: "f", arguments: "{}" },
  ]);
});

test("the id that an output of local_shell was given here is no call's", () => {
  const output = { type: "local_shell_call_output", output: "x" };
  const call = { type: "local_shell_call", id: "lsh_1", call_id: "c", action: { command: ["ls"] } };
  const { items } = heal(normalise([call, { ...output, id: "lsh_1" }, output]));
  assert.deepEqual(
    items.map((item) => item["call_id"]),
    ["c", "", ""],
  );
});

test("arguments that say nothing are an empty object, and numbers are ids", () => {
  const { items } = heal(normalise([{ type: "function_call", call_id: 7, name: "f", arguments: null }]));
  assert.deepEqual([items[0]?.["call_id"], items[0]?.["arguments"]], ["7", "{}"]);
});

const types = ["message", "function_call", "function_call_output", "refusal", "reasoning"];
const anything = fc.dictionary(
  fc.constantFrom("id", "type", "role", "content", "arguments", "output", "call_id"),
  fc.oneof(fc.jsonValue(), fc.constantFrom(...types)),
);

test("whatever the item, healing ends, is pure, and heals what is healed no further", () => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 6 }), (input) => {
      const items: readonly Item[] = normalise(input);
      const once = heal(items).items;
      assert.deepEqual(heal(items).items, once);
      assert.deepEqual(heal(once), { items: once, counts: {} });
    }),
    { numRuns: 1000 },
  );
});
