/**
 * Owns a model of random weights, as large as small models are: benches need its work, not its words. A token is a byte, it
 * never ends by itself, and all layers share their numbers, so that it is written in a moment.
 */
import { open } from "node:fs/promises";
import { encodeGguf, type GgufTensor, type GgufValue, q8Block } from "../src/model/gguf.ts";
import { tokenizerMetadata, vocabulary } from "../src/model/scripted-text.ts";

/** 0.3 billion parameters. */
const layers = 20;
const width = 1024;
const heads = 16;
const keyHeads = 4;
const headWidth = width / heads;
const feedForward = 4096;
const contextLength = 32_768;

/** What it may say: printable ASCII, so that all it says is whole characters. */
const isSayable = (token: number): boolean => token >= 0x20 && token <= 0x7e;

/** 2^-12 as a 16-bit float: bytes of 64 to 127 then stand for about one by the root of the width. */
const scale = 3 << 10;

let seed = 1;

/** A number of 32 bits that looks random: Marsaglia's xorshift. */
function random(): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed;
}

/** Eight bits a weight, as most models are run. */
function matrix(rows: number, columns: number, filled: (row: number) => boolean = () => true): GgufTensor {
  const blocks = (rows * columns) / q8Block.values;
  const data = new Uint8Array(blocks * q8Block.bytes);
  for (let block = 0; block < blocks; block += 1) {
    if (!filled(Math.floor((block * q8Block.values) / columns))) continue;
    const start = block * q8Block.bytes;
    data[start] = scale & 0xff;
    data[start + 1] = scale >> 8;
    for (let at = 2; at < q8Block.bytes; at += 1) {
      const bits = random();
      const size = 64 | (bits & 63);
      data[start + at] = bits < 0 ? -size : size;
    }
  }
  return { shape: [columns, rows], data };
}

const ones: GgufTensor = { shape: [width], data: new Float32Array(width).fill(1) };

const metadata: Readonly<Record<string, GgufValue>> = {
  "general.architecture": "llama",
  "general.name": "random",
  "llama.block_count": { u32: layers },
  "llama.vocab_size": { u32: vocabulary.length },
  "llama.context_length": { u32: contextLength },
  "llama.embedding_length": { u32: width },
  "llama.feed_forward_length": { u32: feedForward },
  "llama.attention.head_count": { u32: heads },
  "llama.attention.head_count_kv": { u32: keyHeads },
  "llama.attention.layer_norm_rms_epsilon": { f32: 1e-6 },
  "llama.rope.dimension_count": { u32: headWidth },
  ...tokenizerMetadata(),
};

/** Writes the model to `path`, 0.3 GB. */
export async function writeRandomModel(path: string): Promise<void> {
  const layer = {
    attn_norm: ones,
    attn_q: matrix(width, width),
    attn_k: matrix(keyHeads * headWidth, width),
    attn_v: matrix(keyHeads * headWidth, width),
    attn_output: matrix(width, width),
    ffn_norm: ones,
    ffn_gate: matrix(feedForward, width),
    ffn_up: matrix(feedForward, width),
    ffn_down: matrix(width, feedForward),
  };
  const blocks = Array.from({ length: layers }, (_, number) =>
    Object.entries(layer).map(([name, tensor]) => [`blk.${number}.${name}.weight`, tensor] as const),
  );
  const tensors: Record<string, GgufTensor> = {
    "token_embd.weight": matrix(vocabulary.length, width),
    ...Object.fromEntries(blocks.flat()),
    "output_norm.weight": ones,
    "output.weight": matrix(vocabulary.length, width, isSayable),
  };
  await using file = await open(path, "w");
  for (const part of encodeGguf(metadata, tensors)) await file.writeFile(part);
}
