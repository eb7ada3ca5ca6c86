/** Owns what the SDK must be able to do with tools: calls, and the loops around them by hand and by its own runner. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { ResponsesToolRunner, runnerFunction } from "openai/helpers/responses-tool-runner";
import { zodResponsesFunction } from "openai/helpers/zod";
import type {
  FunctionTool,
  Response,
  ResponseFunctionToolCall,
  ResponseInput,
} from "openai/resources/responses/responses";
import { z } from "zod";
import { assertAnswered, clientOf } from "./openai-client.ts";
import { type Stage, type Step, step } from "./suite.ts";

const weather: FunctionTool = {
  type: "function",
  name: "get_weather",
  description: "Weather in a city",
  strict: true,
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
};
const toolPrompt = "[[tool]] What is the weather?";
const weatherNow = '{"sky":"clear","celsius":21}';

export const toolSteps: readonly Step[] = [
  step("parse, a call", parseCall),
  step("tool loop, previous_response_id", loopOverStore),
  step("tool loop, stateless", loopStateless),
  step("tool loop, streamed", loopStreamed),
  step("tool runner", loopByRunner),
];

async function parseCall(stage: Stage): Promise<void> {
  const Place = z.object({ city: z.string() });
  const response = await clientOf(stage).responses.parse({
    model: stage.model,
    input: toolPrompt,
    tools: [zodResponsesFunction({ name: "get_weather", parameters: Place })],
  });
  const call = response.output.find((item) => item.type === "function_call");
  assert.ok(call && "parsed_arguments" in call);
  assert.equal(typeof Place.parse(call.parsed_arguments).city, "string");
}

async function loopOverStore(stage: Stage): Promise<void> {
  const client = clientOf(stage);
  const { model, lines } = stage;
  const first = await client.responses.create({ model, input: toolPrompt, tools: [weather] });
  const second = await client.responses.create({
    model,
    previous_response_id: first.id,
    input: [{ type: "function_call_output", call_id: callIn(first).call_id, output: weatherNow }],
    tools: [weather],
  });
  assertAnswered(second, lines.settled);
  assert.equal(second.previous_response_id, first.id);
  const third = await client.responses.create({
    model,
    previous_response_id: second.id,
    input: "Thank you.",
    tools: [weather],
  });
  assertAnswered(third, lines.plain);
  stage.assertPrefixKept();
}

/** As Codex and many others do it: nothing is stored, everything is sent again. */
async function loopStateless(stage: Stage): Promise<void> {
  const client = clientOf(stage);
  const settings = {
    model: stage.model,
    tools: [weather],
    store: false,
    include: ["reasoning.encrypted_content" as const],
  };
  const input: ResponseInput = [{ role: "user", content: toolPrompt }];
  const first = await client.responses.create({ ...settings, input });
  input.push(...(first.output as ResponseInput), {
    type: "function_call_output",
    call_id: callIn(first).call_id,
    output: weatherNow,
  });
  assertAnswered(await client.responses.create({ ...settings, input }), stage.lines.settled);
  await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
}

async function loopStreamed(stage: Stage): Promise<void> {
  const client = clientOf(stage);
  const { model, lines } = stage;
  const events = client.responses.stream({ model, input: toolPrompt, tools: [weather] });
  let text = "";
  events.on("response.function_call_arguments.delta", ({ delta }) => {
    text += delta;
  });
  const first = await events.finalResponse();
  const call = callIn(first);
  assert.equal(text, call.arguments);
  const output = { type: "function_call_output" as const, call_id: call.call_id, output: weatherNow };
  const second = client.responses.stream({ model, previous_response_id: first.id, input: [output], tools: [weather] });
  assertAnswered(await second.finalResponse(), lines.settled);
}

async function loopByRunner(stage: Stage): Promise<void> {
  const asked: string[] = [];
  const tool = zodResponsesFunction({
    name: "get_weather",
    parameters: z.object({ city: z.string() }),
    function: ({ city }) => {
      asked.push(city);
      return weatherNow;
    },
  });
  const runner = new ResponsesToolRunner({ functions: [runnerFunction(tool)] });
  const response = await runner.run(clientOf(stage), { model: stage.model, input: toolPrompt });
  assert.equal(asked.length, 1);
  assertAnswered(response, stage.lines.settled);
}

function callIn({ status, output }: Response): ResponseFunctionToolCall {
  assert.equal(status, "completed");
  const [call, ...more] = output.filter((item) => item.type === "function_call");
  assert.ok(call && more.length === 0);
  assert.equal(call.name, weather.name);
  assert.equal(typeof (JSON.parse(call.arguments) as { city: unknown }).city, "string");
  return call;
}
