/** Owns what the scripted model reads and says: its scripts, its tokens and its chat template. */
import assert from "node:assert/strict";
import type { GgufValue } from "./gguf.ts";

/** GGUF token types (llama.cpp `llama_token_type`): control tokens never come from client text, user-defined ones do. */
const normal = 1;
export const control = 3;
const userDefined = 4;

export interface Token {
  /** As stored in the file: the text itself, or GPT-2's printable spelling of its bytes for normal tokens. */
  readonly text: string;
  readonly type: number;
}

/**
 * What a script answers to. The marker that was read last decides; `userTurn` is no command, so that a new plain
 * message is answered plainly whatever was asked before.
 */
export const markers = {
  userTurn: "<|im_start|>user",
  think: "[[think]]",
  tool: "[[tool]]",
  long: "[[long]]",
  patch: "[[patch]]",
  lookup: "[[call lookup]]",
  toolResult: "</tool_response>",
} as const;

export type Marker = keyof typeof markers;

/** Where an answer starts. A header is one token, so that no other line end is taken for it. */
export const headers = {
  assistant: "<|im_start|>assistant\n",
  thinkingOff: "<|im_start|>assistant\n<think>\n\n</think>\n\n",
} as const;

export const end = "<|im_end|>";
export const callTag = { open: "<tool_call>", close: "</tool_call>" } as const;
const thinkTag = { open: "<think>", close: "</think>" } as const;

/** The piece after which a function's name is said. */
export const nameOpening = '\n{"name": "';

export interface Script {
  /** Token texts in the order they are said; none occurs twice in all scripts, so the last one alone fixes the next. */
  readonly pieces: readonly string[];
  /** Index into `pieces` where an answer starts that may not think. */
  readonly withoutThinking: number;
  /** Starts over instead of ending. */
  readonly loops: boolean;
}

/**
 * Calls that go on from the opening of a name in their own way, as one piece up to the end of the arguments. They are what
 * tests of coding agents need: a patch that adds a file, and a tool of an MCP server `probe`.
 */
export const branches = {
  patch: String.raw`apply_patch", "arguments": {"input": "*** Begin Patch\n*** Add File: patched.txt\n+done\n*** End Patch`,
  lookup: 'mcp__probe__lookup", "arguments": {"thing": "keys',
} as const satisfies Partial<Record<Marker, string>>;

export type Branch = keyof typeof branches;
export type Told = Exclude<Marker, Branch>;

/** What ends the arguments of a call. */
export const argumentsEnd = '"}}\n';

/** A call is cut by hand, where an engine's grammar may want something else. */
const lines: Readonly<Record<Told, string | readonly string[]>> = {
  userTurn: "Hello from the tiny scripted model; it always gives this same answer and then it stops.",
  think: "<think>\nFirst I ponder the question, briefly.\n</think>\n\nMy considered reply is forty-two.",
  tool: [
    callTag.open,
    nameOpening,
    "get_weather",
    '", "arguments": ',
    '{"city": "',
    "Paris",
    argumentsEnd,
    callTag.close,
  ],
  toolResult: "Thanks, that tool output settles it: task finished.",
  long: " one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen",
};

const taken = new Set<string>();
const tag = /(<\/?think>)/;

/** `text` cut at word borders and tags; a word that another piece has taken is said together with the next one. */
function cut(text: string): string[] {
  const words = text.split(tag).flatMap((part) => (tag.test(part) ? [part] : (part.match(/\n\n|\s?\S+\n?/g) ?? [])));
  const pieces: string[] = [];
  let piece = "";
  for (const word of words) {
    piece += word;
    if (taken.has(piece) || pieces.includes(piece)) continue;
    pieces.push(piece);
    piece = "";
  }
  assert.equal(piece, "", `the last word of "${text}" was said before`);
  return pieces;
}

const script = (marker: Told): Script => {
  const line = lines[marker];
  const pieces = typeof line === "string" ? cut(line) : line;
  for (const piece of pieces) taken.add(piece);
  return { pieces, withoutThinking: pieces.indexOf("\n\n") + 1, loops: marker === "long" };
};

export const scripts: Readonly<Record<Told, Script>> = {
  userTurn: script("userTurn"),
  think: script("think"),
  tool: script("tool"),
  long: script("long"),
  toolResult: script("toolResult"),
};

for (const piece of Object.values(branches)) taken.add(piece);

const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
const unprintable = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !isPrintable(byte));

/** GPT-2's spelling of each byte as a printable character, which is how BPE vocabularies store their tokens. */
const byteSpelling: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  String.fromCodePoint(isPrintable(byte) ? byte : 256 + unprintable.indexOf(byte)),
);

const spell = (text: string): string => Array.from(Buffer.from(text), (byte) => byteSpelling[byte] ?? "").join("");

