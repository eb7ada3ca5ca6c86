// Threads of LangChain: `node langchain.mjs THREAD`, at the server that BASE_URL names.
import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";

const model = new ChatOpenAI({
  model: "scripted",
  apiKey: "none",
  useResponsesApi: true,
  configuration: { baseURL: process.env.BASE_URL },
});
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

const threads = {
  async tools() {
    const bound = model.bindTools([weather]);
    const messages = [new SystemMessage("Say hello."), new HumanMessage("[[tool]]")];
    const called = await bound.invoke(messages);
    messages.push(called);
    for (const { id, name } of called.tool_calls)
      messages.push(new ToolMessage({ content: "sunny", tool_call_id: id, name }));
    messages.push(await bound.invoke(messages), new HumanMessage("And again."));
    await bound.invoke(messages);
  },
  async chained() {
    const first = await model.invoke("Say hello.");
    await model.invoke("And again.", { previous_response_id: first.response_metadata.id });
  },
  async streamed() {
    for await (const _ of await model.stream("[[think]]"));
  },
  async image() {
    const content = [
      { type: "text", text: "Say hello." },
      { type: "image_url", image_url: { url: process.env.PIXEL } },
    ];
    await model.invoke([new HumanMessage({ content })]);
  },
};

await threads[process.argv[2]]();
