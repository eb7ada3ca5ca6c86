/** Owns a second, naive reading of GGUF files and of the llama architecture, to try hand-set weights without an engine. */
import assert from "node:assert/strict";

type Metadata = Record<string, unknown>;

export interface Gguf {
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
}

/** Reads what the writer may write (f32 tensors, the value types in use). */
export function decodeGguf(file: Buffer): Gguf {
  let at = 0;
  const u32 = (): number => file.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(file.readBigUInt64LE((at += 8) - 8));
  const text = (): string => {
    const length = u64();
    return file.toString("utf8", at, (at += length));
  };
  const value = (type: number): unknown => {
    if (type === 4 || type === 5) return u32();
    if (type === 6) return file.readFloatLE((at += 4) - 4);
    if (type === 7) return file[at++] === 1;
    if (type === 8) return text();
    assert.equal(type, 9, "value type");
    const item = u32();
    return Array.from({ length: u64() }, () => value(item));
  };
  assert.equal(file.toString("latin1", 0, 4), "GGUF");
  at = 4;
  assert.equal(u32(), 3, "version");
  const [tensorCount, valueCount] = [u64(), u64()];
  const metadata: Metadata = {};
  for (let i = 0; i < valueCount; i++) {
    const key = text();
    metadata[key] = value(u32());
  }
  const infos = Array.from({ length: tensorCount }, () => {
    const name = text();
    const shape = Array.from({ length: u32() }, u64);
    assert.equal(u32(), 0, "f32");
    return { name, shape, offset: u64() };
  });
  const start = Math.ceil(at / 32) * 32;
  const tensors = new Map(
    infos.map(({ name, shape, offset }) => {
      assert.equal(offset % 32, 0, "alignment");
      const length = shape.reduce((a, b) => a * b, 1);
      const bytes = file.subarray(start + offset, start + offset + 4 * length);
      return [name, { shape, data: new Float32Array(Uint8Array.from(bytes).buffer) }] as const;
    }),
  );
  return { metadata, tensors };
}

/** A one-layer, one-head llama whose feed-forward part is zero. */
export class TinyLlama {
  readonly #file: Gguf;
  readonly #keys: Float32Array[] = [];
  readonly #values: Float32Array[] = [];

  constructor(file: Gguf) {
    this.#file = file;
  }

  /** Reads one token more and returns the logits of the next. */
  read(token: number): Float32Array {
    const width = this.#number("embedding_length");
    const state = this.#tensor("token_embd.weight").slice(token * width, (token + 1) * width);
    const normal = normalise(state);
    const position = this.#keys.length;
    this.#keys.push(this.#turned("blk.0.attn_k.weight", normal, position));
    this.#values.push(this.#times("blk.0.attn_v.weight", normal));
    const query = this.#turned("blk.0.attn_q.weight", normal, position);
    const scores = this.#keys.map((key) => dot(query, key, 0) / Math.sqrt(query.length));
    const highest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - highest));
    const sum = weights.reduce((a, b) => a + b, 0);
    const seen = new Float32Array(query.length);
    for (const [at, weight] of weights.entries()) {
      for (const [i, value] of (this.#values[at] ?? seen).entries()) seen[i] = (seen[i] ?? 0) + (weight / sum) * value;
    }
    for (const [i, value] of this.#times("blk.0.attn_output.weight", seen).entries())
      state[i] = (state[i] ?? 0) + value;
    return this.#times("output.weight", normalise(state));
  }

  #number(name: string): number {
    return Number(this.#file.metadata[`llama.${name}`]);
  }

  #tensor(name: string): Float32Array {
    const tensor = this.#file.tensors.get(name);
    assert.ok(tensor, name);
    return tensor.data;
  }

  #times(name: string, vector: Float32Array): Float32Array {
    const data = this.#tensor(name);
    return Float32Array.from({ length: data.length / vector.length }, (_, row) =>
      dot(vector, data, row * vector.length),
    );
  }

  /** Rotary embedding of neighbouring pairs, with linear scaling. */
  #turned(name: string, state: Float32Array, position: number): Float32Array {
    const vector = this.#times(name, state);
    const base = this.#number("rope.freq_base");
    for (let pair = 0; 2 * pair < vector.length; pair++) {
      const angle = (position / this.#number("rope.scaling.factor")) * base ** ((-2 * pair) / vector.length);
      const [x, y] = [vector[2 * pair] ?? 0, vector[2 * pair + 1] ?? 0];
      vector[2 * pair] = x * Math.cos(angle) - y * Math.sin(angle);
      vector[2 * pair + 1] = x * Math.sin(angle) + y * Math.cos(angle);
    }
    return vector;
  }
}

function dot(vector: Float32Array, data: Float32Array, from: number): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] ?? 0) * (data[from + i] ?? 0);
  return sum;
}

function normalise(state: Float32Array): Float32Array {
  const scale = 1 / Math.sqrt(dot(state, state, 0) / state.length);
  return state.map((value) => value * scale);
}
