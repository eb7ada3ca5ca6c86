/** Owns calls that an upstream's parser missed, so that they come as text: each family's way, cut into single characters. */
import { done, end, say } from "../../engine/chat/wire.ts";
import { type Row, stream } from "./row.ts";

const written: Readonly<Record<string, string>> = {
  Hermes: '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>',
  "Qwen's coder": "<tool_call>\n<function=f>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call>",
  GLM: "<tool_call>f\n<arg_key>x</arg_key>\n<arg_value>1</arg_value>\n</tool_call>",
  Mistral: '[TOOL_CALLS]f[ARGS]{"x":1}',
  "Llama 3": '<|python_tag|>{"name": "f", "parameters": {"x": 1}}',
  DeepSeek:
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{"x":1}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
  Kimi: '<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{"x":1}<|tool_call_end|><|tool_calls_section_end|>',
  "Gemma 4": "<|tool_call>call:f{x:1}<tool_call|>",
  "gpt-oss": '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"x":1}<|call|>',
};

const saying = (text: string, reason = "stop"): ReturnType<typeof stream> =>
  stream(...Array.from(text, (character) => say(character)), end(reason), done);

export const leakRows: readonly Row[] = [
  ...Object.entries(written).map(([family, text]) => ({
    title: `a call as ${family} writes it`,
    answers: [saying(`I look.\n${text}`)],
    means: ["completed", "message: I look.\n", 'function_call f: {"x":1}'],
  })),
  {
    title: "two calls in text",
    answers: [saying(`${written["Hermes"]}\n${written["Hermes"]}`)],
    means: ["completed", 'function_call f: {"x":1}', 'function_call f: {"x":1}'],
  },
  {
    title: "a call in text whose arguments do not fit, and a better one when told",
    answers: [saying('<tool_call>{"name": "f", "arguments": {"x" "1}}</tool_call>'), saying(written["Hermes"] ?? "")],
    means: ["completed", 'function_call f: {"x":1}'],
  },
  {
    title: "a call in text that is cut by length",
    answers: [saying('<tool_call>\n{"name": "f", "argu', "length")],
    means: ["incomplete max_output_tokens", 'message (incomplete): <tool_call>\n{"name": "f", "argu'],
  },
];
