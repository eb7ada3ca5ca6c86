/** Owns the loading of a model inside the engine process: package, weights, context, template, vocabulary, slots. */
import { access, constants } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { answerGrammar, type AnswerGrammar, type Thinking } from "../grammar/answer.ts";
import type { EngineRequest } from "../engine.ts";
import {
  loadBinding,
  loadJavaScriptRenderer,
  sampleInTurn,
  type Binding,
  type Context,
  type GrammarState,
  type Grammar,
  type Llama,
  type Model,
  type Renderer,
  type Sequence,
  type Token,
  type TokenBias,
} from "./binding.ts";
import { bytesOf, demandMemory, machineMemory } from "./memory.ts";
import type { LoadedModel, LoadOptions } from "./protocol.ts";
import { Rounds } from "./rounds.ts";
import { Stride } from "./stride.ts";
import { ChatTemplate, chatMl, rendersWell } from "./template.ts";
import { Vocabulary } from "./vocabulary.ts";

type RendererClass = new (template: string) => Renderer;

/** A grammar ready for one answer. */
export interface Guide {
  readonly from: AnswerGrammar["from"];
  begin(): GrammarState;
}

/** A model in memory. */
export class Runtime {
  readonly about: LoadedModel;
  readonly template: ChatTemplate;
  readonly vocabulary: Vocabulary;
  readonly sequences: readonly Sequence[];
  /** Sampling that the model's makers recommend, as far as the file says; keys as in GGUF (`temp`, `top_p`, ...). */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly stride = new Stride();
  readonly rounds = new Rounds();
  readonly #binding: Binding;
  readonly #llama: Llama;
  readonly #model: Model;
  readonly #context: Context;
  readonly #grammars = new Map<string, Grammar>();

  private constructor(parts: {
    readonly binding: Binding;
    readonly llama: Llama;
    readonly model: Model;
    readonly template: ChatTemplate;
    readonly renderer: LoadedModel["renderer"];
    readonly context: Context;
    readonly slots: number;
  }) {
    const { binding, llama, model, template, renderer, context, slots } = parts;
    const sequences = Array.from({ length: slots }, () => sequenceOf(context));
    this.#binding = binding;
    this.#llama = llama;
    this.#model = model;
    this.#context = context;
    this.template = template;
    this.vocabulary = new Vocabulary(model, template);
    this.sequences = sequences;
    this.defaults = fieldsOf(fieldsOf(model.fileInfo.metadata["general"])["sampling"]);
    this.about = {
      contextLength: sequences[0]?.contextSize ?? 0,
      trainedLength: model.trainContextSize,
      reasoning: template.reasons,
      tools: template.traits.calls === null ? "prompted" : `native, as ${template.traits.calls.type}`,
      renderer,
      device: llama.gpu || "cpu",
    };
  }

  /** Throws, in words for people, where package, file or memory do not do. `onProgress`: 0 to 100. */
  static async load(options: LoadOptions, onProgress: (percent: number) => void): Promise<Runtime> {
    const { modelPath, slots } = options;
    await access(modelPath, constants.R_OK).catch(() => {
      throw new Error("The model file does not exist or cannot be read.");
    });
    const binding = await loadBinding(options.packageFolder);
    const complaints: string[] = [];
    const llama = await startLlama(binding, options, complaints);
    const bytes = await bytesOf(options.modelFiles);
    demandMemory(bytes, machineMemory(), llama.gpu === false ? null : await llama.getVramState());
    const onLoadProgress = (part: number): void => onProgress(Math.floor(part * 100));
    const model = await llama.loadModel({ modelPath, onLoadProgress }).catch(async (error: unknown) => {
      // node-llama-cpp says that it failed; llama.cpp says why, and its lines come a little later.
      await sleep(limits.engineComplaintMs);
      throw new Error([messageOf(error), ...complaints.slice(0, 1)].join(": "), { cause: error });
    });
    const context = await model.createContext({
      sequences: slots,
      contextSize: options.contextSize ?? "auto",
      batchSize: limits.engineBatch,
      threads: threadsOf(llama, options.threads),
    });
    sampleInTurn(context);
    const rendering = await makeTemplate(llama, model, options.packageFolder);
    return new Runtime({ binding, llama, model, ...rendering, context, slots });
  }

