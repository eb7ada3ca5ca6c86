/** Owns the tests of answers by models whose templates know no tools, or refuse a prompt. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { EngineMessage } from "../../../src/engine/engine.ts";
import { type Log, silentLog } from "../../../src/log.ts";
import { at } from "../../../src/spec/json.ts";
import { asking, poll, user, weather } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";
import { withEngine, writeScriptedModelWith } from "./engine.ts";

const never = new AbortController().signal;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "antiphon-templates-"));
});
after(() => rm(folder, { recursive: true }));

suite("other templates", { timeout: 120_000 }, () => {
  /** The form of an assistant's turn that the scripted model answers to. */
  const turns = `{%- for m in messages -%}{{- "<|im_start|>" + m.role + "\\n" + m.content + "<|im_end|>\\n" -}}{%- endfor -%}`;
  const opening = `{%- if add_generation_prompt -%}{{- "<|im_start|>assistant\\n" -}}{%- endif -%}`;

  test("a template without tools calls them by our own protocol", async () => {
    const modelPath = join(folder, "plain.gguf");
    await writeScriptedModelWith(turns + opening, modelPath);
    await withEngine({ modelPath, slots: 1 }, async ({ engine }) => {
      for (const toolChoice of ["auto", "required", { names: ["answer_poll"] }] as const) {
        const request = asking("[[tool]]", { tools: [weather, poll], toolChoice, parallelToolCalls: false });
        const { items, end } = await outcomeOf(engine.generate(request, never));
        assert.deepEqual(end, { kind: "finish", reason: "stop" });
        const name = typeof toolChoice === "object" ? "answer_poll" : "get_weather";
        assert.deepEqual(
          items.map(({ item }) => item),
          [{ type: "call", name }],
        );
      }
    });
  });

  test("a template that writes calls in tags gets them so, and its next prompt begins with what the model wrote", async () => {
    const modelPath = join(folder, "tags.gguf");
    const called =
      '{%- for c in m.tool_calls or [] -%}{{- "<tool_call>\\n<function=" + c.function.name + ">\\n" -}}' +
      '{%- for k, v in c.function.arguments.items() -%}{{- "<parameter=" + k + ">\\n" -}}' +
      '{{- v if v is string else v | tojson -}}{{- "\\n</parameter>\\n" -}}{%- endfor -%}' +
      '{{- "</function>\\n</tool_call>" -}}{%- endfor -%}';
    const tagged =
      '{%- if tools -%}{{- "<|im_start|>system\\n" + (tools | tojson) + "<|im_end|>\\n" -}}{%- endif -%}' +
      turns.replace("m.content +", `m.content -}}${called}{{-`);
    await writeScriptedModelWith(tagged + opening, modelPath);
    const told: unknown[] = [];
    const log: Log = { ...silentLog, info: (_message, fields) => told.push(at(fields, "tools")) };
    await withEngine({ modelPath, slots: 1, log }, async ({ engine }) => {
      const choice = { names: ["answer_poll"] };
      const rest = { tools: [weather, poll], toolChoice: choice, parallelToolCalls: false };
      const first = await outcomeOf(engine.generate(asking("Which?", rest), never));
      assert.ok(told.includes("native, as tags"), JSON.stringify(told));
      const [call] = first.items;
      assert.deepEqual([first.items.length, call?.item], [1, { type: "call", name: "answer_poll" }]);
      const args = JSON.parse(call?.text ?? "") as Record<string, unknown>;
      assert.ok(["yes", "no"].includes(String(args["choice"])) && typeof args["sure"] === "boolean", call?.text);
      const messages: EngineMessage[] = [
        user("Which?"),
        {
          role: "assistant",
          content: "",
          reasoning: null,
          calls: [{ id: "c", name: "answer_poll", arguments: call?.text ?? "" }],
        },
        { role: "tool", callId: "c", name: "answer_poll", content: [{ type: "text", text: "noted" }] },
      ];
      const second = await outcomeOf(engine.generate(asking(messages, { ...rest, toolChoice: "auto" }), never));
      const [one, two] = [first.usage, second.usage];
      assert.ok(one && two && two.cached >= one.input + one.output - 1, JSON.stringify([one, two]));
    });
  });

  test("an effort that the template does not know is left out", async () => {
    const modelPath = join(folder, "efforts.gguf");
    const picky = `{%- if reasoning_effort and reasoning_effort != "high" -%}{{ raise_exception("unknown effort") }}{%- endif -%}`;
    await writeScriptedModelWith(picky + turns + opening, modelPath);
    await withEngine({ modelPath, slots: 1 }, async ({ engine }) => {
      for (const effort of ["high", "medium", "of my own"]) {
        const { end } = await outcomeOf(engine.generate(asking("hi", { effort }), never));
        assert.deepEqual(end, { kind: "finish", reason: "stop" }, effort);
      }
    });
  });

  test("a template that refuses the prompt's shape fails before anything else is said", async () => {
    const modelPath = join(folder, "strict.gguf");
    const strict = `{%- if messages[0].role == "system" -%}{{ raise_exception("No system role") }}{%- endif -%}${turns}${opening}`;
    await writeScriptedModelWith(strict, modelPath);
    await withEngine({ modelPath, slots: 1 }, async ({ engine }) => {
      const messages: EngineMessage[] = [{ role: "system", content: [{ type: "text", text: "x" }] }, user("hi")];
      const { items, end } = await outcomeOf(engine.generate(asking(messages), never));
      assert.deepEqual(items, []);
      assert.ok(end?.kind === "fail");
      assert.equal(end.failure.code, "template");
      assert.match(end.failure.message, /No system role/);
      assert.equal((await engine.countTokens(asking(messages))).exact, false);
      assert.deepEqual((await outcomeOf(engine.generate(asking("hi"), never))).end, { kind: "finish", reason: "stop" });
    });
  });
});
