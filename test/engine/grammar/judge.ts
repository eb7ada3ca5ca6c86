/** Owns llama.cpp as the judge of grammars: which texts are whole answers under one. */
import type { Llama } from "../../../src/engine/llama/binding.ts";
import { nativeLlama } from "../llama/native.ts";

let llama: Promise<Llama> | null = null;

/** Says of texts whether they are whole answers under `source`; rejects what is no grammar. */
export async function judge(source: string): Promise<(text: string) => boolean> {
  llama ??= nativeLlama();
  const grammar = (await (await llama).createGrammar({ grammar: source })) as unknown as {
    _testText(text: string): boolean;
  };
  return (text) => grammar._testText(text);
}
