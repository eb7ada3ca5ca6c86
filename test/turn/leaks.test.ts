/** Owns the tests of calls found in text: every family in every cut, and that nothing else is one or gets lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { families } from "../../src/engine/format/leaks.ts";
import { limits } from "../../src/limits.ts";
import { isFields } from "../../src/spec/json.ts";
import type { Tool } from "../../src/spec/tools.ts";
import { LeakWatch, type Piece, spellings } from "../../src/turn/leaks.ts";
import { makeOffer } from "../../src/turn/offer.ts";
import { says } from "../http/door.ts";
import { makeLine, play } from "./line.ts";

const properties = { city: { type: "string" }, days: { type: "integer" }, exact: { type: "boolean" } };
const tools: readonly Tool[] = [
  { type: "function", name: "get_weather", parameters: { type: "object", properties } },
  { type: "function", name: "Stop" },
  { type: "namespace", name: "mcp__files", tools: [{ type: "function", name: "read" }] },
];

/** What is found in `chunks`, one after the other, of an answer that ended by itself or was cut. */
function read(chunks: readonly string[], finished = true, choice: unknown = "auto"): readonly Piece[] {
  const offer = makeOffer(tools, [], choice);
  const watch = new LeakWatch(offer, spellings(offer));
  const pieces = [...chunks.flatMap((chunk) => watch.push(chunk)), ...watch.end(finished)];
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (piece.type === "text" && last?.type === "text")
      joined.splice(-1, 1, { type: "text", text: last.text + piece.text });
    else joined.push(piece);
  }
  return joined;
}

const args = { city: "Paris", days: 3, exact: true };
const json = JSON.stringify(args);
const text = (said: string): Piece => ({ type: "text", text: said });
const call = (name = "get_weather", given: object = args): Piece => ({
  type: "call",
  name,
  arguments: JSON.stringify(given),
});

const leaks: Readonly<Record<string, string>> = {
  Hermes: `<tool_call>\n{"name": "get_weather", "arguments": ${json}}\n</tool_call>`,
  "Hermes, on one line": `<tool_call>{"name":"get_weather","arguments":${json}}</tool_call>`,
  "Hermes, as Chat Completions nests it": `<tool_call>{"type":"function","function":{"name":"get_weather","arguments":${JSON.stringify(json)}}}</tool_call>`,
  "Qwen3-Coder": `<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n3\n</parameter>\n<parameter=exact>\ntrue\n</parameter>\n</function>\n</tool_call>`,
  "Qwen3-Coder, without its frame": `<function=get_weather><parameter=city>Paris</parameter><parameter=days>3</parameter><parameter=exact>true</parameter></function>`,
  GLM: `<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n<arg_key>exact</arg_key>\n<arg_value>true</arg_value>\n</tool_call>`,
  "Mistral, a list": `[TOOL_CALLS][{"name": "get_weather", "arguments": ${json}}]`,
  "Mistral, with marks": `[TOOL_CALLS]get_weather[CALL_ID]abc123def[ARGS]${json}`,
  "Llama 3": `<|python_tag|>{"name": "get_weather", "parameters": ${json}}`,
  "DeepSeek R1": `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n\`\`\`json\n${json}\n\`\`\`<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
  "DeepSeek V3.1": `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>${json}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
  Kimi: `<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>${json}<|tool_call_end|><|tool_calls_section_end|>`,
  "gpt-oss": `<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>${json}<|call|>`,
  "Gemma 4": '<|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:3,exact:true}<tool_call|>',
  "DeepSeek V3.2": `<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>\n<｜DSML｜parameter name="exact" string="false">true</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>`,
  "DeepSeek V4, without saying what is text": `<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city">Paris</｜DSML｜parameter>\n<｜DSML｜parameter name="days">3</｜DSML｜parameter>\n<｜DSML｜parameter name="exact">true</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>`,
  MiniMax: `<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Paris</parameter>\n<parameter name="days">3</parameter>\n<parameter name="exact">true</parameter>\n</invoke>\n</minimax:tool_call>`,
};

/** The same text in two pieces, at every place. */
const halves = (whole: string): string[][] =>
  Array.from({ length: whole.length + 1 }, (_, at) => [whole.slice(0, at), whole.slice(at)]);

for (const [family, leak] of Object.entries(leaks)) {
  test(`a call as ${family} writes it, in every cut`, () => {
    for (const chunks of [...halves(leak), Array.from(leak)]) assert.deepEqual(read(chunks), [call()]);
    for (const chunks of halves(`Let me see.\n${leak}`))
      assert.deepEqual(read(chunks), [text("Let me see.\n"), call()]);
  });
}

test("each family has its example", () => {
  for (const { open } of families)
    assert.ok(
      Object.values(leaks).some((leak) => leak.startsWith(open)),
      open,
    );
});

