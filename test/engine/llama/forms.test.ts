/** Owns the tests of models whose calls have marks of their own, which are control tokens, from the prompt to the items. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { callFrames, type CallFrame, gemmaFrame, harmony } from "../../../src/engine/format/forms.ts";
import { stringMark } from "../../../src/engine/format/notation.ts";
import { type Log, silentLog } from "../../../src/log.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { at } from "../../../src/spec/json.ts";
import { asking, poll, weather } from "../asking.ts";
import { outcomeOf } from "../grammar.ts";
import { withEngine } from "./engine.ts";

const never = new AbortController().signal;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "antiphon-forms-"));
});
after(() => rm(folder, { recursive: true }));

/** A template that writes a call as `written`, an expression in which `c` is the function that is called. */
function templateWith(written: string): string {
  const args = "(c.arguments if c.arguments is string else c.arguments | tojson)";
  return templateSaying(`{{- ${written.replace("ARGUMENTS", args)} -}}`);
}

/** The same with any statements for a call. */
function templateSaying(call: string): string {
  return [
    '{%- if tools -%}{{- "<|im_start|>system\\n" + (tools | tojson) + "<|im_end|>\\n" -}}{%- endif -%}',
    '{%- for m in messages -%}{{- "<|im_start|>" + m.role + "\\n" + m.content -}}',
    `{%- for t in m.tool_calls or [] -%}{%- set c = t.function -%}${call}{%- endfor -%}`,
    '{{- "<|im_end|>\\n" -}}{%- endfor -%}',
    '{%- if add_generation_prompt -%}{{- "<|im_start|>assistant\\n" -}}{%- endif -%}',
  ].join("");
}

interface Sample {
  readonly template: string;
  readonly marks: readonly string[];
  readonly told: string;
}

function framed({ open, lead, numbered, afterName, end, close }: CallFrame): Sample {
  const [before, between, behind] = [open + lead, (numbered ? ":0" : "") + afterName, end + close];
  const written = `${JSON.stringify(before)} + c.name + ${JSON.stringify(between)} + ARGUMENTS + ${JSON.stringify(behind)}`;
  const marks = (before + between + behind).match(/<\|\w+\|>|<｜[^｜]+｜>|\[[A-Z_]+\]/g) ?? [];
  return { template: templateWith(written), marks, told: "native, as json" };
}

/** Calls in tags, in a block named `block`; `mark` stands before each tag's name, `kind` tells text from other values. */
function invoked(block: string, mark: string, kind: string): string {
  return (
    `{{- '<${block}>\\n<${mark}invoke name="' + c.name + '">' -}}{%- for key, value in c.arguments | items -%}` +
    `{{- '\\n<${mark}parameter name="' + key + '"' + ${kind} + '>' -}}` +
    `{{- value if value is string else value | tojson -}}{{- '</${mark}parameter>' -}}` +
    `{%- endfor -%}{{- '\\n</${mark}invoke>\\n</${block}>' -}}`
  );
}

const samples: Readonly<Record<string, Sample>> = {
  mistral: framed(callFrames.mistral),
  kimi: framed(callFrames.kimi),
  deepseek: framed(callFrames.deepseek),
  gigachat: framed(callFrames.gigachat),
  gemma: {
    template: templateSaying(
      '{{- "<|tool_call>call:" + c.name + "{" -}}{%- for key, value in c.arguments | items -%}' +
        "{{- key + \":\" -}}{%- if value is string -%}{{- '<|\"|>' + value + '<|\"|>' -}}{%- else -%}{{- value | tojson -}}{%- endif -%}" +
        '{%- if not loop.last -%}{{- "," -}}{%- endif -%}{%- endfor -%}{{- "}<tool_call|>" -}}',
    ),
    marks: [gemmaFrame.open, gemmaFrame.close, stringMark],
    told: "native, as noted",
  },
  minimax: {
    template: templateSaying(invoked("minimax:tool_call", "", "''")),
    marks: ["<minimax:tool_call>", "</minimax:tool_call>"],
    told: "native, as tags",
  },
  "deepseek, in tags": {
    template: templateSaying(
      invoked("｜DSML｜tool_calls", "｜DSML｜", `(' string="true"' if value is string else ' string="false"')`),
    ),
    marks: ["｜DSML｜"],
    told: "native, as tags",
  },
  harmony: {
    template: templateWith(
      '" to=functions." + c.name + "<|channel|>commentary json<|message|>" + ARGUMENTS + "<|call|>"',
    ),
    marks: Object.values(harmony),
    told: "native, as harmony",
  },
};

suite("forms of calls whose marks are control tokens", { timeout: 120_000 }, () => {
  for (const [name, { template, marks, told }] of Object.entries(samples)) {
    test(`${name}: a forced call, an answer that fits a schema, and free text`, async () => {
      assert.ok(marks.length > 0);
      const modelPath = join(folder, `${name}.gguf`);
      await writeScriptedModel(modelPath, { template, marks });
      const forms: unknown[] = [];
      const log: Log = { ...silentLog, info: (_message, fields) => forms.push(at(fields, "tools")) };
      await withEngine({ modelPath, slots: 1, log }, async ({ engine }) => {
        const rest = { tools: [weather, poll], toolChoice: { names: ["answer_poll"] }, parallelToolCalls: false };
        const { items, end } = await outcomeOf(engine.generate(asking("Which?", rest), never));
        assert.ok(forms.includes(told), JSON.stringify(forms));
        assert.deepEqual(end, { kind: "finish", reason: "stop" });
        assert.deepEqual(
          items.map(({ item }) => item),
          [{ type: "call", name: "answer_poll" }],
        );
        const { choice, sure } = JSON.parse(items[0]?.text ?? "") as Record<string, unknown>;
        assert.ok(["yes", "no"].includes(String(choice)) && typeof sure === "boolean", items[0]?.text);

        const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
        const format = { type: "json_schema", name: "x", schema, strict: true } as const;
        const fitting = await outcomeOf(engine.generate(asking("Fits?", { format }), never));
        const answer = fitting.items.find(({ item }) => item.type === "message");
        assert.equal(typeof at(JSON.parse(answer?.text ?? ""), "ok"), "boolean");

        const free = await outcomeOf(engine.generate(asking("hi"), never));
        assert.deepEqual(
          free.items.map(({ item }) => item),
          [{ type: "message" }],
        );
      });
    });
  }
});
