/** Owns what OpenAI's Node SDK must be able to do here. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import type { Response } from "openai/resources/responses/responses";
import { VERSION } from "openai/version";
import { z } from "zod";
import { assertAnswered, clientOf } from "./openai-client.ts";
import { toolSteps } from "./openai-tools.ts";
import { type Stage, step, type Suite } from "./suite.ts";

export const openaiNodeSuite: Suite = {
  client: "openai-node",
  version: VERSION,
  steps: [
    step("create", create),
    step("create, cut", createCut),
    step("create, streamed", createStreamed),
    step("stream", stream),
    step("stream, thinking", streamThinking),
    step("stream, aborted", streamAborted),
    step("eight streams at once", streamMany),
    step("parse", parseText),
    ...toolSteps,
    step("retrieve, input_items, delete", readBack),
    step("models", listModels),
    step("errors", meetErrors),
  ],
};

async function create(stage: Stage): Promise<void> {
  const { model, lines } = stage;
  const response = await clientOf(stage).responses.create({ model, instructions: "Be kind.", input: "Say hello." });
  assertAnswered(response, lines.plain);
  assert.equal(response.model, model);
  assert.equal(response.instructions, "Be kind.");
  const { usage } = response;
  assert.ok(usage && usage.input_tokens > 0 && usage.output_tokens > 0);
  assert.equal(usage.total_tokens, usage.input_tokens + usage.output_tokens);
}

async function createCut(stage: Stage): Promise<void> {
  const response = await clientOf(stage).responses.create({
    model: stage.model,
    input: "[[long]]",
    max_output_tokens: 20,
  });
  assert.equal(response.status, "incomplete");
  assert.equal(response.incomplete_details?.reason, "max_output_tokens");
  assert.equal(response.usage?.output_tokens, 20);
}

async function createStreamed(stage: Stage): Promise<void> {
  const events = await clientOf(stage).responses.create({ model: stage.model, input: "Say hello.", stream: true });
  let text = "";
  let last: Response | null = null;
  for await (const event of events) {
    if (event.type === "response.output_text.delta") text += event.delta;
    if (event.type === "response.completed") last = event.response;
  }
  assert.equal(text, stage.lines.plain);
  assert.equal(last?.status, "completed");
}

async function stream(stage: Stage): Promise<void> {
  const events = clientOf(stage).responses.stream({ model: stage.model, input: "Say hello." });
  let snapshot = "";
  events.on("response.output_text.delta", (event) => {
    ({ snapshot } = event);
  });
  const response = await events.finalResponse();
  assertAnswered(response, stage.lines.plain);
  assert.equal(snapshot, stage.lines.plain);
}

async function streamThinking(stage: Stage): Promise<void> {
  const events = clientOf(stage).responses.stream({
    model: stage.model,
    input: "[[think]] about it.",
    reasoning: { effort: "medium", summary: "auto" },
    include: ["reasoning.encrypted_content"],
  });
  let summary = "";
  events.on("response.reasoning_summary_text.delta", ({ delta }) => {
    summary += delta;
  });
  const response = await events.finalResponse();
  assertAnswered(response, stage.lines.considered);
  const [thinking] = response.output;
  assert.equal(thinking?.type, "reasoning");
  assert.equal(thinking.content?.map(({ text }) => text).join(""), stage.lines.thought);
  assert.equal(thinking.summary.map(({ text }) => text).join(""), stage.lines.thought);
  assert.equal(summary, stage.lines.thought);
}

/** The SDK closes the connection; the next request finds the engine free. */
async function streamAborted(stage: Stage): Promise<void> {
  const client = clientOf(stage);
  const events = await client.responses.create({ model: stage.model, input: "[[long]]", stream: true });
  let deltas = 0;
  for await (const { type } of events) {
    if (type === "response.output_text.delta") deltas += 1;
    if (deltas === 5) break;
  }
  assert.equal(deltas, 5);
  assertAnswered(await client.responses.create({ model: stage.model, input: "Say hello." }), stage.lines.plain);
}

async function streamMany(stage: Stage): Promise<void> {
  const client = clientOf(stage);
  const { model, lines } = stage;
  const asked = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? "Say hello." : "[[think]] about it."));
  const answers = asked.map((input) => client.responses.stream({ model, input }).finalResponse());
  for (const [index, response] of (await Promise.all(answers)).entries()) {
    assertAnswered(response, index % 2 === 0 ? lines.plain : lines.considered);
  }
}

async function parseText(stage: Stage): Promise<void> {
  const Trip = z.object({ city: z.string(), days: z.number(), season: z.enum(["winter", "summer"]) });
  const response = await clientOf(stage).responses.parse({
    model: stage.model,
    input: "Plan a trip.",
    text: { format: zodTextFormat(Trip, "trip") },
  });
  assert.deepEqual(Trip.parse(response.output_parsed), response.output_parsed);
}

async function readBack(stage: Stage): Promise<void> {
  const client = clientOf(stage);
  const input = ["one", "two", "three"].map((content) => ({ role: "user" as const, content }));
  const created = await client.responses.create({ model: stage.model, input, metadata: { topic: "greeting" } });
  const found = await client.responses.retrieve(created.id);
  assert.deepEqual(found, created);
  const contents: unknown[] = [];
  for await (const item of client.responses.inputItems.list(created.id, { order: "asc", limit: 2 })) {
    assert.equal(item.type, "message");
    contents.push(item.content);
  }
  assert.deepEqual(
    contents,
    ["one", "two", "three"].map((text) => [{ type: "input_text", text }]),
  );
  await client.responses.delete(created.id);
  await assert.rejects(client.responses.retrieve(created.id), OpenAI.NotFoundError);
}

async function listModels(stage: Stage): Promise<void> {
  const client = clientOf(stage);
  const names: string[] = [];
  for await (const { id } of client.models.list()) names.push(id);
  assert.deepEqual(names, [stage.model]);
  assert.equal((await client.models.retrieve(stage.model)).id, stage.model);
}

async function meetErrors(stage: Stage): Promise<void> {
  const { responses } = clientOf(stage);
  const { model } = stage;
  await assert.rejects(responses.create({ model, input: 1 as unknown as string }), (thrown) => {
    assert.ok(thrown instanceof OpenAI.BadRequestError);
    assert.equal(thrown.param, "input");
    assert.equal(thrown.type, "invalid_request_error");
    assert.ok(thrown.requestID);
    return true;
  });
  const unknown = { model, previous_response_id: "resp_unknown", input: "Go on." };
  await assert.rejects(responses.create(unknown), { code: "previous_response_not_found" });
  await assert.rejects(responses.stream(unknown).finalResponse(), { code: "previous_response_not_found" });
  // More than the context holds: refused before it begins, and failed where it has begun.
  const input = "word ".repeat(40_000);
  await assert.rejects(responses.create({ model, input }), { code: "context_length_exceeded", param: "input" });
  const streamed = await responses.stream({ model, input }).finalResponse();
  assert.equal(streamed.status, "failed");
  assert.equal(streamed.error?.code, "context_length_exceeded");
}
