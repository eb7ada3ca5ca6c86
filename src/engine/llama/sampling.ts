/** Owns how tokens are chosen: what the client asked for, else what the model's makers recommend, else llama.cpp's defaults. */
import { randomInt } from "node:crypto";
import { limits } from "../../limits.ts";
import { type Fields, isFields, textOf } from "../../spec/json.ts";
import type { EngineRequest } from "../engine.ts";
import type { Sampling, Token } from "./binding.ts";
import type { Runtime } from "./runtime.ts";

/** `recent`: the last tokens of the answer, as it grows. */
export function samplingOf(runtime: Runtime, { sampling, extra }: EngineRequest, recent: Token[]): Sampling {
  const { defaults } = runtime;
  const biases = biasesIn(extra["logit_bias"], (text) => runtime.vocabulary.tokenizeMore(text));
  const punished = numberOf(extra["repeat_last_n"]) ?? limits.penaltyTokens;
  const penalties = {
    penalty: pick(extra["repeat_penalty"], extra["repetition_penalty"], 1),
    frequencyPenalty: sampling.frequencyPenalty ?? 0,
    presencePenalty: sampling.presencePenalty ?? 0,
  };
  const punishes = penalties.penalty !== 1 || penalties.frequencyPenalty !== 0 || penalties.presencePenalty !== 0;
  return {
    temperature: pick(sampling.temperature, defaults["temp"], 0.8),
    topP: pick(sampling.topP, defaults["top_p"], 0.95),
    topK: pick(extra["top_k"], defaults["top_k"], 40),
    minP: pick(extra["min_p"], defaults["min_p"], 0.05),
    seed: pick(sampling.seed, extra["seed"], randomInt(2 ** 32)) >>> 0,
    ...(punishes
      ? { repeatPenalty: { ...penalties, punishTokens: () => lastOf(recent, punished), maxPunishTokens: punished } }
      : {}),
    ...(biases.size > 0 ? { tokenBias: runtime.biasOf(biases) } : {}),
    ...only("xtc", numberOf(extra["xtc_probability"]), (probability) => ({
      probability,
      threshold: pick(extra["xtc_threshold"], undefined, 0.1),
    })),
    ...only("dryRepeatPenalty", numberOf(extra["dry_multiplier"]), (strength) => ({
      strength,
      base: pick(extra["dry_base"], undefined, 1.75),
      allowedLength: pick(extra["dry_allowed_length"], undefined, 2),
    })),
  };
}

/** Strings that end an answer, as Chat Completions has them: one, or a few. */
export function stopsIn(extra: Fields): readonly string[] {
  const { stop } = extra;
  return (Array.isArray(stop) ? stop : [stop])
    .flatMap((text) => textOf(text) ?? [])
    .filter((text) => text !== "")
    .slice(0, limits.stopStrings);
}

/**
 * What is added to the logit of a token. Keys are numbers of the model's own vocabulary, or text whose tokens are meant, as
 * llama-server has it; from -100 on, and with `false`, a token is never chosen.
 */
function biasesIn(value: unknown, tokensOf: (text: string) => readonly Token[]): ReadonlyMap<Token, number> {
  if (!isFields(value)) return new Map();
  const biases = Object.entries(value)
    .slice(0, limits.logitBiases)
    .flatMap(([key, bias]) => {
      const logit = bias === false ? -Infinity : numberOf(bias);
      if (logit === null) return [];
      const tokens = /^\d+$/.test(key) ? [Number(key)] : tokensOf(key);
      return tokens.map((token): [Token, number] => [token, logit <= -100 ? -Infinity : logit]);
    });
  return new Map(biases);
}

function only<Name extends string, Value>(
  name: Name,
  asked: number | null,
  make: (asked: number) => Value,
): Partial<Record<Name, Value>> {
  return asked === null || asked <= 0 ? {} : ({ [name]: make(asked) } as Record<Name, Value>);
}

function lastOf(tokens: Token[], count: number): Token[] {
  return count < 0 || count >= tokens.length ? tokens : tokens.slice(tokens.length - count);
}

/** The first of two that is a number. */
function pick(asked: unknown, recommended: unknown, otherwise: number): number {
  return numberOf(asked) ?? numberOf(recommended) ?? otherwise;
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
