/**
 * Owns the scripted model: a real llama.cpp model of a few hundred KB whose weights are set by hand, so that the whole
 * path through the engine can be run and tested without a download.
 *
 * How a transformer plays a script. There is one layer, and the state of a position is a row of named dimensions:
 * - The token just read sets its own `last` dimension, and the output matrix links `last` of one piece to the next piece.
 * - One attention head looks for the marker read last (a user's turn, a command, a tool's result) and copies that marker's
 *   `source` dimension into the `flag` dimension of the position that asks.
 * - A script's first piece needs both its flag and a header as last token: each alone stays below its negative bias.
 * - Where a grammar forbids what the script wants, `priors` decide: close what is open, so that JSON always ends.
 *
 * How a head finds the last one. All rotary pairs turn about equally and so slowly that half a context is an eighth of a
 * turn; query and key start so far apart that the score of a key falls almost linearly with its distance and stays
 * above the zero of all tokens that are no markers.
 */
import { writeFile } from "node:fs/promises";
import { encodeGguf, type GgufTensor, type GgufValue } from "./gguf.ts";
import {
  argumentsEnd,
  type Branch,
  branches,
  callTag,
  chatTemplate,
  control,
  end,
  headers,
  markers,
  nameOpening,
  scripts,
  tokenId,
  tokenizerMetadata,
  vocabulary,
  type Marker,
  type Token,
  type Told,
} from "./scripted-text.ts";

/** Tokens, prompt and answer together; Codex sends prompts of tens of thousands of bytes, and a byte is a token. */
const contextLength = 131_072;
const width = 128;
const headWidth = 64;
const pairs = headWidth / 2;
const feedForward = 32;
const epsilon = 1e-6;
/** Close to 1: every pair turns at about `turn`; not 1, for its logarithm is divided by. */
const frequencyBase = 1.1;
/** Angle between query and key at no distance and at the longest: where a cosine falls steeply and is positive. */
const nearest = (40 / 180) * Math.PI;
const farthest = (85 / 180) * Math.PI;
/** Markers farther back than this are forgotten. Reaching farther would cost precision: a key is kept in 16 bits. */
const horizon = contextLength / 2;
/** Radians a token. */
const turn = (farthest - nearest) / horizon;
/** A marker counts as if it stood so many tokens later: it must beat the turn that it stands in, not the next one. */
const leads: Readonly<Record<Marker, number>> = {
  userTurn: 0,
  think: 8,
  tool: 8,
  long: 8,
  patch: 8,
  lookup: 8,
  toolResult: 3,
};
const leadUnit = 1 / 8;
/** Factor of the scores: ten tokens more or less must decide, and half-precision arithmetic ends at 65504. */
const strength = 60_000;

const markerNames = Object.keys(markers) as Marker[];
const told = Object.keys(scripts) as Told[];
const pieces = [...told.flatMap((marker) => scripts[marker].pieces), ...Object.values(branches)];
const spoken = pieces.map((piece) => tokenId(piece));
/** Tokens whose being last matters. */
const remembered = [...new Set([...Object.values(headers), "a", "\n"].map(tokenId).concat(spoken))];

const firstFlag = 4 + markerNames.length;
const firstLast = firstFlag + markerNames.length;
/** The dimensions of a position's state. */
const dimension = {
  constant: 0,
  /** Brings every embedding to the same length, so that normalisation is a constant factor. */
  filler: 1,
  mark: 2,
  lead: 3,
  source: (marker: Marker): number => 4 + markerNames.indexOf(marker),
  flag: (marker: Marker): number => firstFlag + markerNames.indexOf(marker),
  last: (token: number): number => firstLast + remembered.indexOf(token),
} as const;

/** Squared length of every embedding, and the factor that normalisation gives it. */
const energy = 8;
const gain = Math.sqrt(width / energy);

/** Logits in a unit of which one already decides at any usual temperature. */
const unit = 10;

