/** Owns the tests of prompts for templates that render one call a message and thinking by another name, as gpt-oss' does. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { EngineMessage, EngineRequest } from "../../../src/engine/engine.ts";
import type { Renderer } from "../../../src/engine/llama/binding.ts";
import { Shield } from "../../../src/engine/llama/shield.ts";
import { ChatTemplate } from "../../../src/engine/llama/template.ts";
import { asking, user, weather } from "../asking.ts";
import { nativeLlama } from "./native.ts";

/** Shows one call of a message, and what the tool said as that call's; thinking only where it calls. */
const source = `
{%- if reasoning_effort -%}{{- "effort " + reasoning_effort + "\\n" -}}{%- endif -%}
{%- for t in tools or [] -%}{{- t.function.name + ": " + t.function.description + "\\n" -}}{%- endfor -%}
{%- set last = namespace(name=none) -%}
{%- for m in messages -%}
{%- if m.role == "assistant" and m.tool_calls -%}
{%- if m.content -%}{{- raise_exception("text and call") -}}{%- endif -%}
{%- if m.thinking -%}{{- "<|channel|>analysis<|message|>" + m.thinking + "<|end|>\\n" -}}{%- endif -%}
{%- set last.name = m.tool_calls[0].function.name -%}
{{- " to=functions." + last.name + "<|channel|>commentary json<|message|>" + (m.tool_calls[0].function.arguments | tojson) + "<|call|>\\n" -}}
{%- elif m.role == "tool" -%}
{%- if last.name is none -%}{{- raise_exception("no call before it") -}}{%- endif -%}
{{- last.name + " said " + m.content + "\\n" -}}
{%- else -%}
{%- set last.name = none -%}
{{- m.role + ": " + m.content + "\\n" -}}
{%- endif -%}
{%- endfor -%}`;

let template: ChatTemplate;
before(async () => {
  const renderer = (await nativeLlama())._bindings?.AddonJinjaRenderer;
  assert.ok(renderer);
  template = new ChatTemplate(source, renderer satisfies new (template: string) => Renderer, {});
});

const call = (id: string, city: string): { id: string; name: string; arguments: string } => ({
  id,
  name: "get_weather",
  arguments: JSON.stringify({ city }),
});
const result = (callId: string, text: string): EngineMessage => ({
  role: "tool",
  callId,
  name: "get_weather",
  content: [{ type: "text", text }],
});

function rendered(messages: EngineMessage[], rest: Partial<EngineRequest> = {}): string {
  return template.render(asking(messages, { tools: [weather], ...rest }), new Shield(new Set()));
}

function called(city: string): string {
  return ` to=functions.get_weather<|channel|>commentary json<|message|>{"city": "${city}"}<|call|>`;
}

function effortShown(effort: string): string {
  return rendered([user("x")], { effort }).split("\n")[0] ?? "";
}

test("calls of one turn are shown one by one, each with its result, the text before and the thinking with the first", () => {
  assert.deepEqual(template.traits.calls, { type: "harmony" });
  const calls = [call("a", "Paris"), call("b", "Rome")];
  const text = rendered([
    user("Where is it warmer?"),
    { role: "assistant", content: "I look.", reasoning: "both", calls },
    result("a", "12"),
    result("b", "20"),
    { role: "assistant", content: "", reasoning: null, calls: [call("c", "Bonn")] },
    result("c", "9"),
    { role: "assistant", content: "Rome.", reasoning: "20 > 12", calls: [] },
  ]);
  assert.deepEqual(text.trim().split("\n").slice(1), [
    "user: Where is it warmer?",
    "assistant: I look.",
    "<|channel|>analysis<|message|>both<|end|>",
    called("Paris"),
    "get_weather said 12",
    called("Rome"),
    "get_weather said 20",
    called("Bonn"),
    "get_weather said 9",
    "assistant: Rome.",
  ]);
});

test("efforts beyond the three that gpt-oss was taught become the nearest of them", () => {
  assert.deepEqual(
    ["none", "minimal", "low", "medium", "high", "xhigh"].map(effortShown),
    ["low", "low", "low", "medium", "high", "high"].map((effort) => `effort ${effort}`),
  );
});
