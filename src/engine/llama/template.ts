/** Owns the chat template of a model: who renders it, what it can do, and the prompt it makes of a request. */
import type { EngineRequest } from "../engine.ts";
import { readInvoked, readTagged, type ValueOf } from "../format/tags.ts";
import {
  type AnswerForm,
  type CallForm,
  type CallFrame,
  type CallMarks,
  type CallTags,
  harmony,
  callFrames,
  gemmaFrame,
  plainForm,
  taggedMarks,
  thinkForms,
  thinkTags,
} from "../format/forms.ts";
import { callLead, note } from "../format/notation.ts";
import type { Renderer } from "./binding.ts";
import { templateVariables, type TemplateTraits } from "./messages.ts";
import type { Shield } from "./shield.ts";

type RendererClass = new (template: string) => Renderer;

/** For models that bring no template; most of those were trained on this form. */
export const chatMl = `
{%- for message in messages -%}
{{- "<|im_start|>" + message.role + "\\n" + message.content + "<|im_end|>\\n" -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- "<|im_start|>assistant\\n" -}}{%- endif -%}`;

/** Why a prompt could not be rendered, in the template's words. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

export class ChatTemplate {
  readonly source: string;
  readonly form: AnswerForm;
  readonly traits: TemplateTraits;
  readonly #renderer: Renderer;
  /** `bos_token` and the like. */
  readonly #constants: Readonly<Record<string, unknown>>;

  /** Throws where the template does not compile. */
  constructor(source: string, RendererType: RendererClass, constants: Readonly<Record<string, unknown>>) {
    this.source = source;
    this.#renderer = new RendererType(source);
    this.#constants = constants;
    const proof = this.#proveForm();
    const thinking = thinkForms.find(({ open }) => source.includes(open)) ?? thinkTags;
    this.form = { thinking, calls: proof?.form ?? plainForm.calls };
    this.traits = this.#probe(proof);
  }

  /** Whether it has a way to show thinking, or to ask for it. */
  get reasons(): boolean {
    return (
      /enable_thinking|reasoning_content|reasoning_effort/.test(this.source) ||
      this.source.includes(this.form.thinking.open)
    );
  }

  /** Whether `prompt` ends inside of thinking that the template opened. */
  beganThinking(prompt: string): boolean {
    return prompt.trimEnd().endsWith(this.form.thinking.open);
  }

  /** The prompt for `request`, with the shield's seams in it; throws `TemplateError`. */
  render(request: EngineRequest, shield: Shield): string {
    const { messages, tools, effort, extra, format } = request;
    const shielded = { ...request, ...shield.protect({ messages, tools, effort, extra, format }) };
    const prompt = this.#renderAtAnyEffort(shielded);
    if (messages[0]?.role === "system" && !this.traits.system)
      throw new TemplateError("It shows a system message not at the beginning, or not at all.");
    return prompt;
  }

  /** Some know no effort but their own two or three, and refuse the whole thread for another. */
  #renderAtAnyEffort(request: EngineRequest): string {
    try {
      return this.#render(templateVariables(request, this.traits));
    } catch (error) {
      if (request.effort === null) throw error;
      return this.#render(templateVariables({ ...request, effort: null }, this.traits));
    }
  }

  #render(variables: Readonly<Record<string, unknown>>): string {
    try {
      return this.#renderer.render({ ...fieldsFor(variables), ...this.#constants });
    } catch (error) {
      throw new TemplateError(reasonOf(error), { cause: error });
    }
  }

  /** The form in which it writes calls, with a text that shows it; null where we would not read it, or it tells no tools. */
  #proveForm(): Proof | null {
    const call = withCall({ probe: "value" });
    const thread = { messages: [...call.messages, ...spoken.slice(1)], tools: [probeTool] };
    if (!this.#leads("probe description", thread) || !this.#shows(thread, "probe result")) return null;
    const proof = proofs.find(({ text }) => this.#shows(call, text ?? ""));
    if (proof !== undefined) return proof;
    for (const marks of taggedMarks) {
      const tags = this.#tags(marks);
      if (tags !== null) return { form: { type: "tags", marks, tags }, text: null };
    }
    return null;
  }

  /** Whether it shows `text` before what the user says: behind a later message it would move with every turn. */
  #leads(text: string, variables: Readonly<Record<string, unknown>>): boolean {
    const rendered = this.#try(variables) ?? "";
    const at = rendered.indexOf(text);
    return at !== -1 && at < rendered.indexOf(user.content);
  }

  /** What the template writes around the parts of a call in tags; null where our reader would not read it. */
  #tags(marks: CallMarks): CallTags | null {
    const inner = this.#between(withCall({ probe_one: "first value", probe_two: "second value" }), marks);
    const [call, before = "", first = "", beforeText = "", between = "", _, last = ""] = partsOfCall.exec(inner) ?? [];
    if (call === undefined) return null;
    const read = marks.together
      ? readInvoked(inner, asWritten)
      : readTagged(inner, asWritten, beforeText.endsWith("\n") ? "usually" : "never");
    if (read?.arguments !== '{"probe_one":"first value","probe_two":"second value"}') return null;
    const [beforeKey = ""] = /\s*<[^<]*$/.exec(commonEnd(first, between)) ?? [];
    const afterName = first.slice(0, first.length - beforeKey.length);
    const afterValue = between.slice(0, between.length - beforeKey.length);
    if (beforeKey === "" || afterValue === "" || !last.startsWith(afterValue)) return null;
    const [, beforeJson = beforeText] =
      /probe_one([^]*?)12345/.exec(this.#between(withCall({ probe_one: 12345 }), marks)) ?? [];
    return { before, afterName, beforeKey, beforeText, beforeJson, afterValue, end: last.slice(afterValue.length) };
  }

  /** What it shows between the last `marks`: heads of prompts show an example before. */
  #between(variables: Readonly<Record<string, unknown>>, { open, close }: CallMarks): string {
    const rendered = this.#try(variables) ?? "";
    const at = rendered.lastIndexOf(open);
    return at === -1 ? "" : rendered.slice(at + open.length, rendered.indexOf(close, at));
  }

  /** Renders something known and looks what became of it, as llama.cpp does to tell the families of templates apart. */
  #probe(proof: Proof | null): TemplateTraits {
    const textAndCall = { ...calling({ probe: "value" }), content: "probe words" };
    const tools = [probeTool];
    return {
      calls: proof?.form ?? null,
      argumentsAsText: typeof proof?.text === "string" && this.#shows(withCall('{"probe": "value"}'), proof.text),
      textWithCalls: this.#saysBefore({ messages: [user, textAndCall, probeResult, ...spoken.slice(1)], tools }),
      callsTogether: this.#shows(
        { messages: [user, calling({ probe: "first value" }, { probe: "second value" }), probeResult], tools },
        "first value",
        "second value",
      ),
      system: this.#leads("probe system", { messages: [{ role: "system", content: "probe system" }, ...spoken] }),
    };
  }

  /** Whether it shows what was said with a call: gpt-oss' drops it when it is no longer the last, Gemma's puts it behind the result. */
  #saysBefore(variables: Readonly<Record<string, unknown>>): boolean {
    const rendered = this.#try(variables) ?? "";
    const at = rendered.indexOf("probe words");
    return at !== -1 && at < rendered.lastIndexOf("probe result");
  }

  #shows(variables: Readonly<Record<string, unknown>>, ...texts: readonly string[]): boolean {
    const rendered = this.#try(variables);
    return rendered !== null && texts.every((text) => rendered.includes(text));
  }

  #try(variables: Readonly<Record<string, unknown>>): string | null {
    try {
      return this.#render({ add_generation_prompt: true, ...variables });
    } catch {
      return null;
    }
  }
}

