/** Owns what Vercel's AI SDK must be able to do here: `node ai-sdk.mjs MAJOR PROVIDER`. */
import assert from "node:assert/strict";
import { z } from "zod";
import { play, stage } from "./play.mjs";

const [major, provider] = process.argv.slice(2);
const { APICallError, generateText, Output, stepCountIs, streamText, tool } = await import(`ai-${major}`);
const { lines } = stage;
const model = await openModel();
const cities = [];
const tools = {
  get_weather: tool({
    description: "Weather in a city",
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => {
      cities.push(city);
      return { sky: "clear", celsius: 21 };
    },
  }),
};
const loop = { model, tools, stopWhen: stepCountIs(4), maxRetries: 0 };
const Trip = z.object({ city: z.string(), days: z.number(), season: z.enum(["winter", "summer"]) });

async function openModel() {
  const apiKey = "none";
  if (provider === "openai") {
    const { createOpenAI } = await import(`ai-${major}-openai`);
    return createOpenAI({ baseURL: stage.baseUrl, apiKey })(stage.model);
  }
  const { createOpenResponses } = await import(`ai-${major}-open-responses`);
  return createOpenResponses({ name: "open", url: `${stage.baseUrl}/responses`, apiKey })(stage.model);
}

/** Only the provider for OpenAI has settings for these; the other gets the thinking itself. */
const settingsOf = (own) =>
  provider === "openai" ? { providerOptions: { openai: { forceReasoning: true, ...own } } } : {};
const summarised = settingsOf({ reasoningEffort: "medium", reasoningSummary: "auto" });
const stateless = settingsOf({ reasoningSummary: "auto", store: false, include: ["reasoning.encrypted_content"] });

const generate = (settings) => generateText({ model, maxRetries: 0, ...settings });

/** Ends with the stream; an error part is thrown. */
async function partsOf({ fullStream }) {
  const parts = [];
  for await (const part of fullStream) {
    if (part.type === "error") throw part.error;
    parts.push(part);
  }
  return parts;
}

const textOf = (parts, type) => parts.filter((part) => part.type === type).map(({ text }) => text);

await play({
  async generateText() {
    const { text, finishReason, usage, warnings } = await generate({ prompt: "Say hello." });
    assert.equal(text, lines.plain);
    assert.equal(finishReason, "stop");
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    assert.deepEqual(warnings, []);
  },
  async "generateText, cut"() {
    const { finishReason } = await generate({ prompt: "[[long]]", maxOutputTokens: 20 });
    assert.equal(finishReason, "length");
  },
  async streamText() {
    const parts = await partsOf(streamText({ model, prompt: "Say hello.", maxRetries: 0 }));
    assert.equal(textOf(parts, "text-delta").join(""), lines.plain);
    assert.equal(parts.at(-1).type, "finish");
    assert.equal(parts.at(-1).finishReason, "stop");
  },
  async silence() {
    const parts = await partsOf(streamText({ model, prompt: stage.slowly, maxRetries: 0 }));
    assert.equal(textOf(parts, "text-delta").join(""), lines.plain);
  },
  async "tool loop"() {
    cities.length = 0;
    const messages = [{ role: "user", content: "[[tool]] What is the weather?" }];
    const { text, steps, response, responseMessages } = await generateText({ ...loop, messages });
    assert.equal(text, lines.settled);
    assert.deepEqual([steps.length, cities.length], [2, 1]);
    const said = responseMessages ?? response.messages;
    const next = await generateText({
      ...loop,
      messages: [...messages, ...said, { role: "user", content: "Thank you." }],
    });
    assert.equal(next.text, lines.plain);
  },
  async "tool loop, streamed"() {
    cities.length = 0;
    const parts = await partsOf(streamText({ ...loop, prompt: "[[tool]] What is the weather?" }));
    assert.equal(parts.filter(({ type }) => type === "tool-result").length, 1);
    assert.equal(cities.length, 1);
    assert.equal(textOf(parts, "text-delta").join(""), lines.settled);
  },
  async "parallel calls"() {
    cities.length = 0;
    const { text, steps } = await generateText({ ...loop, prompt: "[[run here]] [[run there]]" });
    assert.deepEqual([steps[0].toolCalls.length, cities.length], [2, 2]);
    assert.equal(text, lines.settled);
  },
  async "structured output"() {
    const { output } = await generate({ prompt: "Plan a trip.", output: Output.object({ schema: Trip }) });
    assert.deepEqual(Trip.parse(output), output);
  },
  async "structured output, streamed"() {
    const result = streamText({
      model,
      prompt: "Plan a trip.",
      output: Output.object({ schema: Trip }),
      maxRetries: 0,
    });
    let last;
    for await (const partial of result.partialOutputStream) last = partial;
    assert.deepEqual(Trip.parse(last), last);
  },
  async reasoning() {
    const { text, reasoningText } = await generate({ prompt: "[[think]] about it.", ...summarised });
    assert.equal(text, lines.considered);
    assert.equal(reasoningText, lines.thought);
    const parts = await partsOf(streamText({ model, prompt: "[[think]] about it.", maxRetries: 0, ...summarised }));
    assert.equal(textOf(parts, "reasoning-delta").join(""), lines.thought);
    assert.equal(textOf(parts, "text-delta").join(""), lines.considered);
  },
  async "reasoning replay"() {
    const messages = [{ role: "user", content: "[[think]] about it." }];
    const { response, responseMessages } = await generate({ messages, ...stateless });
    const said = responseMessages ?? response.messages;
    const next = await generate({
      messages: [...messages, ...said, { role: "user", content: "Say hello." }],
      ...stateless,
    });
    assert.equal(next.text, lines.plain);
  },
  async image() {
    const file = { type: "file", mediaType: "image/png", data: stage.pixel };
    const { text } = await generate({
      messages: [{ role: "user", content: [{ type: "text", text: "Say hello." }, file] }],
    });
    assert.equal(text, lines.plain);
  },
  async errors() {
    const prompt = "word ".repeat(40_000);
    await assert.rejects(generate({ prompt }), (thrown) => {
      assert.ok(APICallError.isInstance(thrown), String(thrown));
      assert.match(thrown.message, /context/);
      assert.equal(thrown.isRetryable, false);
      return true;
    });
    const parts = partsOf(streamText({ model, prompt, maxRetries: 0, onError: () => undefined }));
    // The older provider for Open Responses reads of a failure only that there was one.
    if (provider === "openai" || major === "7") await assert.rejects(parts, /context/);
    else assert.equal((await parts).at(-1).finishReason, "error");
  },
});
