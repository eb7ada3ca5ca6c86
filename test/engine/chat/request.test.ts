/** Owns the tests of what is sent to an upstream: messages, tools, and each dialect's way of saying things. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Concession, conceded, concessionFor } from "../../../src/engine/chat/concessions.ts";
import { type Dialect, type DialectName, dialects } from "../../../src/engine/chat/dialects.ts";
import { chatBody } from "../../../src/engine/chat/request.ts";
import type { EngineMessage, EngineRequest } from "../../../src/engine/engine.ts";
import { asking, poll, user, weather } from "../asking.ts";

const bodyOf = (request: EngineRequest, dialect: Dialect = dialects.generic): Readonly<Record<string, unknown>> =>
  chatBody(request, dialect);
const picture = { type: "image", url: "data:image/png;base64,AA==" } as const;

test("request: nothing but what was asked for, and usage", () => {
  const sampling = { temperature: null, topP: null, presencePenalty: null, frequencyPenalty: null, seed: null };
  assert.deepEqual(bodyOf(asking("Hi", { model: "m", sampling })), {
    model: "m",
    messages: [{ role: "user", content: "Hi" }],
    stream: true,
    stream_options: { include_usage: true },
  });
});

test("request: everything that can be asked for", () => {
  const request = asking("Hi", {
    sampling: { temperature: 0, topP: 0.5, presencePenalty: 1, frequencyPenalty: 2, seed: 7 },
    maxTokens: 9,
    topLogprobs: 0,
    effort: "minimal",
    format: { type: "json_schema", name: "poll", schema: poll.parameters, strict: true },
    extra: { min_p: 0.1, model: "other", stream: false, temperature: 9 },
  });
  const { messages: _, model, ...rest } = bodyOf(request);
  assert.equal(model, "default");
  assert.deepEqual(rest, {
    min_p: 0.1,
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0,
    top_p: 0.5,
    presence_penalty: 1,
    frequency_penalty: 2,
    seed: 7,
    max_tokens: 9,
    logprobs: true,
    top_logprobs: 0,
    reasoning_effort: "minimal",
    response_format: { type: "json_schema", json_schema: { name: "poll", schema: poll.parameters, strict: true } },
  });
});

test("request: a null among the further fields is no field", () => {
  const body = bodyOf(asking("Hi", { extra: { min_tokens: null, chat_template_kwargs: null, min_p: 0 } }));
  assert.deepEqual(["min_tokens" in body, "chat_template_kwargs" in body, body["min_p"]], [false, false, 0]);
});

const history: readonly EngineMessage[] = [
  { role: "system", content: [{ type: "text", text: "Be brief." }] },
  { role: "user", content: [{ type: "text", text: "Look:" }, picture] },
  {
    role: "assistant",
    content: "",
    reasoning: "Hm.",
    calls: [
      { id: "a", name: "get_weather", arguments: '{"city":"Paris"}' },
      { id: "b", name: "look", arguments: "{}" },
    ],
  },
  { role: "tool", callId: "a", name: "get_weather", content: [{ type: "text", text: "18" }, picture] },
  {
    role: "tool",
    callId: "b",
    name: "look",
    content: [
      { type: "text", text: "1" },
      { type: "text", text: "2" },
    ],
  },
  user("So?"),
];

test("request: messages", () => {
  const image = { type: "image_url", image_url: { url: picture.url } };
  assert.deepEqual(bodyOf(asking(history), dialects["llama-server"])["messages"], [
    { role: "system", content: "Be brief." },
    { role: "user", content: [{ type: "text", text: "Look:" }, image] },
    {
      role: "assistant",
      content: "",
      reasoning_content: "Hm.",
      tool_calls: [
        { id: "a", type: "function", function: { name: "get_weather", arguments: '{"city":"Paris"}' } },
        { id: "b", type: "function", function: { name: "look", arguments: "{}" } },
      ],
    },
    { role: "tool", tool_call_id: "a", content: "18" },
    { role: "tool", tool_call_id: "b", content: "1\n2" },
    { role: "user", content: [{ type: "text", text: "Images of get_weather:" }, image] },
    { role: "user", content: "So?" },
  ]);
});

function reasoningFields(name: DialectName): string[] {
  const messages = bodyOf(asking(history), dialects[name])["messages"] as readonly object[];
  return Object.keys(messages[2] ?? {}).filter((field) => field.startsWith("reasoning"));
}

test("request: thinking goes back only where the server takes it", () => {
  assert.deepEqual(reasoningFields("generic"), []);
  assert.deepEqual(reasoningFields("vllm"), ["reasoning", "reasoning_content"]);
  assert.deepEqual(reasoningFields("ollama"), ["reasoning"]);
});

/** The prompt of the first `length` messages, open at its end. */
const promptOf = (length: number): string =>
  JSON.stringify(bodyOf(asking(history.slice(0, length)))["messages"]).slice(0, -1);

test("request: the prompt of a turn begins with that of the turn before", () => {
  for (const length of [1, 2, 3, 5]) assert.ok(promptOf(history.length).startsWith(promptOf(length)), String(length));
});

const two = { tools: [weather, poll] };
const offered = (body: Readonly<Record<string, unknown>>): unknown[] =>
  ((body["tools"] ?? []) as readonly { function: { name: string } }[]).map((tool) => tool.function.name);

