/** Owns the making of JSON Schemas from the installed SDK's types, and their copy on disk: making them takes a second. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "../../src/spec/json.ts";

/** A definition by its name; `Wire` is the one that lists what we send. */
export type Definitions = Record<string, Record<string, unknown>>;

const root = fileURLToPath(new URL("../../", import.meta.url));
const cache = join(root, "node_modules", ".cache", "antiphon");
const wire = join(root, "test", "schema", "wire.ts");
/** What the schemas are made from and by. */
const sources = [wire, fileURLToPath(import.meta.url), join(root, "package-lock.json")];

/** The definitions of `Wire`, of everything it names, and so on. Objects are closed: a field of no type is a deviation. */
export async function sdkDefinitions(): Promise<Definitions> {
  const hash = createHash("sha256");
  for (const source of sources) hash.update(readFileSync(source));
  const copy = join(cache, `schemas-${hash.digest("hex").slice(0, 16)}.json`);
  const kept = parse(textOf(copy));
  if (kept !== undefined) return kept as Definitions;
  const made = await make();
  mkdirSync(cache, { recursive: true });
  // Test files run at the same time: nobody may read half of it.
  writeFileSync(`${copy}.${process.pid}`, JSON.stringify(made));
  renameSync(`${copy}.${process.pid}`, copy);
  return made;
}

/** Its text; "" where there is none. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

async function make(): Promise<Definitions> {
  const { createGenerator } = await import("ts-json-schema-generator");
  const generator = createGenerator({
    path: wire,
    tsconfig: join(root, "tsconfig.json"),
    type: "Wire",
    expose: "all",
    jsDoc: "none",
    encodeRefs: false,
    additionalProperties: false,
    // Ours is checked by the compiler of the house.
    skipTypeCheck: true,
  });
  return generator.createSchema("Wire").definitions as Definitions;
}
