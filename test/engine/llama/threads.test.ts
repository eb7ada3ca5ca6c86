/** Owns the test that threads that share their instructions keep their caches, each in a slot of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineMessage } from "../../../src/engine/engine.ts";
import { asking, user } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";
import { loaded, withEngine } from "./engine.ts";

const never = new AbortController().signal;
const instructions: EngineMessage = {
  role: "system",
  content: [{ type: "text", text: "Be brief and kind. ".repeat(20) }],
};

for (const [title, named] of [
  ["of which nothing more is known", false],
  ["that have names", true],
] as const) {
  test(`two threads in turn on two slots keep their caches: threads ${title}`, { timeout: 60_000 }, () =>
    withEngine({ slots: 2, contextSize: 4096 }, async ({ engine }) => {
      await loaded(engine);
      const threads = ["first", "second"].map((name) => ({
        affinity: named ? name : null,
        messages: [instructions, user(`${name}: ${`${name} question `.repeat(6)}`)],
        read: 0,
      }));
      for (let turn = 0; turn < 3; turn += 1) {
        for (const thread of threads) {
          const request = asking([...thread.messages], { affinity: thread.affinity, maxTokens: 20 });
          const { items, usage } = await outcomeOf(engine.generate(request, never));
          assert.ok(usage);
          assert.ok(usage.cached >= thread.read, `turn ${turn}: ${usage.cached} of ${thread.read} tokens were kept`);
          thread.read = usage.input;
          const content = items.map(({ text }) => text).join("");
          thread.messages.push({ role: "assistant", content, reasoning: null, calls: [] }, user("And then? "));
        }
      }
    }),
  );
}
