/** Owns the tests of what the operator reads first. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../src/config.ts";
import { codingModels, defaultModel } from "../src/model/catalog.ts";
import { type Arrival, welcome } from "../src/welcome.ts";

const GiB = 1024 ** 3;
const weights = {
  id: "qwen3-0.6b",
  path: "model.gguf",
  files: ["model.gguf"],
  source: defaultModel.source,
  note: defaultModel.note,
};

function arrival(words: readonly string[], change: Partial<Arrival> = {}): string {
  const { config } = readConfig({ words, env: {}, folder: "nowhere" });
  const address = "http://127.0.0.1:8484";
  return welcome({
    address,
    config,
    weights: [weights],
    model: weights.id,
    memory: 16 * GiB,
    program: "antiphon",
    trouble: null,
    ...change,
  });
}

test("names the address, the model and what it is good for, Codex's line, and a model to code with", () => {
  const text = arrival([]);
  assert.match(text, /^Antiphon is listening at http:\/\/127\.0\.0\.1:8484\/v1\n/);
  assert.match(text, /Model +qwen3-0\.6b \(hf:.*\): a small model to try things out/);
  assert.match(
    text,
    /codex -m qwen3-0\.6b .* -c 'model_providers\.antiphon=\{.*"http:\/\/127\.0\.0\.1:8484\/v1".*\}'\n/,
  );
  assert.match(text, /To code +antiphon --model hf:unsloth\/Qwen3\.5-9B/);
});

test("proposes no other model where none fits, or a coding model serves already", () => {
  assert.doesNotMatch(arrival([], { memory: 1 * GiB }), /To code/);
  const [{ source, note }] = codingModels;
  assert.doesNotMatch(arrival([], { weights: [{ ...weights, source, note }] }), /To code/);
});

test("says what is wrong with an upstream, and an address at which this machine can be reached", () => {
  const trouble = "it refuses connections";
  const text = arrival(["--upstream", "http://127.0.0.1:1", "--host", "0.0.0.0"], {
    weights: [],
    trouble,
    address: "http://0.0.0.0:8484",
  });
  assert.match(text, /^Antiphon is listening at http:\/\/0\.0\.0\.0:8484\/v1\n/);
  assert.match(text, /Upstream +http:\/\/127\.0\.0\.1:1 \(it refuses connections\)\n/);
  assert.match(text, /OPENAI_BASE_URL=http:\/\/127\.0\.0\.1:8484\/v1 /);
});

test("with keys, Codex and the SDK are told to send one, and none is printed", () => {
  const text = arrival(["--api-key", "secret"]);
  assert.match(text, /env_key="ANTIPHON_KEY"/);
  assert.doesNotMatch(text, /secret|experimental_bearer_token/);
});

test("an upstream's model is named as a shell takes it, whatever it is called", () => {
  const text = arrival(["--upstream", "http://127.0.0.1:1"], { weights: [], model: "it's a model" });
  assert.match(text, /Upstream +http:\/\/127\.0\.0\.1:1\n/);
  assert.ok(text.includes(String.raw`codex -m 'it'\''s a model' -c`));
});

test("an upstream's address is shown without the secrets in it", () => {
  const text = arrival(["--upstream", "http://me:secret@127.0.0.1:1/v1?key=secret"], { weights: [], model: "m" });
  assert.match(text, /Upstream +http:\/\/127\.0\.0\.1:1\/v1\n/);
  assert.doesNotMatch(text, /secret/);
});
