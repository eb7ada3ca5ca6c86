/**
 * Owns the gate between an engine's deltas and the machine: holds every call back until it is whole and lawful, gives it
 * its wire form, and opens messages and thinking only when there is text to show.
 */
import type { Delta, Logprob } from "../engine/engine.ts";
import { limits } from "../limits.ts";
import { channels } from "../spec/channels.ts";
import { LeakWatch, type Piece, spellings, type Spellings } from "./leaks.ts";
import type { ItemDelta } from "./machine.ts";
import type { Offer, OfferedTool } from "./offer.ts";
import { unanswered } from "./content.ts";
import { messageOf, newMessage, newReasoning, publish, wireFields, wireLogprob } from "./publish.ts";

export interface GateOptions {
  /** False: the first call is the only one. */
  readonly parallel: boolean;
  /** Thinking streams as the summary, the only form most clients show; the raw text follows whole. */
  readonly summary: boolean;
  /** Makes the `encrypted_content` of thinking; null where the client wants none. */
  readonly seal: ((text: string) => string) | null;
}

/** A message or thinking; not published before it has text that is more than white space. */
interface Prose {
  readonly type: "message" | "reasoning";
  /** What was held back, and of thinking all of it. */
  text: string;
  readonly logprobs: unknown[];
  published: boolean;
  /** Looks for calls in it; null where none can be. */
  readonly watch: LeakWatch | null;
}

interface HeldCall {
  readonly name: string;
  text: string;
}

/** What a model did wrong, and may do better when it is asked again. */
export interface Fault {
  /** What it is told then. */
  readonly hint: string;
  /** What leaves in its stead when it does no better. */
  readonly instead: () => Iterable<ItemDelta>;
  /** Why the response fails then, for people; null where it can stand. */
  readonly message: string | null;
  /** It has left already: nothing is gained by asking again. */
  readonly late?: boolean;
}

/** Too much of anything is a fault of the engine, but for text: that is cut, as a limit of the client's own would. */
export type Overflow =
  | { readonly code: "server_error"; readonly message: string }
  | { readonly code: "finish"; readonly reason: "length" };

type OpenDelta = Extract<Delta, { kind: "open" | "text" | "close" }>;

export class CallGate {
  readonly #offer: Offer;
  readonly #options: GateOptions;
  /** Under which a call may stand in a text; null where none may. */
  readonly #names: Spellings | null;
  readonly #prose = new Map<number, Prose>();
  readonly #calls = new Map<number, HeldCall>();
  /** Text of the messages so far, and of the thinking. */
  readonly #said = { message: "", reasoning: "" };
  #published = 0;
  #chars = 0;
  #overflow: Overflow | null = null;
  #cut = false;
  #fault: Fault | null = null;

  constructor(offer: Offer, options: GateOptions) {
    this.#offer = offer;
    this.#options = options;
    this.#names = offer.tools.size === 0 || offer.choice === "none" ? null : spellings(offer);
  }

  /** How an answer ends that goes beyond all bounds; null while it does not. Nothing more of it is wanted then. */
  get overflow(): Overflow | null {
    return this.#overflow;
  }

  /** Whether the engine left items open. */
  get cut(): boolean {
    return this.#cut;
  }

