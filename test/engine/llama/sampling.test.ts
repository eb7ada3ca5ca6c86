/** Owns the tests of what clients ask of sampling: log probabilities, strings that end an answer, odds of tokens. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Delta, EngineRequest } from "../../../src/engine/engine.ts";
import { asking } from "../asking.ts";
import { loaded, type MadeEngine, scriptedEngine } from "./engine.ts";
import { loadModel, nativeLlama } from "./native.ts";

let made: MadeEngine;
before(async () => {
  made = await scriptedEngine();
  await loaded(made.engine);
});
after(() => made.close());

interface Answer {
  readonly message: string;
  readonly reasoning: string;
  readonly deltas: readonly Delta[];
  readonly reason: string | undefined;
}

async function answer(prompt: string, rest: Partial<EngineRequest> = {}): Promise<Answer> {
  const deltas: Delta[] = [];
  for await (const delta of made.engine.generate(asking(prompt, rest), AbortSignal.timeout(60_000))) deltas.push(delta);
  const said = { message: "", reasoning: "", call: "" };
  let open: keyof typeof said = "message";
  for (const delta of deltas) {
    if (delta.kind === "open") open = delta.item.type;
    if (delta.kind === "text") said[open] += delta.text;
  }
  const last = deltas.at(-1);
  return { ...said, deltas, reason: last?.kind === "finish" ? last.reason : last?.kind };
}

test("each token of a message has its log probability and the best others; thinking has none", async () => {
  const { message, reasoning, deltas } = await answer("[[think]]", { topLogprobs: 3 });
  assert.ok(message !== "" && reasoning !== "");
  const logprobs = deltas.flatMap((delta) => (delta.kind === "text" ? (delta.logprobs ?? []) : []));
  assert.equal(
    logprobs
      .map(({ token }) => token)
      .join("")
      .trim(),
    message.trim(),
  );
  for (const { token, logprob, bytes, top } of logprobs) {
    assert.ok(logprob <= 0 && Number.isFinite(logprob));
    assert.equal(Buffer.from(bytes).toString(), token);
    assert.equal(top.length, 3);
    assert.equal(top[0]?.token, token, "greedy: the best is chosen");
    assert.ok(top.every((other, index) => index === 0 || other.logprob <= (top[index - 1]?.logprob ?? 0)));
  }
});

test("log probabilities without others, and none unasked", async () => {
  const bare = await answer("hi", { topLogprobs: 0 });
  const known = bare.deltas.flatMap((delta) => (delta.kind === "text" ? (delta.logprobs ?? []) : []));
  assert.ok(known.length > 0 && known.every(({ top }) => top.length === 0));
  const plain = await answer("hi");
  assert.ok(plain.deltas.every((delta) => delta.kind !== "text" || delta.logprobs === undefined));
  assert.equal(plain.message, bare.message);
});

test("an answer ends before a string that the client names, in the answer only", async () => {
  const whole = await answer("[[think]]");
  const word = whole.message.split(" ").at(-1) ?? "";
  const cut = await answer("[[think]]", { extra: { stop: [word, "never said"] } });
  assert.equal(cut.message, whole.message.slice(0, whole.message.indexOf(word)));
  assert.equal(cut.reason, "stop");
  const thought = whole.reasoning.split(" ").at(0) ?? "";
  assert.ok(thought !== "" && !whole.message.includes(thought));
  assert.equal((await answer("[[think]]", { extra: { stop: thought } })).reasoning, whole.reasoning);
  assert.equal((await answer("hi", { extra: { stop: [null, 7, ""] } })).reason, "stop");
});

test("a token that is never to come does not come, by its number or its text", async () => {
  const model = await loadModel(await nativeLlama(), made.path);
  const { message } = await answer("hi");
  const ids = [...model.iterateAllTokens()];
  const first = ids.find(
    (id) => model.detokenize([id], true).length > 1 && message.startsWith(model.detokenize([id], true)),
  );
  assert.ok(first !== undefined);
  const never = await answer("hi", { extra: { logit_bias: { [first]: -100 } }, maxTokens: 8 });
  assert.ok(!never.message.startsWith(model.detokenize([first], true)), never.message);
  const other = await answer("hi", { extra: { logit_bias: { [first]: false, z: 1_000 } }, maxTokens: 8 });
  assert.equal(other.message, "z".repeat(8));
  const odd = await answer("hi", { extra: { logit_bias: { 99999999: 5, x: "much" } } });
  assert.equal(odd.message, message);
});
