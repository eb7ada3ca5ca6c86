/** Owns the tests of the way from a request to tokens, with llama.cpp's own renderer and tokenizer. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { EngineMessage, EngineRequest } from "../../../src/engine/engine.ts";
import { plainForm } from "../../../src/engine/format/forms.ts";
import { loadJavaScriptRenderer, type Llama, type Model, type Renderer } from "../../../src/engine/llama/binding.ts";
import { ChatTemplate, chatMl, rendersWell, TemplateError } from "../../../src/engine/llama/template.ts";
import { TokenReader, Vocabulary } from "../../../src/engine/llama/vocabulary.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { chatTemplate } from "../../../src/model/scripted-text.ts";
import { asking, poll, user, weather } from "../asking.ts";
import { enginePackage } from "./engine.ts";
import { loadModel, nativeLlama } from "./native.ts";

type RendererClass = new (template: string) => Renderer;

const constants = { bos_token: "<s>", eos_token: "</s>" };
let folder: string;
let llama: Llama;
let model: Model;
let native: RendererClass;
let javaScript: RendererClass;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "antiphon-prompt-"));
  const path = join(folder, "scripted.gguf");
  await writeScriptedModel(path);
  llama = await nativeLlama();
  model = await loadModel(llama, path);
  assert.ok(llama._bindings?.AddonJinjaRenderer);
  native = llama._bindings.AddonJinjaRenderer;
  javaScript = await loadJavaScriptRenderer(await enginePackage());
});

after(() => rm(folder, { recursive: true }));

const system: EngineMessage = { role: "system", content: [{ type: "text", text: "Be brief." }] };
const called: EngineMessage = {
  role: "assistant",
  content: "I look.",
  reasoning: "hm",
  calls: [{ id: "call_1", name: "get_weather", arguments: '{"city":  "Paris"}' }],
};
const answered: EngineMessage = {
  role: "tool",
  callId: "call_1",
  name: "get_weather",
  content: [
    { type: "text", text: "12 degrees" },
    { type: "text", text: "sunny" },
  ],
};
const thread = [system, user("Weather?"), called, answered];

function rendered(template: ChatTemplate, request: EngineRequest): string {
  const shield = new Vocabulary(model, template).newShield();
  return shield.join(template.render(request, shield));
}

test("both renderers pass the self-test, and one that differs does not", () => {
  assert.ok(rendersWell(native) && rendersWell(javaScript));
  assert.ok(
    !rendersWell(
      class {
        render(): string {
          return "";
        }
      },
    ),
  );
});

test("a Hermes template renders tools, calls and results itself, arguments to the byte", () => {
  const templates = [native, javaScript].map((type) => new ChatTemplate(chatTemplate, type, constants));
  const request = asking(thread, { tools: [weather] });
  const texts = templates.map((template) => rendered(template, request));
  assert.equal(texts[0], texts[1]);
  for (const { traits } of templates)
    assert.deepEqual(traits, {
      calls: plainForm.calls,
      argumentsAsText: true,
      textWithCalls: true,
      callsTogether: true,
      system: true,
    });
  const text = texts[0] ?? "";
  assert.match(text, /^<\|im_start\|>system\nBe brief\.\n\n# Tools/);
  assert.ok(text.includes('"description": "Weather of a city."'));
  assert.ok(
    text.includes('I look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city":  "Paris"}}\n</tool_call>'),
  );
  assert.ok(text.includes("<tool_response>\n12 degrees\nsunny\n</tool_response>"));
  assert.ok(text.endsWith("<|im_start|>assistant\n"));
});

test("a template that drops the text of a message with calls gets it in a message of its own", () => {
  const source = chatTemplate.replace("{{- message.content", "{{- '' if message.tool_calls else message.content");
  assert.notEqual(source, chatTemplate);
  const template = new ChatTemplate(source, native, constants);
  assert.equal(template.traits.textWithCalls, false);
  const text = rendered(template, asking(thread, { tools: [weather] }));
  assert.match(text, /I look\..*<tool_call>\n\{"name": "get_weather"/s);
});

test("a tool that the thread tells of is not in the head, unless the head would be empty", () => {
  const template = new ChatTemplate(chatTemplate, native, constants);
  const text = rendered(template, asking("hi", { tools: [weather, { ...poll, inThread: true }] }));
  assert.ok(text.includes(weather.name) && !text.includes(poll.name));
  assert.ok(rendered(template, asking("hi", { tools: [{ ...poll, inThread: true }] })).includes(poll.name));
});

test("any other template gets our own protocol in its text", () => {
  const template = new ChatTemplate(chatMl, native, constants);
  assert.equal(template.traits.calls, null);
  const text = rendered(template, asking([...thread, user("And now?")], { tools: [weather] }));
  assert.match(
    text,
    /^<\|im_start\|>system\nBe brief\.\n\n# Tools\n.*"name": "get_weather".*<\|im_end\|>\n<\|im_start\|>user\n/s,
  );
  assert.ok(
    text.includes('assistant\nI look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city":  "Paris"}}\n'),
  );
  assert.ok(text.includes("user\n<tool_response>\n12 degrees\nsunny\n</tool_response>\nAnd now?<|im_end|>"));
  assert.doesNotMatch(rendered(template, asking(thread, { tools: [weather], toolChoice: "none" })), /# Tools/);
});

test("a template without system messages gets the protocol in the first user message", () => {
  const source = `{%- for m in messages -%}{%- if m.role == "system" -%}{{ raise_exception("System role not supported") }}{%- endif -%}[{{ m.role }}]{{ m.content }}{%- endfor -%}`;
  const template = new ChatTemplate(source, native, constants);
  assert.equal(template.traits.system, false);
  assert.match(rendered(template, asking("Weather?", { tools: [weather] })), /^\[user\]# Tools\n.*\n\nWeather\?$/s);
  assert.throws(
    () => rendered(template, asking(thread)),
    (error) => error instanceof TemplateError && error.message === "System role not supported",
  );
});

test("a template that would move the leading message from turn to turn refuses it, so that it moves into the first", () => {
  const source = `{%- for m in messages -%}{%- if m.role != "system" -%}[{{ m.role }}]
    {%- if loop.last and messages[0].role == "system" -%}{{ messages[0].content }} {% endif -%}{{ m.content }}{%- endif -%}{%- endfor -%}`;
  const template = new ChatTemplate(source, native, constants);
  assert.equal(template.traits.system, false);
  assert.throws(() => rendered(template, asking([system, user("Hi.")])), TemplateError);
  assert.match(rendered(template, asking("Hi.")), /^\[user\]Hi\.$/);
});

test("a model is told of the format, whatever its template", () => {
  for (const source of [chatTemplate, chatMl]) {
    const format = { type: "json_schema", name: "poll", schema: poll.parameters, strict: true } as const;
    const text = rendered(new ChatTemplate(source, native, constants), asking([system, user("x")], { format }));
    assert.match(
      text,
      /Be brief\.\n\nAnswer with JSON only, .*"choice": \{"type": "string", "enum": \["yes", "no"\]\}/s,
    );
  }
});

test("effort and the client's own variables reach the template", () => {
  const source = "{{ enable_thinking }} {{ reasoning_effort }} {{ mine }}";
  const text = (rest: Partial<EngineRequest>): string =>
    rendered(new ChatTemplate(source, native, constants), asking("x", rest)).trim();
  assert.equal(text({ effort: "none" }), "False");
  assert.equal(text({ effort: "high" }), "True high");
  assert.equal(
    text({ effort: "low", extra: { chat_template_kwargs: { mine: 1, enable_thinking: false } } }),
    "False low 1",
  );
});

test("numbers that no template can take do not end a thread", () => {
  for (const maximum of [2 ** 63, 2 ** 64, Number.MAX_VALUE, -Number.MAX_VALUE, 1e-300, Number.MAX_SAFE_INTEGER]) {
    const tool = { ...weather, parameters: { type: "object", properties: { n: { type: "integer", maximum } } } };
    const text = rendered(new ChatTemplate(chatTemplate, native, constants), asking("x", { tools: [tool] }));
    assert.match(text, /"maximum": /);
  }
});

test("the client's own variables cannot replace what the prompt is made of", () => {
  const source = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}{{ add_generation_prompt }}";
  const mine = { messages: [{ content: "mine" }], add_generation_prompt: false, bos_token: "mine" };
  const request = asking("yours", { extra: { chat_template_kwargs: mine } });
  assert.equal(rendered(new ChatTemplate(source, native, constants), request), "<s>yoursTrue");
});

test("the prompt of a turn begins the prompt of the next one", () => {
  for (const source of [chatTemplate, chatMl]) {
    const template = new ChatTemplate(source, native, constants);
    const more: EngineMessage[] = [
      ...thread,
      { role: "assistant", content: "12.", reasoning: null, calls: [] },
      user("Ah."),
    ];
    const prompts = [2, 4, 6].map((count) => rendered(template, asking(more.slice(0, count), { tools: [weather] })));
    for (const [index, prompt] of prompts.slice(0, -1).entries()) {
      assert.ok(prompt.endsWith("<|im_start|>assistant\n"));
      assert.ok(prompts[index + 1]?.startsWith(prompt), prompts[index + 1]);
    }
  }
});

/** Client text in which control tokens, their parts and our seams' characters meet. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "<|im_end|>",
        "<|im_start|>",
        "<|im_start|>user\n",
        "<tool_response>",
        "<think>",
        "</think>",
        "<tool_call>",
      ),
      fc.constantFrom("<|im_", "end|>", "<", "~", "\n", "<|endoftext|>", "</tool_response>", "<|im_start|>assistant\n"),
      fc.string({ unit: "grapheme" }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

/** A request with `text` wherever a client can put text. */
function saying(text: string): EngineRequest {
  const args = JSON.stringify({ city: text });
  return asking(
    [
      { role: "system", content: [{ type: "text", text }] },
      user(text),
      {
        role: "assistant",
        content: text,
        reasoning: text,
        calls: [{ id: "c", name: "get_weather", arguments: args }],
      },
      { role: "tool", callId: "c", name: "get_weather", content: [{ type: "text", text }] },
    ],
    { tools: [{ ...weather, description: text, parameters: { type: "object", title: text } }] },
  );
}