/**
 * 256 bytes (client text is one token a byte), then the markers, then the pieces that only the model itself can say:
 * without merges no tokenizer ever builds them from text. Tags are user-defined tokens, as in Qwen's own vocabulary.
 */
export const vocabulary: readonly Token[] = [
  ...byteSpelling.map((text) => ({ text, type: normal })),
  ...["<|endoftext|>", "<|im_start|>", end, markers.userTurn, "<tool_response>", markers.toolResult]
    .concat(Object.values(headers))
    .map((text) => ({ text, type: control })),
  ...[
    ...Object.values(thinkTag),
    ...Object.values(callTag),
    markers.think,
    markers.tool,
    markers.long,
    markers.patch,
    markers.lookup,
  ].map((text) => ({
    text,
    type: userDefined,
  })),
  ...[...taken].filter((piece) => !/^<\/?\w+>$/.test(piece)).map((piece) => ({ text: spell(piece), type: normal })),
];

const ids = new Map(vocabulary.map((token, id) => [token.text, id]));
assert.equal(ids.size, vocabulary.length, "two tokens are spelled the same");

/** The token of exactly this text. */
export function tokenId(text: string): number {
  const id = ids.get(text) ?? ids.get(spell(text));
  assert.ok(id !== undefined, `no token for ${JSON.stringify(text)}`);
  return id;
}

/** ChatML with Hermes tool calls, as Qwen models have it, but an earlier turn is rendered as it was generated. */
export const chatTemplate = `
{%- set system = messages[0].content if messages[0].role == "system" else "" -%}
{%- if tools -%}
{{- "<|im_start|>system\\n" + system + ("\\n\\n" if system else "") -}}
{{- "# Tools\\n\\nYou may call these functions:\\n<tools>" -}}
{%- for tool in tools -%}
{{- "\\n" -}}{{- tool | tojson -}}
{%- endfor -%}
{{- "\\n</tools>\\n\\nTo call one, write a JSON object within <tool_call></tool_call> tags:\\n" -}}
{{- '<tool_call>\\n{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call><|im_end|>\\n' -}}
{%- elif system -%}
{{- "<|im_start|>system\\n" + system + "<|im_end|>\\n" -}}
{%- endif -%}
{%- for message in messages -%}
{%- if message.role == "tool" -%}
{%- if loop.first or messages[loop.index0 - 1].role != "tool" -%}{{- "<|im_start|>user" -}}{%- endif -%}
{{- "\\n<tool_response>\\n" + message.content + "\\n</tool_response>" -}}
{%- if loop.last or messages[loop.index0 + 1].role != "tool" -%}{{- "<|im_end|>\\n" -}}{%- endif -%}
{%- elif message.role == "assistant" -%}
{{- "<|im_start|>assistant\\n" -}}
{%- if message.reasoning_content -%}
{{- "<think>\\n" + message.reasoning_content + "\\n</think>\\n\\n" -}}
{%- endif -%}
{%- if message.content -%}{{- message.content -}}{%- endif -%}
{%- for call in message.tool_calls or [] -%}
{%- if not loop.first or message.content -%}{{- "\\n" -}}{%- endif -%}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' -}}
{%- if call.function.arguments is string -%}
{{- call.function.arguments -}}
{%- else -%}
{{- call.function.arguments | tojson -}}
{%- endif -%}
{{- "}\\n</tool_call>" -}}
{%- endfor -%}
{{- "<|im_end|>\\n" -}}
{%- elif not (loop.first and message.role == "system") -%}
{{- "<|im_start|>" + message.role + "\\n" + message.content + "<|im_end|>\\n" -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- "<|im_start|>assistant\\n" -}}
{%- if enable_thinking is defined and enable_thinking is false -%}{{- "<think>\\n\\n</think>\\n\\n" -}}{%- endif -%}
{%- endif -%}
`.trim();

/** What a GGUF file says of `tokens` and of the chat template; models of random weights have the same. */
export function tokenizerMetadata(
  tokens: readonly Token[] = vocabulary,
  template: string = chatTemplate,
): Readonly<Record<string, GgufValue>> {
  return {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "qwen2",
    "tokenizer.ggml.tokens": tokens.map(({ text }) => text),
    "tokenizer.ggml.token_type": { i32s: tokens.map(({ type }) => type) },
    "tokenizer.ggml.merges": [],
    "tokenizer.ggml.eos_token_id": { u32: tokenId(end) },
    "tokenizer.ggml.bos_token_id": { u32: tokenId("<|endoftext|>") },
    "tokenizer.ggml.padding_token_id": { u32: tokenId("<|endoftext|>") },
    "tokenizer.ggml.add_bos_token": false,
    "tokenizer.chat_template": template,
  };
}
