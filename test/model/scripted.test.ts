/** Owns the tests of the scripted model: its file, and what its weights say, by a naive forward pass. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isGguf } from "../../src/model/gguf.ts";
import { writeScriptedModel } from "../../src/model/scripted.ts";
import { chatTemplate, end, tokenId, vocabulary } from "../../src/model/scripted-text.ts";
import { decodeGguf, TinyLlama, type Gguf } from "./tiny-llama.ts";

let folder: string;
let path: string;
let file: Gguf;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "antiphon-scripted-"));
  path = join(folder, "scripted.gguf");
  await writeScriptedModel(path);
  file = decodeGguf(await readFile(path));
});

after(() => rm(folder, { recursive: true }));

/** Special tokens where they stand, all else byte by byte, as llama.cpp does without merges. */
function tokenize(text: string): number[] {
  const special = vocabulary.filter(({ type }) => type !== 1).sort((a, b) => b.text.length - a.text.length);
  const ids: number[] = [];
  for (let at = 0; at < text.length;) {
    const found = special.find((token) => text.startsWith(token.text, at));
    if (found) ids.push(tokenId(found.text));
    else ids.push(...Buffer.from(text[at] ?? ""));
    at += found?.text.length ?? 1;
  }
  return ids;
}

const pieceOf = (token: number): string => (vocabulary[token]?.text ?? "").replaceAll("Ġ", " ").replaceAll("Ċ", "\n");

/** What is said after `prompt`; `allowed` stands for a grammar: may `text` be the beginning of the answer? */
function answer(prompt: string, allowed: (text: string, ended: boolean) => boolean = () => true): string {
  const model = new TinyLlama(file);
  let logits = new Float32Array();
  for (const token of tokenize(prompt)) logits = Float32Array.from(model.read(token));
  for (let text = ""; ;) {
    const said = text;
    const best = [...logits.keys()]
      .sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0))
      .find((token) => (token === tokenId(end) ? allowed(said, true) : allowed(said + pieceOf(token), false)));
    assert.ok(best !== undefined, `nothing may follow ${text}`);
    if (best === tokenId(end) || text.length > 300) return text;
    text += pieceOf(best);
    logits = Float32Array.from(model.read(best));
  }
}

const user = (text: string): string => `<|im_start|>user\n${text}<|im_end|>\n`;
const assistant = (text: string): string => `<|im_start|>assistant\n${text}<|im_end|>\n`;
const result = (text: string): string => user(`\n<tool_response>\n${text}\n</tool_response>`);
const header = "<|im_start|>assistant\n";
const thinkingOff = "<|im_start|>assistant\n<think>\n\n</think>\n\n";
const call = assistant('<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>');
const plain = "Hello from the tiny scripted model; it always gives this same answer and then it stops.";
const thought = "<think>\nFirst I ponder the question, briefly.\n</think>\n\n";
const considered = "My considered reply is forty-two.";
const settled = "Thanks, that tool output settles it: task finished.";
const called = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>';

const threads: Readonly<Record<string, readonly [prompt: string, said: string]>> = {
  "a plain message": [user("hi") + header, plain],
  "a plain message, thinking off": [user("hi") + thinkingOff, plain],
  "no message at all": [header, plain],
  "a command to think": [user("please [[think]] hard") + header, thought + considered],
  "a command to think, thinking off": [user("[[think]]") + thinkingOff, considered],
  "a command to call": [user("[[tool]]") + header, called],
  "a command at the head of a long message": [user(`[[tool]] ${"lorem ipsum ".repeat(60)}`) + header, called],
  "a tool's result": [user("[[tool]]") + call + result("12 degrees") + header, settled],
  "an empty result": [user("[[tool]]") + call + result("") + header, settled],
  "a result that quotes a command": [user("[[tool]]") + call + result("[[tool]] was asked for") + header, settled],
  "a plain message later": [user("[[tool]]") + call + result("1") + assistant(settled) + user("hi") + header, plain],
  "a command later": [user("hi") + assistant(plain) + user("[[tool]]") + header, called],
  "another command later": [
    user("[[tool]]") + call + result("1") + assistant(settled) + user("[[think]]") + header,
    thought + considered,
  ],
  "a command in the instructions": [
    `<|im_start|>system\nUse [[tool]] for tools.<|im_end|>\n${user("hi")}${header}`,
    plain,
  ],
};

for (const [name, [prompt, said]] of Object.entries(threads)) {
  test(`${name} gets its script`, () => assert.equal(answer(prompt), said));
}

const callOf = (name: string, args: object): string =>
  `<tool_call>\n{"name": "${name}", "arguments": ${JSON.stringify(args).replace(/":/g, '": ')}}\n</tool_call>`;

test("a patch and a lookup are calls of their own, and change nothing of the plain one", () => {
  const patch = "*** Begin Patch\n*** Add File: patched.txt\n+done\n*** End Patch";
  assert.equal(answer(user("[[patch]]") + header), callOf("apply_patch", { input: patch }));
  assert.equal(answer(user("[[call lookup]]") + header), callOf("mcp__probe__lookup", { thing: "keys" }));
  assert.equal(answer(user("[[patch]] [[tool]]") + header), callOf("get_weather", { city: "Paris" }));
});

test("[[long]] never stops", () => {
  assert.match(answer(user("[[long]]") + header), /^ one two .* fifteen one two .* fifteen one two/);
});

/** Whether `text` may begin a text that `parts` describe: literals, and "string" for a JSON string. */
function begins(parts: readonly string[]): (text: string, ended: boolean) => boolean {
  const whole = parts.map((part) => (part === "string" ? '"[^"\\n]*"' : part.replace(/[{}]/g, "\\$&")));
  return (text, ended) => {
    if (ended) return new RegExp(`^${whole.join("")}$`).test(text);
    return parts.some((part, at) => {
      const before = new RegExp(`^${whole.slice(0, at).join("")}`).exec(text)?.[0];
      if (before === undefined) return false;
      const rest = text.slice(before.length);
      return part === "string" ? /^(?:"[^"\n]*"?)?$/.test(rest) : part.startsWith(rest);
    });
  };
}

test("where a grammar forbids its own words, a call ends shortly", () => {
  const grammar = begins(['<tool_call>\n{"name": "exec", "arguments": {"cmd": ', "string", "}}\n</tool_call>"]);
  const said = answer(user("[[tool]]") + header, grammar);
  assert.equal(said, '<tool_call>\n{"name": "exec", "arguments": {"cmd": "a"}}\n</tool_call>');
  assert.equal(answer(user("hi") + header, grammar), said, "a call is made even where nobody asked for it");
});

test("the file is a GGUF file of a few hundred KB, the same each time", async () => {
  const bytes = await readFile(path);
  assert.ok(bytes.length < 1024 * 1024);
  assert.ok(await isGguf(path));
  const again = join(folder, "again.gguf");
  await writeScriptedModel(again);
  assert.deepEqual(await readFile(again), bytes);
  assert.equal(file.metadata["llama.context_length"], 131_072);
  assert.equal(file.metadata["tokenizer.chat_template"], chatTemplate);
});

test("client text is one token a byte", () => {
  assert.equal(tokenize("Hello from the naïve 漢字").length, Buffer.byteLength("Hello from the naïve 漢字"));
});
