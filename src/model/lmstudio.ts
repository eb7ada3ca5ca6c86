/** Owns `lmstudio:` sources: models that LM Studio holds on this machine, `publisher/model` as it shows them. */
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { chooseFile, parseRepository } from "./hub.ts";
import { isModelFile, ModelError, type Neighbour, type Surroundings, wholeFiles } from "./weights.ts";

/** Its folder may have been moved, which a file at home then says; older versions kept models in the cache. */
async function folders({ env }: Surroundings): Promise<readonly string[]> {
  const home = env["HOME"] || homedir();
  const pointed = await readFile(join(home, ".lmstudio-home-pointer"), "utf8").catch(() => "");
  const own = [pointed.trim(), join(home, ".lmstudio"), join(home, ".cache", "lm-studio")];
  return own.filter((folder) => folder !== "").map((folder) => join(folder, "models"));
}

/** Path of the model where LM Studio holds it whole. Throws a ModelError for what is no name. */
export async function findInLmStudio(text: string, around: Surroundings): Promise<string | null> {
  const name = parseRepository("lmstudio", text);
  for (const models of await folders(around)) {
    const folder = join(models, ...name.repository.split("/"));
    const file = chooseFile(name, wholeFiles(await filesIn(folder)));
    if (file !== undefined) return join(folder, file);
  }
  return null;
}

export function fetchWithLmStudio(name: string): Promise<never> {
  return Promise.reject(new ModelError(`LM Studio holds no ${name} here. Fetch it there, or write hf:${name}.`));
}

/** What LM Studio holds. */
export async function listLmStudio(around: Surroundings): Promise<readonly Neighbour[]> {
  const found: Neighbour[] = [];
  for (const models of await folders(around)) {
    const files = wholeFiles(await filesIn(models)).filter((file) => isModelFile(file) && file.split("/").length === 3);
    found.push(...files.map((file) => ({ name: file, path: join(models, file) })));
  }
  return found;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  return entries.map((entry) => entry.replaceAll("\\", "/"));
}