test("request: the choice of tools", () => {
  const both = [weather.name, poll.name];
  const named = { names: [poll.name] };
  const cases = [
    ["generic", "auto", both, undefined],
    ["generic", "required", both, "required"],
    ["generic", "none", [], undefined],
    ["generic", named, both, { type: "function", function: { name: poll.name } }],
    ["generic", { names: both }, both, "required"],
    ["llama-server", named, [poll.name], "required"],
    ["ollama", named, [poll.name], "required"],
  ] as const;
  for (const [name, toolChoice, tools, choice] of cases) {
    const body = bodyOf(asking("Hi", { ...two, toolChoice }), dialects[name]);
    assert.deepEqual([offered(body), body["tool_choice"]], [tools, choice], name);
  }
});

test("request: no empty list of tools, which vLLM refuses", () => {
  assert.ok(!("tools" in bodyOf(asking("Hi"))));
});

function efforts(name: DialectName, effort: string): unknown[] {
  const body = bodyOf(asking("Hi", { effort }), dialects[name]);
  return [body["reasoning_effort"], body["chat_template_kwargs"]];
}

test("request: effort by dialect", () => {
  const on = { enable_thinking: true, thinking: true };
  const off = { enable_thinking: false, thinking: false };
  assert.deepEqual(efforts("llama-server", "none"), [undefined, off]);
  assert.deepEqual(efforts("llama-server", "xhigh"), [undefined, { ...on, reasoning_effort: "high" }]);
  assert.deepEqual(efforts("vllm", "minimal"), ["low", on]);
  assert.deepEqual(efforts("vllm", "none"), [undefined, off]);
  assert.deepEqual(efforts("ollama", "none"), ["none", undefined]);
  assert.deepEqual(efforts("generic", "max"), ["max", undefined]);
  for (const name of ["toString", "constructor", "__proto__"])
    assert.deepEqual(efforts("ollama", name), [name, undefined]);
});

test("request: the client's template variables win over ours", () => {
  const extra = { chat_template_kwargs: { enable_thinking: true, tone: "dry" } };
  const body = bodyOf(asking("Hi", { effort: "none", extra }), dialects.vllm);
  assert.deepEqual(body["chat_template_kwargs"], { enable_thinking: true, thinking: false, tone: "dry" });
});

const refusals: readonly (readonly [text: string, status: number, concession: Concession | null])[] = [
  ['"llama3" does not support thinking', 400, { name: "effort", forGood: true }],
  ["Unsupported parameter: 'reasoning_effort'", 400, { name: "effort", forGood: true }],
  ["This model does not support parameter reasoning_effort.", 400, { name: "effort", forGood: true }],
  ["reasoning_effort: Extra inputs are not permitted extra_forbidden", 422, { name: "effort", forGood: true }],
  ["unknown field `reasoning_effort`, expected one of `model`, `messages`", 422, { name: "effort", forGood: true }],
  ["Additional properties are not allowed ('reasoning_effort' was unexpected)", 400, { name: "effort", forGood: true }],
  ["reasoning_effort: Input should be 'low', 'medium' or 'high'", 422, { name: "effort", forGood: false }],
  ["Unsupported value: 'reasoning_effort' does not support 'banana'", 400, { name: "effort", forGood: false }],
  ["reasoning_effort 'banana' is not supported", 400, { name: "effort", forGood: false }],
  ['invalid think value: "banana" (must be "high", "medium", "low")', 400, { name: "effort", forGood: false }],
  ["Unknown argument: chat_template_kwargs", 400, { name: "templateVariables", forGood: true }],
  [
    "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
    500,
    { name: "images", forGood: true },
  ],
  ["qwen is not a multimodal model", 400, { name: "images", forGood: true }],
  ["this server does not support image format webp", 400, { name: "images", forGood: false }],
  ["Unknown field: stream_options", 422, { name: "usage", forGood: true }],
  ["top_logprobs must be at most 5", 400, { name: "logprobs", forGood: false }],
  ["logprobs are not supported by this model", 400, { name: "logprobs", forGood: true }],
  [
    "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is 4096 tokens",
    400,
    { name: "room", forGood: false },
  ],
  [
    "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
    400,
    { name: "maxTokens", forGood: true },
  ],
  ["temperature must be positive", 400, null],
  ["reasoning_effort quota exceeded", 429, null],
];

for (const [text, status, concession] of refusals) {
  test(`concession: ${text} (${status})`, () => {
    const messages: EngineMessage[] = [{ role: "user", content: [{ type: "text", text: "Look:" }, picture] }];
    const extra = { chat_template_kwargs: { tone: "dry" } };
    const request = asking(messages, { effort: "high", maxTokens: 5, topLogprobs: 2, extra });
    const body = chatBody(request, dialects.generic);
    assert.deepEqual(concessionFor(body, status, text), concession);
    if (concession === null) return;
    const left = conceded(body, [concession.name]);
    assert.notDeepEqual(left, body);
    assert.equal(concessionFor(left, status, text), null, "conceded for ever");
  });
}

test("concession: llama-server's effort goes, the other variables of the template stay", () => {
  const body = chatBody(asking("Hi", { effort: "high" }), dialects["llama-server"]);
  const variables = { enable_thinking: true, thinking: true };
  assert.deepEqual(conceded(body, ["effort"])["chat_template_kwargs"], variables);
});
