// Threads of OpenAI's Agents SDK: `node agents.mjs THREAD`, at the server that BASE_URL names.
import { Agent, MemorySession, OpenAIResponsesModel, run, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";

setTracingDisabled(true);
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "none" });
const model = new OpenAIResponsesModel(client, "scripted");
const weather = tool({
  name: "get_weather",
  description: "Weather of a city",
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => `sunny in ${city}`,
});
const agent = new Agent({ name: "Guide", instructions: "Say hello.", model, tools: [weather] });

const threads = {
  async text() {
    const first = await run(agent, "Say hello.");
    await run(agent, [...first.history, { role: "user", content: "And again." }]);
  },
  async tools() {
    const first = await run(agent, "[[tool]]");
    await run(agent, [...first.history, { role: "user", content: "And again." }]);
  },
  async streamed() {
    const stream = await run(agent, "[[tool]]", { stream: true });
    for await (const event of stream) if (event.type === "error") throw event;
    await stream.completed;
  },
  async session() {
    const session = new MemorySession();
    await run(agent, "[[think]]", { session });
    await run(agent, "And again.", { session });
  },
  async chained() {
    const first = await run(agent, "Say hello.");
    await run(agent, "And again.", { previousResponseId: first.lastResponseId });
  },
  async handoff() {
    const expert = new Agent({ name: "Expert", instructions: "Say hello.", model });
    const desk = new Agent({ name: "Desk", instructions: "Say hello.", model, handoffs: [expert] });
    await run(desk, "[[tool]]");
  },
  async images() {
    const image = process.env.PIXEL;
    const content = [
      { type: "input_text", text: "Say hello." },
      { type: "input_image", image },
      { type: "input_file", file: { url: "data:text/plain;base64,aGVsbG8=" }, filename: "hello.txt" },
    ];
    await run(agent, [{ role: "user", content }]);
  },
};

await threads[process.argv[2]]();