test("several calls, and text after them", () => {
  const one = leaks["Hermes"] ?? "";
  assert.deepEqual(read([`${one}\n${one}\nThat was all.`]), [call(), text("\n"), call(), text("\nThat was all.")]);
  const listed = `[TOOL_CALLS][{"name":"get_weather","arguments":${json}},{"name":"Stop","arguments":{}}]`;
  assert.deepEqual(read([listed]), [call(), call("Stop", {})]);
});

/** A call of `name`, as Hermes models write it. */
const named = (name: string): readonly Piece[] => read([`<tool_call>{"name":"${name}","arguments":{}}</tool_call>`]);

test("a name may differ in case, separators and namespace, and in nothing else", () => {
  for (const name of ["get-weather", "Get_Weather", "functions.get_weather", "get.weather"]) {
    assert.deepEqual(named(name), [call("get_weather", {})], name);
  }
  for (const name of ["read", "mcp__files__read", "mcp.files.read"]) {
    assert.deepEqual(named(name), [call("mcp__files__read", {})], name);
  }
  for (const name of ["get_wether", "weather", "getweather", "rea"]) assert.equal(named(name)[0]?.type, "text", name);
});

test("what tool_choice forbids is text", () => {
  const leak = leaks["Hermes"] ?? "";
  assert.deepEqual(read([leak], true, { type: "function", name: "Stop" }), [text(leak)]);
  assert.deepEqual(read([leak], true, { type: "function", name: "get_weather" }), [call()]);
  assert.deepEqual(read([leak], true, "none"), [text(leak)]);
});

test("a call that was cut is text; one that lacks nothing but its last mark is a call where the model stopped by itself", () => {
  for (const leak of Object.values(leaks)) {
    for (let at = 1; at < leak.length; at += 1) {
      const found = read([leak.slice(0, at)], false);
      assert.deepEqual(found.filter(({ type }) => type === "call").slice(1), []);
      if (found[0]?.type === "text") assert.deepEqual(found, [text(leak.slice(0, at))]);
    }
  }
  const unclosed = (leaks["Hermes"] ?? "").replace("</tool_call>", "");
  assert.deepEqual(read([unclosed]), [call()]);
  assert.deepEqual(read([unclosed], false), [text(unclosed)]);
  assert.deepEqual(read([unclosed.slice(0, -3)]), [text(unclosed.slice(0, -3))]);
});

const quotes: Readonly<Record<string, string>> = {
  "in a sentence": `It writes ${leaks["Hermes"]} then.`,
  "in code marks": `\`${leaks["Hermes, on one line"]}\``,
  "in a fence": `\`\`\`xml\n${leaks["Hermes"]}\n\`\`\`\n`,
  "in a longer fence that quotes a shorter": `~~~~\n~~~\n${leaks["GLM"]}\n~~~\n~~~~\n`,
  "in a fence that another mark does not close": `\`\`\`\n~~~\n${leaks["Kimi"]}\n`,
  "in a fence that words do not close": `\`\`\`\n\`\`\` no end\n${leaks["Kimi"]}\n`,
  "in an indented block": `For example:\n\n    ${leaks["Hermes, on one line"]}\n`,
  "behind a tab": `\t${leaks["Hermes, on one line"]}`,
  "in a quotation": `> ${leaks["Hermes, on one line"]}`,
  "in a list": `- ${leaks["Llama 3"]}`,
  "in a diff": `+${leaks["Hermes, on one line"]}`,
  "with words behind it": `${leaks["Hermes, on one line"]} is how it writes.`,
  "with words before its last mark": `<tool_call>{"name":"get_weather","arguments":{}}\nso it goes</tool_call>`,
  "with words where its last mark should be": `<tool_call>\n{"name":"get_weather","arguments":{}}\nThat is a call.`,
  "with words between its parts": `<minimax:tool_call>\nFirst\n<invoke name="Stop">\n</invoke>\n</minimax:tool_call>`,
  "in a fence behind the marks themselves": `<tool_call> is the mark. Two examples:\n\`\`\`\n${leaks["Hermes"]}\n${leaks["Hermes"]}\n\`\`\`\n`,
  "in a fence behind a line of another mark": `<function=name> opens it:\n\`\`\`\n${leaks["Qwen3-Coder, without its frame"]}\n\`\`\`\n`,
  "in a fence that begins behind words": `For example: \`\`\`xml\n${leaks["Hermes"]}\n\`\`\`\n`,
  "in a fence in a list": `- \`\`\`\n${leaks["Hermes"]}\n  \`\`\`\n`,
  "in a fence in a numbered list": `1. \`\`\`xml\n   ${leaks["Hermes, on one line"]}\n   \`\`\`\n`,
  "in a pre": `<pre>\n${leaks["Hermes"]}\n</pre>\n`,
  "in a comment": `<!-- so:\n${leaks["Hermes"]}\n-->\n`,
  "of a tool that is not there": `<tool_call>{"name": "launch", "arguments": {}}</tool_call>`,
  "without a name": `<tool_call>\nhere goes the call\n</tool_call>`,
  "a tag alone": "<tool_call>",
  "marks alone": "[TOOL_CALLS] is what Mistral writes.",
};
for (const [title, quote] of Object.entries(quotes)) {
  test(`a call that is only quoted stays text: ${title}`, () => {
    for (const chunks of [...halves(quote), Array.from(quote)]) assert.deepEqual(read(chunks), [text(quote)]);
  });
}