test("client text is tokenised to the byte, and no control token comes of it", () => {
  const template = new ChatTemplate(chatTemplate, native, constants);
  const vocabulary = new Vocabulary(model, { source: chatTemplate, form: plainForm });
  const tokenised = (request: EngineRequest): { tokens: number[]; prompt: string } => {
    const shield = vocabulary.newShield();
    const prompt = template.render(request, shield);
    return { tokens: vocabulary.tokenize(shield.split(prompt)), prompt: shield.join(prompt) };
  };
  const special = (tokens: readonly number[]): number[] =>
    tokens.filter((token) => {
      const { control, userDefined } = model.getTokenAttributes(token);
      return control || userDefined;
    });
  const innocent = special(tokenised(saying("x")).tokens);
  fc.assert(
    fc.property(hostile, (text) => {
      // The template leaves an empty message out.
      fc.pre(text.trim() !== "");
      const { tokens, prompt } = tokenised(saying(text));
      assert.deepEqual(special(tokens), innocent);
      assert.equal(model.detokenize(tokens, true), prompt);
      assert.ok(prompt.includes(`<|im_start|>user\n${text}<|im_end|>`));
      assert.deepEqual(tokenised(saying(text)).tokens, tokens, "the same request has the same tokens");
    }),
    { numRuns: 200 },
  );
});

test("tokens become text as they come, characters whole, control tokens silent", () => {
  const vocabulary = new Vocabulary(model, { source: chatTemplate, form: plainForm });
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const reader = new TokenReader(vocabulary, []);
      const pieces = model.tokenize(text, false).map((token) => reader.push(token));
      assert.equal(pieces.join("") + reader.end(), text);
    }),
  );
  const reader = new TokenReader(vocabulary, []);
  const [control = 0, think = 0] = ["<|im_start|>", "<think>"].map((text) => model.tokenize(text, true)[0] ?? 0);
  const [half = 0] = model.tokenize("é", false);
  assert.equal(reader.push(control), "");
  assert.equal(reader.push(think), "<think>");
  assert.equal(reader.push(half), "");
  assert.equal(reader.end(), "\uFFFD");
});
