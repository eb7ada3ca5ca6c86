/** Owns the test of models that cannot forget single tokens: their threads are read on from a checkpoint, not anew. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { asking, user } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";
import { withEngine } from "./engine.ts";
import { tinyKinds, writeTinyModel } from "./tiny.ts";

const never = new AbortController().signal;

for (const kind of tinyKinds) {
  test(`${kind}: each turn of a thread reads only what is new, and says what it would have said anyway`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "antiphon-tiny-"));
    const modelPath = join(folder, "model.gguf");
    await writeTinyModel(kind, modelPath);
    const options = { modelPath, contextSize: 4096, slots: 1 };
    const turns = [1, 2, 3, 4, 5].map((count) =>
      asking(
        Array.from({ length: count }, (_, number) => user(`${number} ${"word ".repeat(40)}`)),
        { maxTokens: 10, affinity: "thread" },
      ),
    );
    try {
      const said: unknown[] = [];
      await withEngine(options, async ({ engine }) => {
        let known = 0;
        for (const [at, request] of turns.entries()) {
          const { usage, items } = await outcomeOf(engine.generate(request, never));
          assert.ok(usage && usage.cached >= known - 16, `turn ${at}: ${usage?.cached} of ${known}`);
          known = usage.input;
          assert.ok(items.some(({ text }) => text.length > 5));
          said.push(items);
        }
      });
      await withEngine(options, async ({ engine }) => {
        for (const request of turns.toReversed()) {
          await outcomeOf(engine.generate(asking("Something else.", { maxTokens: 1 }), never));
          const { usage, items } = await outcomeOf(engine.generate(request, never));
          assert.ok(usage && usage.cached < 32);
          assert.deepEqual(items, said.pop());
        }
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
