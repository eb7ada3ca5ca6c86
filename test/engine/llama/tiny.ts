/**
 * Owns tiny models of random weights for tests of what llama.cpp keeps of a thread: one with a sliding window, one with a
 * recurrent state. What they say is noise, and they never end by themselves.
 */
import { writeFile } from "node:fs/promises";
import { encodeGguf, type GgufTensor, type GgufValue } from "../../../src/model/gguf.ts";
import { tokenizerMetadata, vocabulary } from "../../../src/model/scripted-text.ts";

const width = 64;
const layers = 2;

let state = 1;

/** Numbers that look random, from a linear congruential generator. */
function matrix(rows: number, columns: number, size = 1): GgufTensor {
  const data = new Float32Array(rows * columns);
  for (let at = 0; at < data.length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    data[at] = (size * state) / 2 ** 31 / Math.sqrt(columns);
  }
  return { shape: [columns, rows], data };
}

const filled = (length: number, value: number): GgufTensor => ({
  shape: [length],
  data: new Float32Array(length).fill(value),
});

const attention = (): Readonly<Record<string, GgufTensor>> => ({
  attn_norm: filled(width, 1),
  attn_q: matrix(width, width),
  attn_k: matrix(width, width),
  attn_v: matrix(width, width),
  attn_output: matrix(width, width),
  post_attention_norm: filled(width, 1),
  ffn_norm: filled(width, 1),
  ffn_gate: matrix(width, width),
  ffn_up: matrix(width, width),
  ffn_down: matrix(width, width),
  post_ffw_norm: filled(width, 1),
});
const inner = 2 * width;
const states = 16;
const rank = 4;
const recurrent = (): Readonly<Record<string, GgufTensor>> => ({
  attn_norm: filled(width, 1),
  ssm_in: matrix(2 * inner, width),
  ssm_conv1d: matrix(inner, 4),
  "ssm_conv1d.bias": filled(inner, 0),
  ssm_x: matrix(rank + 2 * states, inner),
  ssm_dt: matrix(inner, rank),
  "ssm_dt.bias": filled(inner, 0),
  ssm_a: { shape: [states, inner], data: new Float32Array(inner * states).fill(-1) },
  ssm_d: filled(inner, 1),
  // Louder than the token that came last, which would be said for ever.
  ssm_out: matrix(width, inner, 64),
});

const kinds = {
  gemma2: {
    layer: attention,
    about: {
      "gemma2.attention.head_count": { u32: 2 },
      "gemma2.attention.head_count_kv": { u32: 2 },
      "gemma2.attention.key_length": { u32: 32 },
      "gemma2.attention.value_length": { u32: 32 },
      "gemma2.attention.sliding_window": { u32: 32 },
      "gemma2.attn_logit_softcapping": { f32: 50 },
      "gemma2.final_logit_softcapping": { f32: 30 },
    },
  },
  mamba: {
    layer: recurrent,
    about: {
      "mamba.ssm.conv_kernel": { u32: 4 },
      "mamba.ssm.inner_size": { u32: inner },
      "mamba.ssm.state_size": { u32: states },
      "mamba.ssm.time_step_rank": { u32: rank },
    },
  },
} as const satisfies Record<
  string,
  { readonly layer: () => Readonly<Record<string, GgufTensor>>; readonly about: Readonly<Record<string, GgufValue>> }
>;

export type TinyKind = keyof typeof kinds;

export const tinyKinds = Object.keys(kinds) as readonly TinyKind[];

/** Biases and these two are no weights. */
const named = (name: string): string => (/\.bias$|^ssm_[ad]$/.test(name) ? name : `${name}.weight`);

export async function writeTinyModel(kind: TinyKind, path: string): Promise<void> {
  state = 1;
  const { layer, about } = kinds[kind];
  const metadata: Readonly<Record<string, GgufValue>> = {
    "general.architecture": kind,
    "general.name": kind,
    [`${kind}.block_count`]: { u32: layers },
    [`${kind}.vocab_size`]: { u32: vocabulary.length },
    [`${kind}.context_length`]: { u32: 8192 },
    [`${kind}.embedding_length`]: { u32: width },
    [`${kind}.feed_forward_length`]: { u32: width },
    [`${kind}.attention.layer_norm_rms_epsilon`]: { f32: 1e-6 },
    ...about,
    ...tokenizerMetadata(),
  };
  const blocks = Array.from({ length: layers }, (_, number) =>
    Object.entries(layer()).map(([name, tensor]) => [`blk.${number}.${named(name)}`, tensor] as const),
  );
  const tensors: Record<string, GgufTensor> = {
    "token_embd.weight": matrix(vocabulary.length, width),
    ...Object.fromEntries(blocks.flat()),
    "output_norm.weight": filled(width, 1),
  };
  await writeFile(path, encodeGguf(metadata, tensors));
}
