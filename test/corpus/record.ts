/** Owns the writing of recordings: `FOLDER/CLIENT-VERSION/STEP/NN.json`, a request body a file. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { at } from "../../src/spec/json.ts";
import type { Exchange } from "../clients/tap.ts";
import { redact } from "./redact.ts";

/** Keeps what was posted to `/responses` in the step that `cells` (client, version, engine, step) name. */
export function record(
  folder: string,
  [client, version, , step]: readonly string[],
  exchanges: readonly Exchange[],
): void {
  const bodies = exchanges.filter(({ method, path, status, body }) => {
    // Codex warms up with an empty input, and some steps ask for what cannot be had.
    return method === "POST" && path.endsWith("/responses") && status === 200 && at(body, "input") !== "";
  });
  if (bodies.length === 0) return;
  const thread = join(folder, `${client}-${version}`, (step ?? "").replaceAll(/\W+/g, "-").toLowerCase());
  rmSync(thread, { recursive: true, force: true });
  mkdirSync(thread, { recursive: true });
  for (const [index, { body }] of bodies.entries()) {
    const name = `${String(index + 1).padStart(2, "0")}.json`;
    writeFileSync(join(thread, name), `${JSON.stringify(redact(body), null, 1)}\n`);
  }
}
