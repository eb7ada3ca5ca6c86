/** Owns the tests of how the upstream engine goes on when it is refused, and of what it remembers of that. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelMemory } from "../../../src/engine/chat/memory.ts";
import { limits } from "../../../src/limits.ts";
import { type Log, silentLog } from "../../../src/log.ts";
import { at } from "../../../src/spec/json.ts";
import { asking } from "../asking.ts";
import { chunk, event, sendJson, startEvents } from "../upstream.ts";
import { connect, failureOf, run, said, sendAnswer } from "./connect.ts";

test("chat: what is refused is left out, then and from then on", async (t) => {
  const { engine, upstream } = await connect(t, ({ body }, response) => {
    if (JSON.stringify(body).includes("reasoning_effort")) {
      sendJson(response, 400, { error: { message: '"llama3" does not support thinking' } });
    } else sendAnswer(response);
  });
  for (let turn = 0; turn < 2; turn += 1) assert.equal(said(await run(engine, asking("Hi", { effort: "high" }))), "Hi");
  assert.equal(upstream.received.length, 3);
});

test("chat: images are tried, until the model turns out to be blind", async (t) => {
  const { engine, upstream } = await connect(t, ({ path, body }, response) => {
    if (path === "/v1/models") sendJson(response, 200, { data: [{ id: "default" }] });
    else if (JSON.stringify(body).includes("image_url")) {
      sendJson(response, 500, { error: { message: "image input is not supported - hint: mmproj" } });
    } else sendAnswer(response);
  });
  const images = async (): Promise<unknown> => (await engine.models())[0]?.capabilities.images;
  assert.equal(await images(), true);
  const content = [{ type: "image", url: "data:image/png;base64,AA==" }] as const;
  assert.equal(said(await run(engine, asking([{ role: "user", content }]))), "Hi");
  assert.match(JSON.stringify(upstream.received.at(-1)?.body), /image omitted/);
  assert.equal(await images(), false);
});

test("chat: a value that one client chose is refused to it alone", async (t) => {
  const { engine, upstream } = await connect(t, ({ body }, response) => {
    if (JSON.stringify(body).includes("banana")) {
      sendJson(response, 400, {
        error: { message: "Unsupported value: 'reasoning_effort' does not support 'banana'" },
      });
    } else sendAnswer(response);
  });
  for (const effort of ["banana", "high", "banana"])
    assert.equal(said(await run(engine, asking("Hi", { effort }))), "Hi");
  const efforts = upstream.received.map(({ body }) => (body as Record<string, unknown>)["reasoning_effort"]);
  assert.deepEqual(efforts, ["banana", undefined, "high", "banana", undefined]);
});

test("chat: what a prompt says is no refusal of a field", async (t) => {
  const input = "stream_options jinja parallel_tool_calls logprobs context_length_exceeded";
  const { engine, upstream } = await connect(t, (_request, response) => {
    sendJson(response, 422, { detail: [{ loc: ["body", "messages"], msg: "Input should be a string", input }] });
  });
  const { code, message } = failureOf(await run(engine, asking(input)));
  assert.equal(code, "invalid_prompt");
  assert.match(message, /: messages: Input should be a string$/);
  assert.equal(upstream.received.length, 1);
});

test("chat: how long an upstream asks to be left alone is handed on", async (t) => {
  const { engine } = await connect(t, (_request, response) => {
    response.setHeader("retry-after", "7");
    sendJson(response, 429, { error: { message: "Rate limit reached" } });
  });
  const failure = failureOf(await run(engine, asking("Hi")));
  assert.deepEqual([failure.code, failure.retryAfterSeconds], ["rate_limit_exceeded", 7]);
  assert.match(failure.message, /try again in 7s/);
});

test("chat: estimated token counts are told once a model", async (t) => {
  const told: unknown[] = [];
  const info: Log["info"] = (message, fields) => {
    if (message.startsWith("token counts are estimated")) told.push(at(fields, "model"));
  };
  const { engine } = await connect(
    t,
    ({ body }, response) => {
      startEvents(response);
      const usage = { prompt_tokens: 1, completion_tokens: 1 };
      const counted = JSON.stringify(body).includes("count") ? event({ choices: [], usage }) : "";
      response.end(event(chunk({ content: "Hi" }, "stop")) + counted + event("[DONE]"));
    },
    { log: { ...silentLog, info } },
  );
  for (const model of ["a", "b", "a"]) await run(engine, asking("Hi", { model }));
  await run(engine, asking("count", { model: "c" }));
  assert.deepEqual(told, ["a", "b"]);
});

test("memory: bounded, and the models used last stay", () => {
  const memory = new ModelMemory();
  memory.of("kept").conceded.add("effort");
  for (let model = 0; model < 3 * limits.rememberedModels; model += 1) {
    memory.of(String(model)).conceded.add("usage");
    assert.ok(memory.of("kept").conceded.has("effort"));
  }
  for (let model = 0; model < 3 * limits.rememberedModels; model += 1) {
    assert.equal(memory.has(`listed ${model}`, "images"), false);
  }
  assert.ok(memory.has("kept", "effort"));
  assert.equal(memory.of("0").conceded.size, 0);
});
