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

/** Stands behind the gate and watches the last message of an answer without calls. */
export class FormatGate {
  readonly #format: OutputFormat;
  readonly #held: boolean;
  /** Deltas of the message that may be the last: all of them, or its close, where the rest has left. */
  #pending: ItemDelta[] = [];
  #inMessage = false;
  #text = "";
  #calls = false;

  /** `held`: nothing of a message leaves before it is whole. */
  constructor(format: OutputFormat, held: boolean) {
    this.#format = format;
    this.#held = held;
  }

  push(deltas: Iterable<ItemDelta>): Iterable<ItemDelta> {
    return this.#format.type === "text" ? deltas : this.#watch(deltas);
  }

  /** What is wrong with the answer; null where nothing is. Asked once all has been pushed. */
  get fault(): Fault | null {
    if (this.#pending.length === 0 || this.#calls) return null;
    const problem = problemWith(plain(this.#text), this.#format);
    if (problem === null) return null;
    return {
      hint: `[Your answer is not as it must be: ${problem}. Answer again, with nothing but the JSON.]`,
      instead: () => this.#closed("incomplete"),
      message: `The model's answer is not as 'text.format' demands: ${problem}.`,
      late: !this.#held,
    };
  }

  /** What was held back, right or wrong. */
  rest(): Iterable<ItemDelta> {
    const [last] = this.#pending.slice(-1);
    const status = last?.kind === "close" ? last.status : "incomplete";
    return this.#calls || status !== "completed" ? this.#pending.splice(0) : this.#closed(status);
  }

  *#watch(deltas: Iterable<ItemDelta>): Generator<ItemDelta> {
    for (const delta of deltas) {
      if (delta.kind === "open") {
        yield* this.#pending.splice(0);
        this.#inMessage = delta.item.type === "message";
        this.#calls ||= !this.#inMessage && delta.item.type !== "reasoning";
        this.#text = "";
      }
      if (this.#inMessage && delta.kind === "text") this.#text += delta.text;
      if (this.#inMessage && (this.#held || delta.kind === "close")) this.#pending.push(delta);
      else yield delta;
    }
  }

  /** The message as it shall leave; a held one without what models put around JSON. */
  #closed(status: "completed" | "incomplete"): Iterable<ItemDelta> {
    const pending = this.#pending.splice(0);
    const [open] = pending;
    if (open?.kind !== "open") return pending.length === 0 ? [] : [{ kind: "close", status }];
    const said = plain(this.#text);
    if (said === this.#text) return [...pending.slice(0, -1), { kind: "close", status }];
    return [open, { kind: "text", channel: "output_text", text: said }, { kind: "close", status }];
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