const matrix = (rows: number, columns: number): GgufTensor => ({
  shape: [columns, rows],
  data: new Float32Array(rows * columns),
});
const ones = (length: number): GgufTensor => ({
  shape: [length],
  data: new Float32Array(length).fill(1),
});
const add = (tensor: GgufTensor, row: number, column: number, value: number): void => {
  const at = row * (tensor.shape[0] ?? 0) + column;
  tensor.data[at] = (tensor.data[at] ?? 0) + value;
};

function embeddings(tokens: number): GgufTensor {
  const table = matrix(tokens, width);
  const used = new Map<number, number>();
  const set = (token: number, at: number, value = 1): void => {
    add(table, token, at, value);
    used.set(token, (used.get(token) ?? 0) + value * value);
  };
  for (let token = 0; token < tokens; token += 1) set(token, dimension.constant);
  for (const token of remembered) set(token, dimension.last(token));
  for (const marker of markerNames) {
    const token = tokenId(markers[marker]);
    set(token, dimension.mark);
    if (marker !== "userTurn") set(token, dimension.source(marker));
    set(token, dimension.lead, leads[marker] * leadUnit);
  }
  for (const [token, sum] of used) add(table, token, dimension.filler, Math.sqrt(energy - sum));
  return table;
}

/** The head that finds the last marker: the query is the same everywhere, only markers have keys and values. */
function attention(): Record<string, GgufTensor> {
  const query = matrix(headWidth, width);
  const key = matrix(headWidth, width);
  const value = matrix(headWidth, width);
  const output = matrix(width, headWidth);
  /** Pairs differ in size so that rounding of the cached keys (16 bits) does not add up but evens out. */
  const sizes = Array.from({ length: pairs }, (_, pair) => 1 + pair / pairs);
  const scale = Math.sqrt((strength * Math.sqrt(headWidth)) / sizes.reduce((sum, size) => sum + size * size, 0));
  for (const [pair, size] of sizes.entries()) {
    const length = (size * scale) / gain;
    add(query, 2 * pair, dimension.constant, length * Math.cos(nearest));
    add(query, 2 * pair + 1, dimension.constant, length * Math.sin(nearest));
    add(key, 2 * pair, dimension.mark, length);
    add(key, 2 * pair + 1, dimension.lead, (length * turn) / leadUnit);
  }
  for (const [at, marker] of markerNames.entries()) {
    add(value, at, dimension.source(marker), 1 / gain);
    add(output, dimension.flag(marker), at, 1);
  }
  return {
    "blk.0.attn_q.weight": query,
    "blk.0.attn_k.weight": key,
    "blk.0.attn_v.weight": value,
    "blk.0.attn_output.weight": output,
  };
}

/**
 * How much a token is wanted whatever came before. Reasons, top down: end as soon as a grammar allows it; in a string
 * say one letter; close before opening, so that optional and recursive parts of a schema stay away; a comma before
 * another digit, so that numbers end; white space never.
 */
const priors: Readonly<Record<string, number>> = {
  [end]: 8,
  a: 4,
  "}": 3.5,
  "]": 3,
  '"': 2.5,
  ",": 2,
  [callTag.close]: 1.5,
  "0": 1,
  E: 0.5,
  "*": 0.5,
  "<": -3,
  "\n": -3,
  " ": -4,
  "\t": -4,
  "\r": -4,
};
/** Pieces, markers and tags where no script puts them. */
const unwanted = -6;
/** Marks of other models, wherever a grammar allows one; the first of several. */
const ofMark = (index: number): number => 5 - index / 10;

