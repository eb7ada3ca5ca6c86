/** Owns the tests of what is learnt about an upstream: its dialect, its models, their contexts, and token counts. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createChatEngine } from "../../../src/engine/chat/chat.ts";
import { Connection, defaultTimeouts, type Timeouts } from "../../../src/engine/chat/connection.ts";
import { detectDialect } from "../../../src/engine/chat/detect.ts";
import type { DialectName } from "../../../src/engine/chat/dialects.ts";
import type { Engine, ModelInfo } from "../../../src/engine/engine.ts";
import { limits } from "../../../src/limits.ts";
import { silentLog } from "../../../src/log.ts";
import { asking } from "../asking.ts";
import { chunk, event, sendJson, startEvents, startUpstream, type Upstream } from "../upstream.ts";

type Answers = Readonly<Record<string, unknown>>;

async function serve(t: TestContext, answers: Answers, server = "mock"): Promise<Upstream> {
  const upstream = await startUpstream(({ path }, response) => {
    response.setHeader("server", server);
    const status = path in answers ? 200 : server === "llama.cpp" ? 503 : 404;
    sendJson(response, status, answers[path] ?? { error: "no" });
  });
  t.after(() => upstream.close());
  return upstream;
}

const listing = (...models: readonly object[]): Answers => ({ "/v1/models": { object: "list", data: models } });
const props = { default_generation_settings: { n_ctx: 4096 }, modalities: { vision: true } };
const lmstudio = {
  data: [
    { id: "cold", type: "llm", state: "not-loaded", max_context_length: 32_768 },
    { id: "vectors", type: "embeddings", state: "loaded", max_context_length: 512 },
    { id: "warm", type: "vlm", state: "loaded", max_context_length: 32_768, loaded_context_length: 8192 },
  ],
};
const running = { models: [{ name: "warm:latest", context_length: 16_384 }] };

interface Case {
  readonly title: string;
  readonly answers: Answers;
  readonly server?: string;
  readonly dialect: DialectName;
  readonly sure?: boolean;
  /** [id, context, images] of each model, the default one first. */
  readonly models: readonly (readonly [string, number | null, boolean])[];
}

const cases: readonly Case[] = [
  {
    title: "llama-server, by owner",
    answers: { ...listing({ id: "a.gguf", owned_by: "llamacpp", meta: { n_ctx_train: 131_072 } }), "/props": props },
    dialect: "llama-server",
    models: [["a.gguf", 4096, true]],
  },
  {
    title: "llama-server, while it loads",
    answers: {},
    server: "llama.cpp",
    dialect: "llama-server",
    models: [],
  },
  {
    title: "llama-server under another owner, by its properties",
    answers: { ...listing({ id: "a" }), "/props": { default_generation_settings: { n_ctx: 512 } } },
    dialect: "llama-server",
    models: [["a", 512, true]],
  },
  {
    title: "vLLM",
    answers: listing({ id: "q", owned_by: "vllm", max_model_len: 40_960 }),
    dialect: "vllm",
    models: [["q", 40_960, true]],
  },
  {
    title: "SGLang",
    answers: listing({ id: "q", owned_by: "sglang", max_model_len: 2048 }),
    dialect: "vllm",
    models: [["q", 2048, true]],
  },
  {
    title: "Ollama, the loaded model first",
    answers: {
      ...listing({ id: "cold:latest", owned_by: "someone" }, { id: "warm:latest", owned_by: "someone" }),
      "/api/version": { version: "0.40.12" },
      "/api/ps": running,
    },
    dialect: "ollama",
    models: [
      ["warm:latest", 16_384, true],
      ["cold:latest", null, true],
    ],
  },
  {
    title: "LM Studio, the loaded model first, no embeddings",
    answers: { ...listing({ id: "cold" }, { id: "vectors" }, { id: "warm" }), "/api/v0/models": lmstudio },
    dialect: "lmstudio",
    models: [
      ["warm", 8192, true],
      ["cold", null, false],
    ],
  },
  {
    title: "a server like any other",
    answers: listing({ id: "m", context_length: 65_536 }, { nonsense: true }),
    dialect: "generic",
    models: [["m", 65_536, true]],
  },
  { title: "a server without a list", answers: {}, dialect: "generic", sure: false, models: [] },
  {
    title: "a server without a list, by its properties",
    answers: { "/props": { default_generation_settings: { n_ctx: 512 } } },
    dialect: "llama-server",
    models: [],
  },
];

const brief = ({ id, contextLength, capabilities }: ModelInfo): unknown[] => [id, contextLength, capabilities.images];

const engineOver = (
  t: TestContext,
  baseUrl: string,
  dialect: DialectName | null,
  timeouts: Partial<Timeouts> = { modelsMs: 0 },
): Engine => {
  const engine = createChatEngine({ baseUrl, apiKey: null, dialect, log: silentLog, timeouts });
  t.after(() => engine.close());
  return engine;
};

for (const { title, answers, server, dialect: name, sure = true, models } of cases) {
  test(`detect: ${title}`, async (t) => {
    const upstream = await serve(t, answers, server);
    const connection = new Connection({ baseUrl: upstream.url, apiKey: null, headers: {}, timeouts: defaultTimeouts });
    t.after(() => connection.close());
    assert.deepEqual(await detectDialect(connection), { name, sure });
    assert.deepEqual((await engineOver(t, upstream.url, null).models()).map(brief), models);
  });
}