  /** What holds the answer to `request` to its tools and format; null where it is free. Throws where it cannot be made. */
  async guide(request: EngineRequest, thinking: boolean): Promise<Guide | null> {
    const allowed: Thinking = thinking
      ? "begun"
      : request.effort !== "none" && this.about.reasoning
        ? "possible"
        : "none";
    for (const exact of [true, false]) {
      const found = answerGrammar(request, { thinking: allowed, form: this.vocabulary.form, exact });
      if (found === null) return null;
      try {
        const grammar = await this.#compile(found.source);
        const { LlamaGrammarEvaluationState: State } = this.#binding;
        return { from: found.from, begin: () => new State({ model: this.#model, grammar }) };
      } catch (error) {
        if (!exact) throw error;
      }
    }
    return null;
  }

  /** An empty sequence for one in which something may lie that nothing knows of. */
  async renew(sequence: Sequence): Promise<Sequence> {
    await sequence.dispose();
    return sequenceOf(this.#context);
  }

  biasOf(biases: ReadonlyMap<Token, number>): TokenBias {
    const bias = this.#binding.TokenBias.for(this.#model);
    for (const [token, logit] of biases) bias.set(token, { logit });
    return bias;
  }

  async #compile(source: string): Promise<Grammar> {
    const known = this.#grammars.get(source);
    // The map's order is that of last use, so that its first entry is the one to drop.
    this.#grammars.delete(source);
    const grammar = known ?? (await this.#llama.createGrammar({ grammar: source }));
    this.#grammars.set(source, grammar);
    const [oldest] = this.#grammars.keys();
    if (this.#grammars.size > limits.engineGrammars && oldest !== undefined) this.#grammars.delete(oldest);
    return grammar;
  }
}

/** llama.cpp for this machine; what it complains of also goes into `complaints`. */
function startLlama(binding: Binding, { threads, gpu }: LoadOptions, complaints: string[]): Promise<Llama> {
  return binding.getLlama({
    build: "never",
    gpu: gpu ? "auto" : false,
    // 0: no bound but the one that each context is given.
    maxThreads: threads ?? 0,
    progressLogs: false,
    skipDownload: true,
    logger: (level, message) => {
      if (level !== "error" && level !== "fatal") return;
      if (complaints.length < limits.engineComplaints) complaints.push(message.trim());
      process.stderr.write(`${message.trim()}\n`);
    },
  });
}

function threadsOf(llama: Llama, threads: number | null): number {
  return threads ?? Math.max(1, llama.cpuMathCores - 1);
}

function sequenceOf(context: Context): Sequence {
  return context.getSequence({ contextShift: { strategy: refuseShift } });
}

/** node-llama-cpp would drop the oldest tokens without a word; answers end before the context does. */
function refuseShift(): never {
  throw new Error("The context is full.");
}

/** llama.cpp's own renderer where it can be had and compiles the template, else the one in JavaScript. */
async function makeTemplate(
  llama: Llama,
  model: Model,
  packageFolder: string,
): Promise<{ readonly template: ChatTemplate; readonly renderer: LoadedModel["renderer"] }> {
  const source = fieldsOf(model.fileInfo.metadata["tokenizer"])["chat_template"];
  const text = typeof source === "string" ? source : chatMl;
  const constants = { bos_token: model.tokens.bosString ?? "", eos_token: model.tokens.eosString ?? "" };
  const own = llama._bindings?.AddonJinjaRenderer;
  const compile = (type: RendererClass): ChatTemplate => new ChatTemplate(text, type, constants);
  if (own !== undefined && rendersWell(own)) {
    try {
      return { template: compile(own), renderer: "llama.cpp" };
    } catch {
      // Falls through: the other renderer knows a few constructs more.
    }
  }
  return { template: compile(await loadJavaScriptRenderer(packageFolder)), renderer: "javascript" };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
