/** Owns the GGUF v3 container: writing files (the scripted model, those of benches), and telling a real one from anything else. */
import assert from "node:assert/strict";
import { open } from "node:fs/promises";

/** The value types that we write; the format has more. Numbers are `u32` or `f32`, arrays are of strings or `i32`. */
export type GgufValue =
  | string
  | boolean
  | readonly string[]
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly i32s: readonly number[] };

/** `shape` as GGUF counts it: the length of a row first. The bits of 16-bit floats stand in integers. */
/** `f32`, `f16`, or (bytes) `q8_0`: blocks of 32 values, each an `f16` scale and 32 signed bytes. */
export interface GgufTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint16Array | Uint8Array;
}

export const q8Block = { values: 32, bytes: 34 } as const;

/** Type numbers of the format (ggml-org/ggml docs/gguf.md). */
const type = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
const magic = "GGUF";
const version = 3;
/** `general.alignment` when a file does not say otherwise. */
const alignment = 32;
const tensorType = { f32: 0, f16: 1, q8: 8 } as const;

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

const f32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};

function encodeValue(value: GgufValue): Buffer {
  if (typeof value === "string") return Buffer.concat([u32(type.string), text(value)]);
  if (typeof value === "boolean") return Buffer.concat([u32(type.bool), Buffer.of(Number(value))]);
  if ("u32" in value) return Buffer.concat([u32(type.u32), u32(value.u32)]);
  if ("f32" in value) return Buffer.concat([u32(type.f32), f32(value.f32)]);
  if ("i32s" in value) {
    const items = Buffer.from(Int32Array.from(value.i32s).buffer);
    return Buffer.concat([u32(type.array), u32(type.i32), u64(value.i32s.length), items]);
  }
  return Buffer.concat([u32(type.array), u32(type.string), u64(value.length), ...value.map((item) => text(item))]);
}

const padding = (length: number): Buffer => Buffer.alloc((alignment - (length % alignment)) % alignment);

/** A GGUF file, in parts: views of the data of `tensors` among them. For little-endian machines, all that Node supports. */
export function encodeGguf(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: Readonly<Record<string, GgufTensor>>,
): readonly Buffer[] {
  const values = Object.entries(metadata);
  const named = Object.entries(tensors);
  const head = [Buffer.from(magic), u32(version), u64(named.length), u64(values.length)];
  for (const [key, value] of values) head.push(text(key), encodeValue(value));
  const body: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, data }] of named) {
    const kind = data instanceof Float32Array ? "f32" : data instanceof Uint16Array ? "f16" : "q8";
    const values = kind === "q8" ? (data.length / q8Block.bytes) * q8Block.values : data.length;
    const wanted = shape.reduce((product, length) => product * length, 1);
    assert.equal(values, wanted, `${name} does not fill its shape`);
    head.push(text(name), u32(shape.length), ...shape.map(u64), u32(tensorType[kind]), u64(offset));
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const rest = padding(bytes.length);
    body.push(bytes, rest);
    offset += bytes.length + rest.length;
  }
  const start = Buffer.concat(head);
  return [start, padding(start.length), ...body];
}

/** Whether the file at `path` begins like a GGUF file: not a web page, a pointer file or a half-written start. */
export async function isGguf(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
    return bytesRead === magic.length && buffer.toString("latin1") === magic;
  } finally {
    await file.close();
  }
}