/** A form of calls, and what the probe's call looks like in it, where that is known. */
interface Proof {
  readonly form: CallForm;
  readonly text: string | null;
}

const probeArguments = '{"probe": "value"}';
const proofs: readonly Proof[] = [
  {
    form: { type: "harmony" },
    text: ` to=functions.probe_name${harmony.channel}commentary json${harmony.message}${probeArguments}${harmony.call}`,
  },
  {
    form: { type: "noted", frame: gemmaFrame },
    text: gemmaFrame.open + callLead + "probe_name" + note({ probe: "value" }) + gemmaFrame.close,
  },
  ...Object.values<CallFrame>(callFrames).map((frame): Proof => {
    const { open, lead, numbered, afterName, end, close } = frame;
    const name = `probe_name${numbered ? ":0" : ""}`;
    return { form: { type: "json", frame }, text: open + lead + name + afterName + probeArguments + end + close };
  }),
];

/** Around the parts of a call with two arguments. */
const partsOfCall = /^([^]*?)probe_name([^]*?)probe_one([^]*?)first value([^]*?)probe_two([^]*?)second value([^]*)$/;

const asWritten: ValueOf = (_tool, _argument, written) => JSON.stringify(written);

/** The longest end that both have. */
function commonEnd(one: string, other: string): string {
  let length = 0;
  while (length < Math.min(one.length, other.length) && one.at(-1 - length) === other.at(-1 - length)) length += 1;
  return one.slice(one.length - length);
}

