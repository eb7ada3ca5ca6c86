// Threads of Vercel's AI SDK, with both of its providers: `node ai-sdk.mjs THREAD`, at the server that BASE_URL names.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenResponses } from "@ai-sdk/open-responses";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const openai = createOpenAI({ baseURL: process.env.BASE_URL, apiKey: "none" });
const open = createOpenResponses({ name: "open", url: `${process.env.BASE_URL}/responses`, apiKey: "none" });
const tools = {
  get_weather: tool({
    description: "Weather of a city",
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => `sunny in ${city}`,
  }),
};
const stateless = { openai: { store: false, forceReasoning: true, reasoningSummary: "auto" } };

/** A turn that calls a tool, and one after it. */
async function talk(model, providerOptions) {
  const messages = [{ role: "user", content: "[[think]] [[tool]]" }];
  const options = { model, tools, stopWhen: stepCountIs(4), ...(providerOptions && { providerOptions }) };
  const { response } = await generateText({ ...options, messages });
  await generateText({
    ...options,
    messages: [...messages, ...response.messages, { role: "user", content: "And again." }],
  });
}

const threads = {
  references: () => talk(openai("scripted")),
  stateless: () => talk(openai("scripted"), stateless),
  "open-responses": () => talk(open("scripted")),
  async streamed() {
    const { textStream } = streamText({ model: openai("scripted"), system: "Say hello.", prompt: "Say hello." });
    for await (const _ of textStream);
  },
  async object() {
    const output = Output.object({ schema: z.object({ city: z.string() }) });
    await generateText({ model: openai("scripted"), output, prompt: "Plan a trip." });
  },
  async image() {
    const image = process.env.PIXEL.split(",")[1];
    const file = { type: "file", mediaType: "image/png", data: image };
    await generateText({
      model: openai("scripted"),
      messages: [{ role: "user", content: [{ type: "text", text: "Say hello." }, file] }],
    });
  },
};

await threads[process.argv[2]]();