function output(tokens: number): GgufTensor {
  const table = matrix(tokens, width);
  const want = (token: number, when: number, weight: number): void => add(table, token, when, (weight * unit) / gain);
  const link = (from: number, to: number, weight: number): void => want(to, dimension.last(from), weight);

  const preferred = new Map(Object.entries(priors).map(([text, weight]) => [tokenId(text), weight]));
  for (const token of vocabulary.keys()) {
    // Among equals the first in the alphabet, so that no two bytes ever tie.
    const weight = preferred.get(token) ?? (token < 256 ? -token / 256 : unwanted);
    want(token, dimension.constant, weight);
  }
  for (let token = vocabulary.length; token < tokens; token += 1)
    want(token, dimension.constant, ofMark(token - vocabulary.length));
  // One letter is enough: then the line or the string ends.
  link(tokenId("a"), tokenId("\n"), 10);
  link(tokenId("a"), tokenId('"'), 3);
  link(tokenId("a"), tokenId("a"), -0.2);
  // Of several tools Codex's `exec_command` and `shell` come first: they do no harm and answer at once.
  for (const [letter, weight] of Object.entries({ e: 12, s: 9, a: -3 }))
    link(tokenId(nameOpening), tokenId(letter), weight);

  for (const [marker, piece] of Object.entries(branches) as [Branch, string][]) {
    // The call begins as any; the name needs both its flag and the opening, or else those above are said.
    want(tokenId(callTag.open), dimension.flag(marker), 24);
    want(tokenId(piece), dimension.flag(marker), 65);
    want(tokenId(piece), dimension.constant, -75);
    link(tokenId(nameOpening), tokenId(piece), 80);
    link(tokenId(piece), tokenId(argumentsEnd), 60);
  }
  for (const marker of told) {
    const { pieces, withoutThinking, loops } = scripts[marker];
    const said = pieces.map(tokenId);
    const first = said[0] ?? tokenId(end);
    const unthinking = said[withoutThinking] ?? first;
    link(tokenId(headers.assistant), first, marker === "userTurn" ? 20 : 24);
    link(tokenId(headers.thinkingOff), unthinking, marker === "userTurn" ? 20 : 24);
    for (const start of marker === "userTurn" ? [] : new Set([first, unthinking])) {
      want(start, dimension.flag(marker), 24);
      want(start, dimension.constant, -20);
    }
    for (const [at, token] of said.entries()) {
      const next = said[at + 1] ?? (loops ? said[0] : undefined) ?? tokenId(end);
      link(token, next, 60);
      // Where a grammar wants a call after the text, the end is forbidden and this comes next.
      if (next === tokenId(end) && token !== tokenId(callTag.close)) link(token, tokenId(callTag.open), 50);
    }
  }
  return table;
}

function metadata({ template = chatTemplate, marks = [] }: ScriptedOptions): Record<string, GgufValue> {
  const tokens: readonly Token[] = [...vocabulary, ...marks.map((text) => ({ text, type: control }))];
  return {
    "general.architecture": "llama",
    "general.name": "scripted",
    "llama.block_count": { u32: 1 },
    "llama.vocab_size": { u32: tokens.length },
    "llama.context_length": { u32: contextLength },
    "llama.embedding_length": { u32: width },
    "llama.feed_forward_length": { u32: feedForward },
    "llama.attention.head_count": { u32: 1 },
    "llama.attention.head_count_kv": { u32: 1 },
    "llama.attention.layer_norm_rms_epsilon": { f32: epsilon },
    "llama.attention.key_length": { u32: headWidth },
    "llama.attention.value_length": { u32: headWidth },
    "llama.rope.dimension_count": { u32: headWidth },
    "llama.rope.freq_base": { f32: frequencyBase },
    "llama.rope.scaling.type": "linear",
    "llama.rope.scaling.factor": { f32: 1 / turn },
    ...tokenizerMetadata(tokens, template),
  };
}

export interface ScriptedOptions {
  /** Another may mark turns alike only. */
  readonly template?: string;
  /** Further control tokens, which it writes where a grammar wants their text. */
  readonly marks?: readonly string[];
}

/** Writes the scripted model as a GGUF file to `path`: the same bytes each time. */
export async function writeScriptedModel(path: string, options: ScriptedOptions = {}): Promise<void> {
  const tokens = vocabulary.length + (options.marks?.length ?? 0);
  const tensors = {
    "token_embd.weight": embeddings(tokens),
    "blk.0.attn_norm.weight": ones(width),
    ...attention(),
    "blk.0.ffn_norm.weight": ones(width),
    "blk.0.ffn_gate.weight": matrix(feedForward, width),
    "blk.0.ffn_up.weight": matrix(feedForward, width),
    "blk.0.ffn_down.weight": matrix(width, feedForward),
    "output_norm.weight": ones(width),
    "output.weight": output(tokens),
  };
  await writeFile(path, Buffer.concat(encodeGguf(metadata(options), tensors)));
}