const probeTool = {
  type: "function",
  function: {
    name: "probe_name",
    description: "probe description",
    parameters: { type: "object", properties: { probe: { type: "string" } }, required: ["probe"] },
  },
};

const user = { role: "user", content: "probe question" };
const spoken = [user, { role: "assistant", content: "probe end" }, user];
const probeResult = { role: "tool", tool_call_id: "call_1", name: "probe_name", content: "probe result" };

function calling(...calls: readonly unknown[]): Readonly<Record<string, unknown>> {
  const written = calls.map((args) => ({
    id: "call_1",
    type: "function",
    function: { name: "probe_name", arguments: args },
  }));
  return { role: "assistant", content: "", tool_calls: written };
}

function withCall(args: unknown): { readonly messages: readonly unknown[]; readonly tools: readonly unknown[] } {
  return { messages: [user, calling(args), probeResult], tools: [probeTool] };
}

/** Whether `RendererType` renders what templates use; the one inside llama.cpp is not a public interface. */
export function rendersWell(RendererType: RendererClass): boolean {
  const template =
    "{%- for message in messages -%}{%- if loop.first -%}{{ bos_token }}{%- endif -%}" +
    "<{{ message.role }}>{{ message['content'] | trim }}{{ message.calls | tojson }}{%- endfor -%}";
  try {
    const rendered = new RendererType(template).render({
      bos_token: "<s>",
      messages: [
        { role: "user", content: " a\n", calls: [{ b: 1, c: null }] },
        { role: "assistant", content: "é", calls: [] },
      ],
    });
    return rendered === '<s><user>a[{"b": 1, "c": null}]<assistant>é[]';
  } catch {
    return false;
  }
}

/** Whole numbers from here on are beyond llama.cpp's renderer, but not beyond schemas: Rust's and Go's name 2^64 - 1. */
const beyond = 2 ** 63;

/** Variables that the renderer can take: a number that it cannot is shown as text. */
function fieldsFor(variables: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, valueFor(value)]));
}

function valueFor(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) && Math.abs(value) >= beyond ? String(value) : value;
  if (Array.isArray(value)) return value.map(valueFor);
  return typeof value === "object" && value !== null ? fieldsFor({ ...value }) : value;
}

/** llama.cpp puts a trace before the reason. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.trim().split("\n").at(-1) ?? "").replace(/^Error: (?:Jinja Exception: )?/, "").slice(0, 300);
}
