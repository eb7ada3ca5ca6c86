/**
 * Owns what a client wants its answer to be: JSON, or JSON that fits a schema. Where the engine does not see to that itself,
 * an answer leaves when it is whole and right; a wrong one can be asked for again.
 */
import type { OutputFormat } from "../engine/engine.ts";
import { misfit } from "../spec/fits.ts";
import { isFields, parse } from "../spec/json.ts";
import type { Fault } from "./calls.ts";
import type { ItemDelta } from "./machine.ts";
import { repairJson } from "./repair.ts";

interface Held {
  readonly delta: ItemDelta;
  readonly ofMessage: boolean;
}

/** Stands behind the gate and watches the text of an answer without calls: of all its messages, as clients join them. */
export class FormatGate {
  readonly #format: OutputFormat;
  readonly #held: boolean;
  /** From the first message on; where its text has left, from its close on. */
  #pending: Held[] = [];
  #inMessage = false;
  #messages = 0;
  #text = "";
  #calls = false;

  /** `held`: nothing of a message leaves before the answer is whole. */
  constructor(format: OutputFormat, held: boolean) {
    this.#format = format;
    this.#held = held;
  }

  push(deltas: Iterable<ItemDelta>): Iterable<ItemDelta> {
    return this.#format.type === "text" ? deltas : this.#watch(deltas);
  }

  /** What is wrong with the answer; null where nothing is. Asked once all has been pushed. */
  get fault(): Fault | null {
    if (this.#messages === 0 || this.#calls || this.#format.type === "text") return null;
    const problem = problemWith(plain(this.#text), this.#format);
    if (problem === null) return null;
    return {
      hint: `[Your answer is not as it must be: ${problem}. Answer again, with nothing but the JSON.]`,
      instead: () => this.#ended("incomplete"),
      message: `The model's answer is not as 'text.format' demands: ${problem}.`,
      late: !this.#held,
    };
  }

  /** Whether there is an answer already, as it must be. */
  get fits(): boolean {
    return this.#messages > 0 && this.#format.type !== "text" && this.fault === null;
  }

  /** What was held back, right or wrong. */
  rest(): Iterable<ItemDelta> {
    const whole = this.#pending.some(({ delta }) => delta.kind === "close" && delta.status === "completed");
    return this.#calls || !whole ? this.#released() : this.#ended("completed");
  }

  /** The model is asked again: what was held back is dropped, what is half sent is closed. */
  retreat(): Iterable<ItemDelta> {
    const released = this.#released();
    return this.#held ? [] : released;
  }

  *#watch(deltas: Iterable<ItemDelta>): Generator<ItemDelta> {
    for (const delta of deltas) {
      if (delta.kind === "open") {
        this.#inMessage = delta.item.type === "message";
        this.#calls ||= !this.#inMessage && delta.item.type !== "reasoning";
        if (this.#inMessage) this.#messages += 1;
        if (this.#calls || (this.#inMessage && !this.#held)) yield* this.#released();
      }
      if (this.#inMessage && delta.kind === "text") this.#text += delta.text;
      const holds = this.#inMessage && (this.#held || delta.kind === "close");
      if (!this.#calls && (holds || this.#pending.length > 0)) this.#hold(delta);
      else yield delta;
    }
  }

  /** Text with the text before it, so that what is released at once is no more than a few pieces. */
  #hold(delta: ItemDelta): void {
    const before = this.#pending.at(-1)?.delta;
    const joins = before?.kind === "text" && delta.kind === "text" && before.channel === delta.channel;
    if (!joins || before.logprobs || delta.logprobs) this.#pending.push({ delta, ofMessage: this.#inMessage });
    else
      this.#pending[this.#pending.length - 1] = {
        delta: { ...before, text: before.text + delta.text },
        ofMessage: this.#inMessage,
      };
  }

  #released(): readonly ItemDelta[] {
    return this.#pending.splice(0).map(({ delta }) => delta);
  }

  /** What was held back as it shall leave: a single message without what models put around JSON, an incomplete one last. */
  *#ended(status: "completed" | "incomplete"): Generator<ItemDelta> {
    const said = plain(this.#text);
    const mended = this.#held && this.#messages === 1 && said !== this.#text;
    const held = this.#pending.splice(0);
    const last = held.findLastIndex(({ delta, ofMessage }) => ofMessage && delta.kind === "close");
    for (const { delta, ofMessage } of status === "incomplete" ? held.slice(0, last) : held) {
      if (!ofMessage || !mended || delta.kind !== "text") yield delta;
      if (ofMessage && mended && delta.kind === "open") yield { kind: "text", channel: "output_text", text: said };
    }
    if (status === "incomplete" && last !== -1) yield { kind: "close", status };
  }
}

function problemWith(text: string, format: OutputFormat): string | null {
  const value = parse(text);
  if (value === undefined) return "it is no JSON";
  if (format.type === "json_schema") return misfit(value, format.schema);
  return isFields(value) ? null : "it is no JSON object";
}

/** JSON without the fence around it, mended where that is sure; other text as it is. */
function plain(text: string): string {
  return parse(text) === undefined ? (repairJson(text) ?? text) : text;
}
