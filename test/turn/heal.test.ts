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
        note: "[The arguments of this call were not valid JSON, so it was not run as written.]",
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
