/** Owns the proof of the routes: every spelling of them, what stands at none, and the model list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelInfo } from "../../src/engine/engine.ts";
import { createScriptEngine } from "../../src/engine/script.ts";
import { errorOf, json, openTestDoor, says, send } from "./door.ts";

test("every route, with and without /v1 and a trailing slash, answers by its method or says which", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const { id } = await json(await door.ask({ input: "hi" }));
  const routes = [
    ["GET", "/models", "GET"],
    ["GET", "/models/script", "GET"],
    ["GET", "/health", "GET"],
    ["HEAD", "/health", "GET"],
    ["HEAD", "/responses", "POST, HEAD, GET"],
    ["GET", `/responses/${String(id)}`, "GET, DELETE"],
    ["GET", `/responses/${String(id)}/input_items`, "GET"],
  ] as const;
  for (const [method, path, allowed] of routes) {
    for (const url of [path, `${path}/`, `/v1${path}`, `/v1${path}/`]) {
      assert.equal((await send(door, url, { method })).status, 200, `${method} ${url}`);
      const wrong = await send(door, url, { method: "PUT" });
      assert.equal(wrong.status, 405);
      assert.equal(wrong.headers.allow, allowed);
      assert.equal((await errorOf(wrong)).code, "method_not_allowed");
    }
  }
  for (const url of ["/responses", "/responses/", "/v1/responses", "/v1/responses/"]) {
    assert.equal((await send(door, url, { method: "POST", body: '{"input":"hi"}' })).status, 200);
  }
  assert.deepEqual(door.complaints, []);
});

test("nothing else is there, and strange targets are told so", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  for (const path of ["/", "/v1", "/v2/responses", "/v1/responses/a/b", "/v1/constructor", "/%zz", "/v1//responses"]) {
    const answer = await send(door, path);
    assert.equal(answer.status, 404, path);
    assert.equal((await errorOf(answer)).code, "not_found");
  }
  for (const path of ["/v1/responses/compact", "/responses/input_tokens"]) {
    const answer = await send(door, path, { method: "POST", body: '{"input":"hi"}' });
    assert.equal(answer.status, 404, path);
    assert.equal((await errorOf(answer)).message, `This server has no ${path}.`);
  }
  assert.equal((await send(door, "/v1\\responses")).status, 400);
  assert.equal((await send(door, "/v1/responses/%ff%zz")).status, 404);
  assert.deepEqual(door.complaints, []);
});

const models: readonly ModelInfo[] = [
  { id: "hf:org/repo", contextLength: 32_768, capabilities: { images: false, reasoning: true, schemas: false } },
  { id: "eyes", contextLength: null, capabilities: { images: true, reasoning: false, schemas: false } },
];

test("the model list is OpenAI's and Codex's in one", async (t) => {
  const engine = { ...createScriptEngine(() => says("ok")), models: () => Promise.resolve(models) };
  const door = await openTestDoor(t, engine);
  const text = (await send(door, "/v1/models?client_version=0.169.0")).body;
  assert.ok(text.length < 1024 * 1024);
  const body = JSON.parse(text) as {
    readonly object: string;
    readonly data: readonly Record<string, unknown>[];
    readonly models: readonly Record<string, unknown>[];
  };
  assert.equal(body.object, "list");
  assert.deepEqual(
    body.data.map(({ id, object }) => ({ id, object })),
    models.map(({ id }) => ({ id, object: "model" })),
  );
  const required = [
    "slug",
    "display_name",
    "supported_reasoning_levels",
    "shell_type",
    "visibility",
    "supported_in_api",
    "priority",
    "support_verbosity",
    "truncation_policy",
    "experimental_supported_tools",
    "base_instructions",
  ];
  for (const entry of body.models) {
    assert.deepEqual(
      required.filter((field) => !Object.hasOwn(entry, field)),
      [],
    );
    assert.ok(String(entry["base_instructions"]).split("\n").length <= 15);
  }
  const [thinker, eyes] = body.models;
  assert.equal(thinker?.["context_window"], 32_768);
  assert.deepEqual(thinker?.["input_modalities"], ["text"]);
  assert.deepEqual(eyes?.["input_modalities"], ["text", "image"]);
  assert.deepEqual(eyes?.["supported_reasoning_levels"], []);
  assert.ok(!Object.hasOwn(eyes ?? {}, "context_window"));
});

test("one model by its id, slashes and all; 404 for another", async (t) => {
  const engine = { ...createScriptEngine(() => says("ok")), models: () => Promise.resolve(models) };
  const door = await openTestDoor(t, engine);
  for (const id of ["hf:org/repo", "hf%3Aorg%2Frepo"]) {
    assert.equal((await json(await send(door, `/v1/models/${id}`)))["id"], "hf:org/repo");
  }
  const answer = await send(door, "/v1/models/gpt-4.1");
  assert.equal(answer.status, 404);
  assert.equal((await errorOf(answer)).code, "model_not_found");
});

const idsOf = (body: Readonly<Record<string, unknown>>): string[] =>
  (body["data"] as readonly { readonly id: string }[]).map((item) => item.id);

test("input items come page by page, newest first unless asked otherwise", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const input = Array.from({ length: 25 }, (_, at) => ({ id: `msg_${at}`, role: "user", content: `${at}` }));
  const { id } = await json(await door.ask({ input }));
  const page = async (query: string): Promise<Readonly<Record<string, unknown>>> =>
    json(await send(door, `/v1/responses/${String(id)}/input_items${query}`));
  const first = await page("");
  assert.equal(idsOf(first).length, 20);
  assert.deepEqual([first["first_id"], first["last_id"], first["has_more"]], ["msg_24", "msg_5", true]);
  const second = await page(`?after=${String(first["last_id"])}`);
  assert.deepEqual(idsOf(second), ["msg_4", "msg_3", "msg_2", "msg_1", "msg_0"]);
  assert.equal(second["has_more"], false);
  assert.deepEqual(idsOf(await page("?order=asc&limit=2&after=msg_0")), ["msg_1", "msg_2"]);
  const empty = await page("?order=asc&after=msg_24");
  assert.deepEqual([empty["data"], empty["first_id"], empty["last_id"]], [[], null, null]);
  for (const query of ["?limit=0", "?limit=101", "?limit=x", "?order=up", "?after=msg_99"]) {
    assert.ok((await page(query))["error"], query);
  }
  assert.equal((await send(door, "/v1/responses/resp_gone/input_items")).status, 404);
});

test("listed messages have a list of parts, even where a string was sent", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const parts = [{ type: "input_text", text: "two" }];
  const input = [
    { role: "user", content: "one" },
    { role: "assistant", content: "yes" },
    { role: "user", content: parts },
  ];
  const { id } = await json(await door.ask({ input }));
  const { data } = await json(await send(door, `/v1/responses/${String(id)}/input_items?order=asc`));
  assert.deepEqual(
    (data as readonly { readonly content: unknown }[]).map(({ content }) => content),
    [[{ type: "input_text", text: "one" }], [{ type: "output_text", text: "yes", annotations: [] }], parts],
  );
});

test("an id that occurs twice keeps nobody on the same page", async (t) => {
  const door = await openTestDoor(t, () => says("ok"));
  const input = Array.from({ length: 5 }, () => ({ id: "msg_123", role: "user", content: "again" }));
  const { id } = await json(await door.ask({ input }));
  const answer = await send(door, `/v1/responses/${String(id)}/input_items?limit=2&after=msg_123`);
  assert.deepEqual((await json(answer))["data"], []);
});
