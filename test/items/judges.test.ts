/** Owns the tests of the judges: what the strict upstream and the check of listed items must not let through. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkListed } from "./listed.ts";
import { violations } from "./strict.ts";

const call = (id: string, args = "{}", name = "look_up"): object => ({
  id,
  type: "function",
  function: { name, arguments: args },
});
const calling = (...calls: readonly object[]): object => ({ role: "assistant", content: "", tool_calls: calls });
const answer = (id: string): object => ({ role: "tool", tool_call_id: id, content: "done" });
const user = { role: "user", content: "hi" };
const tool = (name: string, parameters: object = { type: "object" }): object => ({
  type: "function",
  function: { name, parameters },
});

const broken: readonly (readonly [rule: RegExp, messages: readonly object[], tools?: readonly object[]])[] = [
  [/no messages/, []],
  [/role developer/, [{ role: "developer", content: "x" }]],
  [/not the first/, [user, { role: "system", content: "x" }]],
  [/content null/, [{ role: "assistant", content: null }]],
  [/content \[/, [{ role: "assistant", content: [{ type: "text", text: "x" }] }]],
  [/content \[/, [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://x" } }] }]],
  [/answers no call/, [user, answer("a")]],
  [/answers no call/, [calling(call("a")), answer("a"), answer("a")]],
  [/is not answered/, [calling(call("a"))]],
  [/is not answered/, [calling(call("a"), call("b")), answer("a"), user, answer("b")]],
  [/has no calls/, [calling()]],
  [/not unique/, [calling(call("a")), answer("a"), calling(call("a")), answer("a")]],
  [/arguments \[\]/, [calling(call("a", "[]")), answer("a")]],
  [/arguments \{/, [calling(call("a", "{")), answer("a")]],
  [/arguments \{/, [calling(call("a", String.raw`{"q":"\ud83d"}`)), answer("a")]],
  [/half of a surrogate pair/, [{ role: "user", content: "\ud83d" }]],
  [/names a b/, [calling(call("a", "{}", "a b")), answer("a")]],
  [/offered twice/, [user], [tool("f"), tool("f")]],
  [/the name f\.g/, [user], [tool("f.g")]],
  [/no object/, [user], [tool("f", {})]],
];

for (const [index, [message, messages, tools = []]] of broken.entries()) {
  test(`a strict upstream refuses: ${message.source} (${index})`, () => {
    assert.match(violations({ messages, tools }).join("\n"), message);
  });
}

test("a strict upstream takes what is sound", () => {
  const messages = [{ role: "system", content: "x" }, user, calling(call("a"), call("b")), answer("b"), answer("a")];
  assert.deepEqual(violations({ messages, tools: [tool("f")] }), []);
});

const message = { type: "message", id: "m", role: "user", content: [{ type: "input_text", text: "hi" }] };
const { id: _id, ...nameless } = message;

const tampered: readonly (readonly [string, unknown, object])[] = [
  ["a field is changed", message, { ...message, role: "system" }],
  ["a field is added", message, { ...message, status: "completed" }],
  ["a field is lost", message, { id: "m", type: "message", role: "user" }],
  ["another id", message, { ...message, id: "other" }],
  ["a null is added", message, { ...nameless, id: "m", status: null }],
  ["another order", message, { ...nameless, id: "m" }],
  ["no id", nameless, nameless],
  ["another text", { ...message, content: "hi" }, message.content],
  ["another value", [1], { id: "o", type: "opaque", value: [2] }],
];

for (const [what, sent, listed] of tampered) {
  test(`an item is not listed as it was sent: ${what}`, () => {
    assert.throws(() => checkListed([sent], [listed as Readonly<Record<string, unknown>>]));
  });
}

test("what is documented to be given is taken for what was sent", () => {
  const part = [{ type: "input_text", text: "hi" }];
  checkListed(
    [message, message, nameless, { role: "user", content: "hi" }, "hi", 7],
    [
      message,
      { ...message, id: "m2" },
      { ...nameless, id: "m3" },
      { status: "completed", role: "user", content: part, type: "message", id: "m4" },
      { id: "m5", type: "message", status: "completed", role: "user", content: part },
      { id: "o", type: "opaque", value: 7 },
    ],
  );
});
