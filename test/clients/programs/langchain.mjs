/** Owns what LangChain for JavaScript must be able to do here, over its `ChatOpenAI`. */
import assert from "node:assert/strict";
import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { play, stage } from "./play.mjs";

const { lines } = stage;
const settings = {
  model: stage.model,
  apiKey: "none",
  useResponsesApi: true,
  maxRetries: 0,
  configuration: { baseURL: stage.baseUrl },
};
const model = new ChatOpenAI(settings);
const weather = tool(({ city }) => `clear in ${city}`, {
  name: "get_weather",
  description: "Weather in a city",
  schema: z.object({ city: z.string() }),
});
const bound = model.bindTools([weather]);
const question = [new SystemMessage("Be kind."), new HumanMessage("[[tool]] What is the weather?")];

/** The results of all calls of `message`, as messages. */
const results = (message) => Promise.all(message.tool_calls.map((call) => weather.invoke(call)));

async function gather(chunks) {
  let whole;
  for await (const chunk of chunks) whole = whole === undefined ? chunk : whole.concat(chunk);
  return whole;
}

await play({
  async invoke() {
    const message = await model.invoke("Say hello.");
    assert.equal(message.text, lines.plain);
    assert.ok(message.usage_metadata.input_tokens > 0 && message.usage_metadata.output_tokens > 0);
    assert.equal(message.response_metadata.status, "completed");
  },
  async stream() {
    const message = await gather(await model.stream("Say hello."));
    assert.equal(message.text, lines.plain);
    assert.ok(message.usage_metadata.output_tokens > 0);
  },
  async silence() {
    assert.equal((await gather(await model.stream(stage.slowly))).text, lines.plain);
  },
  async "tool loop"() {
    const first = await bound.invoke(question);
    assert.equal(first.tool_calls.length, 1);
    const answered = [...question, first, ...(await results(first))];
    assert.ok(answered.at(-1) instanceof ToolMessage);
    const second = await bound.invoke(answered);
    assert.equal(second.text, lines.settled);
    const third = await bound.invoke([...answered, second, new HumanMessage("Thank you.")]);
    assert.equal(third.text, lines.plain);
  },
  async "tool loop, streamed"() {
    const first = await gather(await bound.stream(question));
    assert.equal(first.tool_calls.length, 1);
    assert.equal(typeof first.tool_calls[0].args.city, "string");
    const second = await gather(await bound.stream([...question, first, ...(await results(first))]));
    assert.equal(second.text, lines.settled);
  },
  async "tool loop, previous_response_id"() {
    const first = await bound.invoke(question);
    const { id } = first.response_metadata;
    const second = await bound.invoke(await results(first), { previous_response_id: id });
    assert.equal(second.text, lines.settled);
  },
  async "parallel calls"() {
    const messages = [new HumanMessage("[[run here]] [[run there]]")];
    const first = await bound.invoke(messages);
    assert.equal(first.tool_calls.length, 2);
    assert.equal((await bound.invoke([...messages, first, ...(await results(first))])).text, lines.settled);
  },
  async "structured output"() {
    const Trip = z.object({ city: z.string(), days: z.number(), season: z.enum(["winter", "summer"]) });
    const trip = await model.withStructuredOutput(Trip, { method: "jsonSchema", strict: true }).invoke("Plan a trip.");
    assert.deepEqual(Trip.parse(trip), trip);
  },
  async reasoning() {
    const message = await gather(await model.stream([new HumanMessage("[[think]] about it.")]));
    assert.equal(message.text, lines.considered);
    const next = await model.invoke([new HumanMessage("[[think]] about it."), message, new HumanMessage("Say hello.")]);
    assert.equal(next.text, lines.plain);
  },
  async image() {
    const content = [
      { type: "text", text: "Say hello." },
      { type: "image_url", image_url: { url: `data:image/png;base64,${stage.pixel}` } },
    ];
    assert.equal((await model.invoke([new HumanMessage({ content })])).text, lines.plain);
  },
  async errors() {
    const prompt = "word ".repeat(40_000);
    await assert.rejects(model.invoke(prompt), /context/);
    // It looks for `response.completed` and `response.incomplete` alone: what failed has no status there.
    const failed = await gather(await model.stream(prompt));
    assert.equal(failed.text, "");
    assert.equal(failed.response_metadata.status, undefined);
    const unknown = model.invoke("Go on.", { previous_response_id: "resp_unknown" });
    await assert.rejects(unknown, { code: "previous_response_not_found" });
  },
});
