/** Owns the tests of large prompts: what cannot fit is refused unread, and long threads are tokenised message by message. */
import assert from "node:assert/strict";
import { plainForm } from "../../../src/engine/format/forms.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Model } from "../../../src/engine/llama/binding.ts";
import { Vocabulary } from "../../../src/engine/llama/vocabulary.ts";
import { createLog } from "../../../src/log.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { chatTemplate } from "../../../src/model/scripted-text.ts";
import { asking } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";
import { loaded, withEngine } from "./engine.ts";
import { loadModel, nativeLlama } from "./native.ts";

const never = new AbortController().signal;

/** `model` as a vocabulary uses it; what it is asked to tokenise goes into `texts`. */
function listening(model: Model, texts: string[]): Model {
  return {
    trainContextSize: model.trainContextSize,
    fileInfo: model.fileInfo,
    tokens: model.tokens,
    iterateAllTokens: () => model.iterateAllTokens(),
    getTokenAttributes: (token) => model.getTokenAttributes(token),
    isEogToken: (token) => model.isEogToken(token),
    detokenize: (...words) => model.detokenize(...words),
    createContext: (options) => model.createContext(options),
    tokenize(text, ...words) {
      texts.push(text);
      return model.tokenize(text, ...words);
    },
  };
}

test("a message that cannot fit is refused by its bytes, and counted roughly", { timeout: 60_000 }, () =>
  withEngine({ contextSize: 512, slots: 1 }, async ({ engine }) => {
    await loaded(engine);
    const huge = asking("x".repeat(1_000_000));
    const { end } = await outcomeOf(engine.generate(huge, never));
    assert.ok(end?.kind === "fail");
    assert.equal(end.failure.code, "context_length_exceeded");
    assert.match(end.failure.message, /at least \d+ tokens.*, or start the server with a larger --ctx\.$/);
    const { input, exact } = await engine.countTokens(huge);
    assert.ok(!exact && input > 512);
  }),
);

test("a context beyond what the model was trained for is warned of, and a larger one is not advised", async () => {
  const lines: string[] = [];
  const log = createLog("warn", { write: (line) => lines.push(line) });
  await withEngine({ contextSize: 2 * 131_072, slots: 1, log }, async ({ engine }) => {
    await loaded(engine);
    const { end } = await outcomeOf(engine.generate(asking("x".repeat(3_000_000)), never));
    assert.ok(end?.kind === "fail");
    assert.match(end.failure.message, /holds 262144, answer included\. Send less\.$/);
  });
  assert.match(lines.join(""), /^warn The context is longer than the model was trained for[^\n]*\n$/);
});

test("a thread is tokenised in pieces of at most one control token, to the same tokens", async () => {
  const folder = await mkdtemp(join(tmpdir(), "antiphon-size-"));
  try {
    const path = join(folder, "scripted.gguf");
    await writeScriptedModel(path);
    const model = await loadModel(await nativeLlama(), path);
    const texts: string[] = [];
    const vocabulary = new Vocabulary(listening(model, texts), { source: chatTemplate, form: plainForm });
    const message = "<|im_start|>user\n  What is <b>?\n\n<|im_end|>\n";
    const prompt = `${message.repeat(50)}<|im_start|>assistant\n`;
    assert.deepEqual(vocabulary.tokenize([prompt]), model.tokenize(prompt, true));
    assert.equal(texts.join(""), prompt);
    for (const text of texts) assert.ok((text.match(/<\|im_(?:start|end)\|>/g) ?? []).length <= 1, text);
  } finally {
    await rm(folder, { recursive: true });
  }
});