  /** What is wrong with the answer of an engine that stopped by itself; null where nothing is. */
  get fault(): Fault | null {
    const { choice } = this.#offer;
    if (this.#fault !== null || this.#published > 0) return this.#fault;
    if (choice !== "auto" && choice !== "none") {
      const names = [...this.#callable()];
      return { hint: `[Now call one of these tools: ${names.join(", ")}.]`, instead: () => [], message: uncalled };
    }
    return this.#said.message.trim() === "" ? silence : null;
  }

  /** The answer so far, as the model is shown it when it is asked again. */
  get said(): { readonly message: string; readonly reasoning: string } {
    return this.#said;
  }

  push(delta: OpenDelta): Iterable<ItemDelta> {
    if (this.#overflow !== null || this.#fault !== null) return [];
    switch (delta.kind) {
      case "open":
        this.#open(delta.key, delta.item);
        return [];
      case "text":
        return this.#text(delta.key, delta.text, delta.logprobs);
      case "close":
        return this.#close(delta.key);
    }
  }

  /** The stream is over: what the engine left open was cut, and leaves as incomplete. After a cut call nothing follows. */
  *end(): Generator<ItemDelta> {
    // After a fault nothing was heard of what the engine closed.
    this.#cut = this.#fault === null && this.#prose.size + this.#calls.size > 0;
    for (const prose of this.#prose.values()) {
      yield* this.#watched(prose, prose.watch?.end(false) ?? []);
      yield* this.#closeProse(prose, "incomplete");
    }
    this.#prose.clear();
    const [cut] = this.#calls.values();
    if (cut && this.#fault === null) yield* this.#cutCall(cut.name, cut.text);
    this.#calls.clear();
  }

  #open(key: number, item: Extract<Delta, { kind: "open" }>["item"]): void {
    if (item.type !== "call") {
      const watch = item.type === "message" && this.#names !== null ? new LeakWatch(this.#offer, this.#names) : null;
      this.#prose.set(key, { type: item.type, text: "", logprobs: [], published: false, watch });
    } else if (this.#calls.size < limits.openCalls) this.#calls.set(key, { name: item.name, text: "" });
    else this.#overflow = { code: "server_error", message: "The model opened more calls than the limit allows." };
  }

  /** A list and no generator: this is every token's way. */
  #text(key: number, text: string, logprobs: readonly Logprob[] | undefined): readonly ItemDelta[] {
    const call = this.#calls.get(key);
    if (call) {
      call.text += text;
      if (call.text.length > limits.callChars) {
        this.#overflow = { code: "server_error", message: `The arguments of '${call.name}' are too long.` };
      }
      return [];
    }
    this.#chars += text.length;
    if (this.#chars > limits.answerChars) this.#overflow = { code: "finish", reason: "length" };
    const prose = this.#prose.get(key);
    if (!prose) return [];
    if (prose.watch === null) return this.#proseText(prose, text, logprobs);
    return this.#watched(prose, prose.watch.push(text), logprobs);
  }

  /** A message, with the calls that were found in it: each ends it, and what follows is another. */
  #watched(prose: Prose, pieces: readonly Piece[], logprobs: readonly Logprob[] = []): readonly ItemDelta[] {
    const [only] = pieces;
    if (pieces.length === 1 && only?.type === "text") return this.#proseText(prose, only.text, logprobs);
    prose.logprobs.push(...logprobs.map(wireLogprob));
    const deltas: ItemDelta[] = [];
    for (const piece of pieces) {
      if (this.#fault !== null) break;
      if (piece.type === "text") deltas.push(...this.#proseText(prose, piece.text));
      else {
        deltas.push(...this.#closeProse(prose, "completed"));
        deltas.push(...this.#closeCall({ name: piece.name, text: piece.arguments }));
        Object.assign(prose, { text: "", published: false });
        prose.logprobs.length = 0;
      }
    }
    return deltas;
  }

  #proseText(prose: Prose, text: string, logprobs: readonly Logprob[] = []): readonly ItemDelta[] {
    const thinking = prose.type === "reasoning";
    const held = prose.published ? "" : prose.text;
    if (!prose.published || thinking) prose.text += text;
    this.#said[prose.type] += text;
    if (logprobs.length > 0) prose.logprobs.push(...logprobs.map(wireLogprob));
    // What is held is white space, so only what is new can make it worth a message.
    if (!prose.published && text.trim() === "") return [];
    const channel = !thinking ? "output_text" : this.#options.summary ? "summary_text" : "reasoning_text";
    const said = { kind: "text", channel, text: held + text } as const;
    const delta: ItemDelta = prose.logprobs.length > 0 ? { ...said, logprobs: prose.logprobs.splice(0) } : said;
    if (prose.published) return [delta];
    prose.published = true;
    return [{ kind: "open", item: thinking ? newReasoning() : newMessage() }, delta];
  }

  *#close(key: number): Generator<ItemDelta> {
    const prose = this.#prose.get(key);
    this.#prose.delete(key);
    if (prose) {
      yield* this.#watched(prose, prose.watch?.end(true) ?? []);
      return yield* this.#closeProse(prose, "completed");
    }
    const call = this.#calls.get(key);
    this.#calls.delete(key);
    if (call) yield* this.#closeCall(call);
  }

  *#closeProse(prose: Prose, status: "completed" | "incomplete"): Generator<ItemDelta> {
    if (!prose.published) return;
    if (prose.type === "reasoning" && this.#options.summary) {
      yield { kind: "text", channel: "reasoning_text", text: prose.text };
    }
    const { seal } = this.#options;
    if (prose.type !== "reasoning" || seal === null) yield { kind: "close", status };
    else yield { kind: "close", status, fields: { encrypted_content: seal(prose.text) } };
  }

  *#closeCall({ name, text }: HeldCall): Generator<ItemDelta> {
    const tool = this.#tool(name);
    if (!tool) return yield* this.#callOfNothing(name, text);
    if (!this.#options.parallel && this.#published > 0) return;
    const fields = wireFields(tool, text);
    if (fields !== null) {
      this.#published += 1;
      return yield* publish(tool, fields, "completed");
    }
    // Beside calls that the client runs now, one that cannot be run is left out: the model sees their outputs, and goes on.
    if (this.#published > 0) return;
    this.#fault = {
      hint: `[Your call of '${name}' was not run: its arguments are not a JSON object that fits the tool. Call it again.]`,
      instead: () => this.#cutCall(name, text),
      message: `The model called '${tool.name}' with arguments that do not fit it.`,
    };
  }

  /** A call that must not run leaves with what the model wrote of it, marked incomplete. One that has no text does not. */
  *#cutCall(name: string, text: string): Generator<ItemDelta> {
    const tool = this.#tool(name);
    if (!tool || (!this.#options.parallel && this.#published > 0)) return;
    const { channel } = tool.kind;
    if (channel !== null) yield* publish(tool, { [channels[channel].field]: text }, "incomplete");
  }

  /** A call of something that is not on offer is no call; if the model insists, the client sees what it wrote. */
  *#callOfNothing(name: string, text: string): Generator<ItemDelta> {
    const { tools, choice } = this.#offer;
    const instead = (): Iterable<ItemDelta> => messageOf(`${name}(${text})`);
    this.#said.message += `${name}(${text})`;
    if (this.#published > 0 || tools.size === 0 || choice === "none") return yield* instead();
    const names = [...this.#callable()];
    const answer = choice === "auto" ? ", or answer" : "";
    const hint = `[There is no tool '${name}'. Call one of these${answer}: ${names.join(", ")}.]`;
    this.#fault = { hint, instead, message: choice === "auto" ? null : uncalled };
  }

  /** Names of what may be called. */
  #callable(): Iterable<string> {
    const { choice, tools } = this.#offer;
    return typeof choice === "object" ? choice.names : tools.keys();
  }

  #tool(name: string): OfferedTool | null {
    const { choice, tools } = this.#offer;
    if (choice === "none") return null;
    if (typeof choice === "object" && !choice.names.includes(name)) return null;
    return tools.get(name) ?? null;
  }
}

const uncalled = "The model called no tool although tool_choice demands a call.";

/** Neither a message nor a call, though perhaps long thinking: agents would take it for the end of their work. */
const silence: Fault = {
  hint: "[You have not answered yet. Answer now.]",
  instead: () => messageOf(unanswered),
  message: null,
};
