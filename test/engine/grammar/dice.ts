/**
 * Owns answers of dice: llama.cpp writes under a grammar with a model whose opinion is drowned in heat, so that every token
 * that the grammar allows may come. What closes or escapes is favoured, or texts would seldom end.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Binding,
  type GrammarState,
  loadBinding,
  type Sequence,
  type Token,
  type TokenBias,
} from "../../../src/engine/llama/binding.ts";
import { stringMark } from "../../../src/engine/format/notation.ts";
import { writeScriptedModel } from "../../../src/model/scripted.ts";
import { enginePackage } from "../llama/engine.ts";
import { loadModel, nativeLlama } from "../llama/native.ts";

/** The scripted model's own opinion is worth some tens of logits. */
const temperature = 10_000;

/** How much more often than others a character comes: at first, and where an answer has grown long. */
const fair: Readonly<Record<string, number>> = {
  '"': 60,
  [stringMark]: 60,
  "\\": 16,
  "}": 6,
  "]": 6,
  "\n": 60,
  "*": 4,
  n: 8,
  u: 2,
};
const weary: Readonly<Record<string, number>> = {
  '"': 2_000,
  [stringMark]: 2_000,
  "}": 1_000,
  "]": 1_000,
  "\n": 2_000,
  "\\": 2_000,
  n: 1_000,
  "*": 500,
  x: 500,
  1: 500,
};
const longTokens = 400;

/** First bytes of characters with which not every second byte makes one: the dice know no UTF-8. */
const crooked = new Set([0xc0, 0xc1, 0xe0, 0xed, 0xf0, ...Array.from({ length: 12 }, (_, index) => 0xf4 + index)]);

export class Dice {
  readonly #parts: Pick<Binding, "LlamaGrammarEvaluationState" | "TokenBias">;
  readonly #llama: Awaited<ReturnType<typeof nativeLlama>>;
  readonly #model: Awaited<ReturnType<typeof loadModel>>;
  readonly #sequence: Sequence;

  private constructor(
    parts: Binding,
    llama: Awaited<ReturnType<typeof nativeLlama>>,
    model: Awaited<ReturnType<typeof loadModel>>,
    sequence: Sequence,
  ) {
    this.#parts = parts;
    this.#llama = llama;
    this.#model = model;
    this.#sequence = sequence;
  }

  /** `marks` are tokens of their own beside those of single bytes. */
  static async make(marks: readonly string[] = []): Promise<Dice> {
    const folder = await mkdtemp(join(tmpdir(), "antiphon-dice-"));
    try {
      const path = join(folder, "scripted.gguf");
      await writeScriptedModel(path, { marks });
      const llama = await nativeLlama();
      const model = await loadModel(llama, path);
      const context = await model.createContext({ sequences: 1, contextSize: 8192, batchSize: 64, threads: 1 });
      const sequence = context.getSequence({ contextShift: { strategy: refuse } });
      return new Dice(await loadBinding(await enginePackage()), llama, model, sequence);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** What is written under `grammar`; null where it has not ended after so many tokens. Throws where it is no grammar. */
  async write(grammar: string, seed: number, most: number): Promise<string | null> {
    const compiled = await this.#llama.createGrammar({ grammar });
    const state = new this.#parts.LlamaGrammarEvaluationState({ model: this.#model, grammar: compiled });
    await this.#sequence.clearHistory();
    const written = this.#model.tokenize("x", false);
    for (const [favoured, until] of [
      [fair, longTokens],
      [weary, most],
    ] as const) {
      const ended = await this.#go(written, until, seed, this.#bias(favoured), state);
      if (ended) return this.#model.detokenize(written.slice(1), true);
    }
    return null;
  }

  /** Goes on from what is `written`, up to so many tokens; whether the answer has ended. */
  async #go(written: Token[], most: number, seed: number, tokenBias: TokenBias, state: GrammarState): Promise<boolean> {
    const sampling = { temperature, topP: 1, topK: 0, minP: 0, seed: seed + written.length, tokenBias };
    const options = { ...sampling, grammarEvaluationState: () => state };
    const tokens = this.#sequence.evaluateWithMetadata(written.slice(-1), { probabilities: false }, options);
    try {
      while (written.length < most) {
        const next = await tokens.next();
        if (next.done === true) return true;
        written.push(next.value.token);
      }
      return false;
    } finally {
      await tokens.return();
    }
  }

  #bias(favoured: Readonly<Record<string, number>>): TokenBias {
    const bias = this.#parts.TokenBias.for(this.#model);
    for (const token of this.#model.iterateAllTokens()) {
      const more = favoured[this.#model.detokenize([token], true)];
      // The first 256 tokens are the bytes.
      if ((token >= 256 && more === undefined) || crooked.has(token)) bias.set(token, { logit: -Infinity });
      else if (more !== undefined) bias.set(token, { logit: temperature * Math.log(more) });
    }
    return bias;
  }
}

function refuse(): never {
  throw new Error("The context is full.");
}
