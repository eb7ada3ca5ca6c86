/** Owns the chat template of a model: who renders it, what it can do, and the prompt it makes of a request. */
import type { EngineRequest } from "../engine.ts";
import { readTagged } from "../format/leaks.ts";
import { callTags } from "../format/marker.ts";
import type { CallTags } from "../grammar/answer.ts";
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
  readonly traits: TemplateTraits;
  readonly #renderer: Renderer;
  /** `bos_token` and the like. */
  readonly #constants: Readonly<Record<string, unknown>>;

  /** Throws where the template does not compile. */
  constructor(source: string, RendererType: RendererClass, constants: Readonly<Record<string, unknown>>) {
    this.source = source;
    this.#renderer = new RendererType(source);
    this.#constants = constants;
    this.traits = this.#probe();
  }

  /** The prompt for `request`, with the shield's seams in it; throws `TemplateError`. */
  render(request: EngineRequest, shield: Shield): string {
    const { messages, tools, effort, extra, format } = request;
    const shielded = { ...request, ...shield.protect({ messages, tools, effort, extra, format }) };
    try {
      return this.#render(templateVariables(shielded, this.traits));
    } catch (error) {
      if (effort === null) throw error;
      // Some know no effort but their own two or three, and refuse the whole thread for another.
      return this.#render(templateVariables({ ...shielded, effort: null }, this.traits));
    }
  }

  #render(variables: Readonly<Record<string, unknown>>): string {
    try {
      return this.#renderer.render({ ...fieldsFor(variables), ...this.#constants });
    } catch (error) {
      throw new TemplateError(reasonOf(error), { cause: error });
    }
  }

  /** What the template writes around the parts of a call in tags; null where our reader would not read it. */
  #tags(variables: Readonly<Record<string, unknown>>): CallTags | null {
    let rendered: string;
    try {
      rendered = this.#render({ add_generation_prompt: true, ...variables });
    } catch {
      return null;
    }
    const [call, before = "", first = "", beforeValue = "", between = "", _, last = ""] =
      // Heads of prompts show an example before it.
      partsOfCall.exec(rendered.slice(Math.max(0, rendered.lastIndexOf(callTags.open)))) ?? [];
    if (call === undefined) return null;
    const inner = call.slice(callTags.open.length, -callTags.close.length);
    const read = readTagged(inner, (_tool, _argument, written) => written);
    if (read?.arguments !== '{"probe_one":"first value","probe_two":"second value"}') return null;
    const beforeKey = commonEnd(first, between);
    const afterValue = between.slice(0, between.length - beforeKey.length);
    if (!last.startsWith(afterValue) || first !== beforeKey || afterValue === "") return null;
    return { before, beforeKey, beforeValue, afterValue, end: last.slice(afterValue.length) };
  }

  /** Renders something known and looks what became of it, as llama.cpp does to tell the families of templates apart. */
  #probe(): TemplateTraits {
    const hermes = `${callTags.open}\n{"name": "probe_name", "arguments": {"probe": "value"}}\n${callTags.close}`;
    const shows = (variables: Readonly<Record<string, unknown>>, ...texts: readonly string[]): boolean => {
      try {
        const rendered = this.#render({ add_generation_prompt: true, ...variables });
        return texts.every((text) => rendered.includes(text));
      } catch {
        return false;
      }
    };
    const user = { role: "user", content: "probe question" };
    const withCall = (args: unknown): Readonly<Record<string, unknown>> => ({
      messages: [user, calling(args), probeResult],
      tools: [probeTool],
    });
    const textAndCall = { ...calling({ probe: "value" }), content: "probe words" };
    const json = shows(withCall({ probe: "value" }), hermes, "probe description", "probe result");
    const told = shows(withCall({ probe: "value" }), "probe description", "probe result");
    const tags = json || !told ? null : this.#tags(withCall({ probe_one: "first value", probe_two: "second value" }));
    return {
      tools: json || tags !== null ? "native" : "prompted",
      tags,
      argumentsAsText: shows(withCall('{"probe": "value"}'), hermes),
      textWithCalls: shows(
        { messages: [user, textAndCall, probeResult], tools: [probeTool] },
        "probe words",
        "probe_name",
      ),
      system: shows({ messages: [{ role: "system", content: "probe system" }, user] }, "probe system"),
    };
  }
}

/** Around the parts of a call with two arguments. */
const partsOfCall = new RegExp(
  `^${callTags.open}([^]*?)probe_name([^]*?)probe_one([^]*?)first value([^]*?)probe_two([^]*?)second value([^]*?)${callTags.close}`,
);

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

const probeResult = { role: "tool", tool_call_id: "call_1", name: "probe_name", content: "probe result" };

function calling(args: unknown): Readonly<Record<string, unknown>> {
  const call = { id: "call_1", type: "function", function: { name: "probe_name", arguments: args } };
  return { role: "assistant", content: "", tool_calls: [call] };
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
