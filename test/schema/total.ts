/** Owns the sum over a whole test run: how much was held against OpenAI's types. Given to the runner as its global setup. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "../../src/spec/json.ts";

/** Environment variable with the file in which the processes of a run leave their counts, one line each. */
export const countsVariable = "ANTIPHON_TEST_COUNTS";

let folder = "";

export function globalSetup(): void {
  folder = mkdtempSync(join(tmpdir(), "antiphon-counts-"));
  process.env[countsVariable] = join(folder, "counts");
}

export function globalTeardown(): void {
  const sums = new Map<string, number>();
  for (const line of lines()) {
    const counts = parse(line) as Readonly<Record<string, number>>;
    for (const [kind, count] of Object.entries(counts)) sums.set(kind, (sums.get(kind) ?? 0) + count);
  }
  rmSync(folder, { recursive: true });
  const told = [...sums].filter(([, count]) => count > 0).map(([kind, count]) => `${kind} ${count}`);
  process.stdout.write(`Held against the schemas of OpenAI's SDK: ${told.join(", ") || "nothing"}\n`);
}

/** None where no test sent anything. */
function lines(): string[] {
  try {
    return readFileSync(join(folder, "counts"), "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
}
