/** Owns what OpenAI's Agents SDK for JavaScript must be able to do here. */
import assert from "node:assert/strict";
import { Agent, MemorySession, OpenAIResponsesModel, run, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";
import { play, stage } from "./play.mjs";

const { lines } = stage;
setTracingDisabled(true);
const client = new OpenAI({ baseURL: stage.baseUrl, apiKey: "none", maxRetries: 0 });
const model = new OpenAIResponsesModel(client, stage.model);
const cities = [];
const weather = tool({
  name: "get_weather",
  description: "Weather in a city",
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => {
    cities.push(city);
    return { sky: "clear", celsius: 21 };
  },
});
const guide = new Agent({ name: "Guide", instructions: "Be kind.", model, tools: [weather] });

await play({
  async run() {
    const { finalOutput, rawResponses } = await run(guide, "Say hello.");
    assert.equal(finalOutput, lines.plain);
    assert.ok(rawResponses[0].usage.inputTokens > 0 && rawResponses[0].usage.outputTokens > 0);
  },
  async "run, streamed"() {
    const result = await run(guide, "Say hello.", { stream: true });
    let text = "";
    for await (const piece of result.toTextStream()) text += piece;
    await result.completed;
    assert.equal(text, lines.plain);
    assert.equal(result.finalOutput, lines.plain);
  },
  async silence() {
    const result = await run(guide, stage.slowly, { stream: true });
    await result.completed;
    assert.equal(result.finalOutput, lines.plain);
  },
  async "tool loop"() {
    cities.length = 0;
    const first = await run(guide, "[[tool]] What is the weather?");
    assert.equal(first.finalOutput, lines.settled);
    assert.equal(cities.length, 1);
    const second = await run(guide, [...first.history, { role: "user", content: "Thank you." }]);
    assert.equal(second.finalOutput, lines.plain);
  },
  async "tool loop, streamed"() {
    cities.length = 0;
    const result = await run(guide, "[[tool]] What is the weather?", { stream: true });
    const items = [];
    for await (const event of result) if (event.type === "run_item_stream_event") items.push(event.name);
    await result.completed;
    assert.deepEqual(items, ["tool_called", "tool_output", "message_output_created"]);
    assert.equal(result.finalOutput, lines.settled);
    assert.equal(cities.length, 1);
  },
  async "tool loop, previous_response_id"() {
    const first = await run(guide, "[[tool]] What is the weather?");
    const second = await run(guide, "Thank you.", { previousResponseId: first.lastResponseId });
    assert.equal(second.finalOutput, lines.plain);
    assert.notEqual(second.lastResponseId, first.lastResponseId);
  },
  async "parallel calls"() {
    cities.length = 0;
    const { finalOutput } = await run(guide, "[[run here]] [[run there]]");
    assert.equal(cities.length, 2);
    assert.equal(finalOutput, lines.settled);
  },
  async handoff() {
    const expert = new Agent({ name: "Expert", instructions: "Know all.", model });
    const desk = new Agent({ name: "Desk", instructions: "Be kind.", model, tools: [weather], handoffs: [expert] });
    const result = await run(desk, "[[call transfer_to_Expert]]");
    assert.equal(result.lastAgent?.name, "Expert");
    assert.equal(result.finalOutput, lines.settled);
  },
  async session() {
    const session = new MemorySession();
    await run(guide, "[[tool]] What is the weather?", { session });
    const { finalOutput } = await run(guide, "Thank you.", { session });
    assert.equal(finalOutput, lines.plain);
    assert.equal((await session.getItems()).length, 6);
  },
  async "structured output"() {
    const Trip = z.object({ city: z.string(), days: z.number(), season: z.enum(["winter", "summer"]) });
    const planner = new Agent({ name: "Planner", instructions: "Plan.", model, outputType: Trip });
    const { finalOutput } = await run(planner, "Plan a trip.");
    assert.deepEqual(Trip.parse(finalOutput), finalOutput);
  },
  async "reasoning replay"() {
    const modelSettings = {
      store: false,
      reasoning: { effort: "medium", summary: "auto" },
      providerData: { include: ["reasoning.encrypted_content"] },
    };
    const thinker = new Agent({ name: "Thinker", instructions: "Think.", model, modelSettings });
    const first = await run(thinker, "[[think]] about it.");
    assert.equal(first.finalOutput, lines.considered);
    const [thinking] = first.output;
    assert.equal(thinking.type, "reasoning");
    assert.equal(thinking.content.map(({ text }) => text).join(""), lines.thought);
    const second = await run(thinker, [...first.history, { role: "user", content: "Say hello." }]);
    assert.equal(second.finalOutput, lines.plain);
  },
  async image() {
    const content = [
      { type: "input_text", text: "Say hello." },
      { type: "input_image", image: `data:image/png;base64,${stage.pixel}` },
    ];
    assert.equal((await run(guide, [{ role: "user", content }])).finalOutput, lines.plain);
  },
  async errors() {
    const unknown = run(guide, "Go on.", { previousResponseId: "resp_unknown" });
    await assert.rejects(unknown, { code: "previous_response_not_found" });
    await assert.rejects(run(guide, "word ".repeat(40_000)), { code: "context_length_exceeded", status: 400 });
    const streamed = await run(guide, "word ".repeat(40_000), { stream: true });
    await assert.rejects(async () => {
      for await (const _ of streamed);
      await streamed.completed;
    }, /response\.failed/);
  },
});
