/** Owns the reading of the corpus: the threads that real clients sent, a request body a file. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { at, type Fields, fieldsOf, listOf } from "../../src/spec/json.ts";

export interface Thread {
  /** `CLIENT-VERSION/STEP`. */
  readonly name: string;
  /** In the order in which they were sent. */
  readonly bodies: readonly Fields[];
}

const here = import.meta.dirname;

export const corpus: readonly Thread[] = folders(here).flatMap((client) =>
  folders(join(here, client)).map((step) => ({
    name: `${client}/${step}`,
    bodies: bodiesIn(join(here, client, step)),
  })),
);

function folders(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function bodiesIn(folder: string): Fields[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files.toSorted().map((name) => fieldsOf(JSON.parse(readFileSync(join(folder, name), "utf8"))));
}

/** Two bodies of which the second goes on where the model had answered the first. */
export interface Continuation {
  readonly name: string;
  readonly before: Fields;
  readonly after: Fields;
}

/** Every continuation in the corpus whose client sends the whole thread again. */
export const continuations: readonly Continuation[] = corpus.flatMap(({ name, bodies }) =>
  bodies.flatMap((after, index) => {
    const before = bodies.slice(0, index).findLast((body) => goesOn(body, after));
    return before === undefined ? [] : [{ name, before, after }];
  }),
);

function goesOn(before: Fields, after: Fields): boolean {
  const said = listOf(before["input"]);
  const input = listOf(after["input"]);
  const next = input[said.length];
  const answered = next !== undefined && (at(next, "role") === "assistant" || at(next, "role") === undefined);
  const same = ["instructions", "tools"].every((field) => isDeepStrictEqual(before[field], after[field]));
  return said.length > 0 && answered && same && isDeepStrictEqual(input.slice(0, said.length), said);
}