test("after a fence is closed calls count again", () => {
  for (const mark of ["```", "~~~", "````"]) {
    const before = `${mark}js\nconst a = 1;\n${mark}\n`;
    assert.deepEqual(read([before, leaks["Hermes"] ?? ""]), [text(before), call()]);
  }
});

test("code that ends leaves calls what they are: with CRLF, and within a line", () => {
  for (const before of [
    "```js\r\na\r\n```\r\n",
    "```x``` is code\n",
    "Use ```a``` and ```b```.\n",
    "see ```\na\n``` so\n",
  ]) {
    for (const chunks of [...halves(before), Array.from(before)]) {
      assert.deepEqual(read([...chunks, leaks["Hermes"] ?? ""]), [text(before), call()], before);
    }
  }
});

test("a call that follows what was none is a call, but not in a message about calls", () => {
  const leak = leaks["Hermes"] ?? "";
  assert.deepEqual(read([`<tool_call> begins it.\n${leak}`]), [text("<tool_call> begins it.\n"), call()]);
  const about = "<tool_call> begins it.\n".repeat(limits.leakMisses);
  assert.deepEqual(read([`${about}${leak}`]), [text(about + leak)]);
});

test("much text without a last mark is read once, however small its pieces", () => {
  const value = "x".repeat(1_000_000);
  const pieces = value.match(/.{1,4}/g) ?? [];
  const [head, tail] = ['<tool_call>{"name":"Stop","arguments":{"a":"', '"}}</tool_call>'];
  assert.deepEqual(read([head, ...pieces, tail]), [call("Stop", { a: value })]);
});

test("no text is lost or changed, whatever marks stand in it", () => {
  const marks = families.flatMap(({ open, close }) => [open, close ?? ""]);
  const piece = fc.oneof(
    fc.constantFrom(...marks, "\n", "```", "~~~~", "    ", " ", "{", "}", '"name"'),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 6 }), { maxLength: 8 }), fc.boolean(), (chunks, finished) => {
      const written = chunks.map((chunk) => chunk.join(""));
      assert.deepEqual(read(written, finished), written.join("") === "" ? [] : [text(written.join(""))]);
    }),
  );
});

test("what is held back is bounded, and text that cannot be a call leaves at once", () => {
  const offer = makeOffer(tools, [], "auto");
  const watch = new LeakWatch(offer, spellings(offer));
  assert.deepEqual(watch.push("Hello"), [text("Hello")]);
  assert.deepEqual(watch.push("\n<tool"), [text("\n")]);
  assert.deepEqual(watch.push("box>"), [text("<toolbox>")]);
  watch.push("\n<tool_call>");
  const long = "x".repeat(limits.callChars + 1);
  const [given] = watch.push(long);
  assert.ok(given?.type === "text" && given.text.length > limits.callChars);
});

test("a leaked call leaves as a call of the response, between the messages around it", async () => {
  const said = `Let me see.\n${leaks["Qwen3-Coder"]}\nNow wait.`;
  const { events } = await play(
    makeLine(() => says(...(said.match(/.{1,7}/gsu) ?? []))),
    { input: "x", tools },
  );
  const last = events.at(-1);
  assert.ok(last?.type === "response.completed");
  const { output, output_text } = last.response;
  assert.deepEqual(
    output.map(({ type }) => type),
    ["message", "function_call", "message"],
  );
  assert.deepEqual(JSON.parse(String(output[1]?.["arguments"])), args);
  assert.equal(output_text, "Let me see.\n\nNow wait.");
});

test("a leaked call whose arguments no one can mend is asked for again, and the text of it does not leave", async () => {
  const broken = `<tool_call>{"name": "get_weather", "arguments": {"city": "Par"is", "days"}}</tool_call>`;
  let turns = 0;
  const line = makeLine(() => says((turns += 1) === 1 ? broken : (leaks["Hermes"] ?? "")));
  const { events } = await play(line, { input: "x", tools });
  const last = events.at(-1);
  assert.ok(last?.type === "response.completed");
  assert.equal(turns, 2);
  assert.deepEqual(
    last.response.output.map((item) => [item.type, isFields(JSON.parse(String(item["arguments"])))]),
    [["function_call", true]],
  );
});
