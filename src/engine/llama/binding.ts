/**
 * Owns what we use of node-llama-cpp: some twenty calls of its low-level interface, declared here since the package is no
 * dependency of ours but installed on first use and loaded by path. Everything else of it (chat, functions) is ours.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { GpuMemory } from "./memory.ts";

export type Token = number;

export interface Binding {
  readonly getLlama: (options: {
    /** `never`: without a fitting binary it fails instead of building llama.cpp from source for minutes. */
    readonly build: "never";
    readonly gpu: "auto" | false;
    readonly maxThreads: number;
    readonly progressLogs: false;
    readonly skipDownload: true;
    readonly logger: (level: string, message: string) => void;
  }) => Promise<Llama>;
  readonly LlamaGrammarEvaluationState: new (options: {
    readonly model: Model;
    readonly grammar: Grammar;
  }) => GrammarState;
  readonly TokenBias: { readonly for: (model: Model) => TokenBias };
}

/** What is added to the logits of some tokens; -Infinity: never, unless a grammar demands it. */
export interface TokenBias {
  set(token: Token, bias: { readonly logit: number }): TokenBias;
}

/** Opaque to us. */
export interface Grammar {
  readonly grammar: string;
}
/** Where a grammar stands in one answer. */
export interface GrammarState {
  clone(): GrammarState;
}

export interface Renderer {
  /** Throws what the template raises. */
  render(variables: Readonly<Record<string, unknown>>): string;
}

export interface Llama {
  /** Physical cores that are good for arithmetic. */
  readonly cpuMathCores: number;
  readonly gpu: string | false;
  /** Of all GPUs that are used, in bytes. */
  getVramState(): Promise<GpuMemory>;
  loadModel(options: { readonly modelPath: string; onLoadProgress(part: number): void }): Promise<Model>;
  /** Throws where the grammar does not parse. */
  createGrammar(options: { readonly grammar: string }): Promise<Grammar>;
  /** Not part of the package's interface, hence the self-test in template.ts. */
  readonly _bindings?: { readonly AddonJinjaRenderer?: new (template: string) => Renderer };
}

export interface Model {
  readonly trainContextSize: number;
  readonly fileInfo: { readonly metadata: Readonly<Record<string, unknown>> };
  readonly tokens: {
    readonly bos: Token | null;
    readonly bosString: string | null;
    readonly eosString: string | null;
    readonly shouldPrependBosToken: boolean;
  };
  iterateAllTokens(): Iterable<Token>;
  getTokenAttributes(token: Token): {
    readonly control: boolean;
    readonly unknown: boolean;
    readonly userDefined: boolean;
  };
  isEogToken(token: Token): boolean;
  tokenize(text: string, special: boolean, options?: "trimLeadingSpace"): Token[];
  detokenize(tokens: readonly Token[], special: boolean, lastTokens?: readonly Token[]): string;
  createContext(options: {
    readonly sequences: number;
    readonly contextSize: number | "auto";
    readonly batchSize: number;
    readonly threads: number;
  }): Promise<Context>;
}

export interface Context {
  getSequence(options: { readonly contextShift: { readonly strategy: () => never } }): Sequence;
  /** The native context. Not part of the package's interface; see `sampleInTurn`. */
  readonly _ctx?: { readonly sampleToken?: (...words: unknown[]) => Promise<unknown> };
}

/**
 * Lets one slot sample at a time. node-llama-cpp samples all slots of a batch at once, each in its thread, but llama.cpp
 * sorts the logits in place when they are first asked for: a slot that reads meanwhile may get those of a stranger's
 * answer (seen in 3 of 769 answers on four slots; in none of 2,806 since). Throws where the package has changed.
 */
export function sampleInTurn({ _ctx: native }: Context): void {
  const sample = native?.sampleToken?.bind(native);
  if (native === undefined || sample === undefined)
    throw new Error("This version of node-llama-cpp is not the pinned one.");
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (...words: unknown[]): Promise<unknown> => {
    const sampled = last.then(() => sample(...words));
    last = sampled.catch(() => undefined);
    return sampled;
  };
  // Not an assignment: the method on the prototype is read-only.
  Object.defineProperty(native, "sampleToken", { value: inTurn });
}

export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly seed: number;
  readonly repeatPenalty?: {
    readonly punishTokens: () => Token[];
    readonly maxPunishTokens: number;
    readonly penalty: number;
    readonly frequencyPenalty: number;
    readonly presencePenalty: number;
  };
  readonly tokenBias?: TokenBias;
  /** Excludes top choices. */
  readonly xtc?: { readonly probability: number; readonly threshold: number };
  /** Punishes sequences that repeat. */
  readonly dryRepeatPenalty?: { readonly strength: number; readonly base: number; readonly allowedLength: number };
}

export interface Sampled {
  readonly token: Token;
  /** Of the tokens that it was chosen from, best first. */
  readonly probabilities?: ReadonlyMap<Token, number>;
}

/** One slot: a conversation's place in the cache. */
export interface Sequence {
  readonly contextSize: number;
  /** Tokens in the cache; a copy. */
  readonly contextTokens: Token[];
  readonly nextTokenIndex: number;
  /** Drops from the cache what does not begin `tokens`. */
  adaptStateToTokens(tokens: readonly Token[], allowShift: false): Promise<void>;
  clearHistory(): Promise<void>;
  /** Tokens that must be read again to go back to behind the token at `index`; 0 for models that can simply forget. */
  getRestoreToPrefixIndexEvaluationSize(index: number): number;
  /** Whether the model cannot simply forget: it has a sliding window or a recurrent state. */
  readonly needsCheckpoints: boolean;
  /** Keeps the state for going back to it; does nothing for models that can simply forget. */
  takeCheckpoint(): Promise<void>;
  /** Writes what lies in the cache, without checkpoints. */
  saveStateToFile(filePath: string): Promise<{ readonly fileSize: number }>;
  /** Throws where the state does not fit the model or the context; whether it was tampered with, llama.cpp does not ask. */
  loadStateFromFile(filePath: string, options: { readonly acceptRisk: true }): Promise<void>;
  /** Empties it in llama.cpp too; the context can give another one then. */
  dispose(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly Token[]): Promise<void>;
  /** Ends before an end-of-generation token. What is passed to `next` takes the place of the token that came last. */
  evaluateWithMetadata(
    tokens: readonly Token[],
    metadata: { readonly probabilities: boolean },
    options: Sampling & { readonly grammarEvaluationState: () => GrammarState | undefined },
  ): AsyncGenerator<Sampled, void, readonly Token[] | undefined>;
}

/** A file inside the installed package folder, as an address for `import()`. */
function within(packageFolder: string, name: string): string {
  return pathToFileURL(join(packageFolder, "node_modules", name)).href;
}

export async function loadBinding(packageFolder: string): Promise<Binding> {
  return (await import(within(packageFolder, "node-llama-cpp/dist/index.js"))) as Binding;
}

/** The template renderer in JavaScript that comes with node-llama-cpp. */
export async function loadJavaScriptRenderer(packageFolder: string): Promise<new (template: string) => Renderer> {
  const module = (await import(within(packageFolder, "@huggingface/jinja/dist/index.js"))) as {
    readonly Template: new (template: string) => Renderer;
  };
  return module.Template;
}