test("detect: nobody there", async (t) => {
  const upstream = await startUpstream(() => undefined);
  await upstream.close();
  const connection = new Connection({ baseUrl: upstream.url, apiKey: null, headers: {}, timeouts: defaultTimeouts });
  t.after(() => connection.close());
  assert.equal(await detectDialect(connection), null);
});

test("detect: a door that is closed for now settles nothing", async (t) => {
  let status = 429;
  const upstream = await startUpstream(({ path }, response) => {
    if (path === "/v1/models")
      sendJson(response, status, { data: [{ id: "q", owned_by: "vllm" }].slice(status > 200 ? 1 : 0) });
    else if (path === "/tokenize" && status === 200) sendJson(response, 200, { count: 7 });
    else sendJson(response, 404, {});
  });
  t.after(() => upstream.close());
  for (const closed of [401, 403, 404, 429]) {
    status = closed;
    const engine = engineOver(t, upstream.url, null);
    assert.equal((await engine.countTokens(asking("Hi"))).exact, false, String(closed));
    status = 200;
    assert.deepEqual(await engine.countTokens(asking("Hi")), { input: 7, exact: true }, String(closed));
  }
});

test("models: asked for once while the answer is fresh, again when there was none", async (t) => {
  const answers: Record<string, unknown> = {};
  const upstream = await serve(t, answers);
  const engine = engineOver(t, upstream.url, "generic", { modelsMs: 3_600_000 });
  assert.deepEqual(await engine.models(), []);
  Object.assign(answers, listing({ id: "m" }));
  const [one, other] = await Promise.all([engine.models(), engine.models()]);
  assert.equal(one?.[0]?.id, "m");
  assert.equal(await engine.models(), other);
  assert.equal(upstream.received.length, 2);
});

test("models: an upstream that fails or hangs keeps its models, and nobody waits for it", async (t) => {
  const answers: Record<string, unknown> = { ...listing({ id: "one" }) };
  const hung: ServerResponse[] = [];
  let hangs = false;
  const upstream = await startUpstream(({ path }, response) => {
    if (hangs) hung.push(response);
    else sendJson(response, path in answers ? 200 : 500, answers[path] ?? {});
  });
  t.after(() => upstream.close());
  const engine = engineOver(t, upstream.url, "generic");
  const ids = async (): Promise<string[]> => (await engine.models()).map(({ id }) => id);
  assert.deepEqual(await ids(), ["one"]);
  for (const bad of [{}, { "/v1/models": { data: [] } }]) {
    delete answers["/v1/models"];
    Object.assign(answers, bad);
    for (let ask = 0; ask < 5; ask += 1) assert.deepEqual(await ids(), ["one"]);
  }
  hangs = true;
  while (hung.length === 0) assert.deepEqual([await ids(), await turn()], [["one"], undefined]);
  assert.deepEqual(await ids(), ["one"]);
  hangs = false;
  Object.assign(answers, listing({ id: "two" }));
  for (const response of hung) sendJson(response, 200, answers["/v1/models"]);
  while ((await ids())[0] !== "two") await turn();
});

test("health: an upstream whose answers take all connections is not down", async (t) => {
  let answering = 0;
  const upstream = await startUpstream(({ path }, response) => {
    if (path.endsWith("/models")) {
      sendJson(response, 200, { data: [{ id: "one" }] });
      return;
    }
    answering += 1;
    startEvents(response);
    response.write(event(chunk({ content: "Hi" })));
  });
  t.after(() => upstream.close());
  const engine = engineOver(t, upstream.url, "generic");
  const answers = Array.from({ length: limits.upstreamConnections }, () =>
    engine.generate(asking("Hi"), new AbortController().signal)[Symbol.asyncIterator](),
  );
  await Promise.all(answers.map((answer) => answer.next()));
  assert.equal(answering, limits.upstreamConnections);
  assert.deepEqual(await engine.health(), { state: "ready", detail: null });
});

test("health: an upstream that does not answer in time says so", async (t) => {
  const upstream = await startUpstream(() => undefined);
  t.after(() => upstream.close());
  const { state, detail } = await engineOver(t, upstream.url, "generic", { probeMs: 1 }).health();
  assert.equal(state, "down");
  assert.match(detail ?? "", /did not answer in time/);
});

test("health: loading is not down", async (t) => {
  const upstream = await serve(t, {}, "llama.cpp");
  const health = await engineOver(t, upstream.url, null).health();
  assert.equal(health.state, "loading");
  assert.match(health.detail ?? "", /loading its model/);
});

for (const [dialect, path, reply] of [
  ["llama-server", "/v1/chat/completions/input_tokens", { input_tokens: 42 }],
  ["vllm", "/tokenize", { count: 42, max_model_len: 4096 }],
] as const) {
  test(`countTokens: exact with ${dialect}, estimated where it cannot be asked`, async (t) => {
    const upstream = await serve(t, { [path]: reply });
    assert.deepEqual(await engineOver(t, upstream.url, dialect).countTokens(asking("Hi")), { input: 42, exact: true });
    assert.equal((await engineOver(t, upstream.url, "ollama").countTokens(asking("Hi"))).exact, false);
    const bare = await serve(t, {});
    assert.equal((await engineOver(t, bare.url, dialect).countTokens(asking("Hi"))).exact, false);
  });
}
