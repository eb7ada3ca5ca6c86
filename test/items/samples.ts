/** Owns the samples of every item type: a row of the table of items without samples does not compile. */
import type { ItemType } from "../../src/spec/items.ts";
import { clientCalls } from "./calls.ts";
import { serverCalls } from "./hosted.ts";
import { machineCalls } from "./machines.ts";
import { spoken } from "./messages.ts";
import { fill, type Sample, type Sources } from "./sample.ts";
import { steering } from "./steering.ts";
import { tolerance } from "./tolerance.ts";

const sources = {
  ...spoken,
  ...clientCalls,
  ...machineCalls,
  ...serverCalls,
  ...steering,
} as const satisfies Record<ItemType, Sources>;

const tables: readonly (readonly [string, Sources])[] = [...Object.entries(sources), ["tolerance", tolerance]];

/** Every sample; the name begins with the item type, or with `tolerance`. */
export const samples: readonly Sample[] = tables
  .flatMap(([table, rows]) => Object.entries(rows).map(([name, source]) => [`${table}: ${name}`, source] as const))
  .map(([name, source], number) => fill(source, name, number));
