/** Owns `ollama:` sources: models that Ollama holds on this machine, found by its manifests; it fetches them itself. */
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { isGguf } from "./gguf.ts";
import { ModelError, type Neighbour, type Surroundings } from "./weights.ts";

const registry = "registry.ollama.ai";
/** What people leave out of a name. */
const usual = { space: "library", tag: "latest" } as const;
/** Where Ollama runs as a service of the system, it has a home of its own. */
const serviceHome = "/usr/share/ollama/.ollama/models";

const manifest = z.looseObject({ layers: z.array(z.looseObject({ mediaType: z.string(), digest: z.string() })) });
const modelLayer = "application/vnd.ollama.image.model";

/** Path of a model's manifest below `manifests/`, from its name as Ollama writes it: `[[host/]space/]name[:tag]`. */
function manifestOf(name: string): string[] {
  const found = /^((?:[\w.-]+\/){0,2})([\w.-]+)(?::([\w.-]+))?$/.exec(name);
  const [, place = "", model = "", tag = usual.tag] = found ?? [];
  if (found === null || name.split(/[/:]/).some((part) => /^\.+$/.test(part))) {
    throw new ModelError(`"ollama:${name}" is no model of Ollama: write ollama:name or ollama:name:tag.`);
  }
  const [first = "", second = ""] = place.split("/");
  if (second !== "") return [first, second, model, tag];
  return [registry, first || usual.space, model, tag];
}

function folders({ env }: Surroundings): readonly string[] {
  const own = join(env["HOME"] || homedir(), ".ollama", "models");
  return [env["OLLAMA_MODELS"] ?? "", own, serviceHome].filter((folder) => folder !== "");
}

/** Path of the weights where Ollama holds them as a GGUF file. Throws a ModelError for what is no name. */
export async function findInOllama(name: string, around: Surroundings): Promise<string | null> {
  const path = manifestOf(name);
  for (const folder of folders(around)) {
    const blob = await blobOf(folder, path);
    if (blob !== null) return blob;
  }
  return null;
}

async function blobOf(folder: string, path: readonly string[]): Promise<string | null> {
  const text = await readFile(join(folder, "manifests", ...path), "utf8").catch(() => null);
  if (text === null) return null;
  const layer = manifest.parse(JSON.parse(text)).layers.find(({ mediaType }) => mediaType === modelLayer);
  if (layer === undefined || !/^sha256:[0-9a-f]{64}$/.test(layer.digest)) return null;
  const blob = join(folder, "blobs", layer.digest.replace(":", "-"));
  return (await isGguf(blob).catch(() => false)) ? blob : null;
}

export function fetchWithOllama(name: string): Promise<never> {
  return Promise.reject(new ModelError(`Ollama holds no ${name} here. Fetch it with: ollama pull ${name}`));
}

/** What Ollama holds. */
export async function listOllama(around: Surroundings): Promise<readonly Neighbour[]> {
  const found: Neighbour[] = [];
  for (const folder of folders(around)) {
    const entries = await readdir(join(folder, "manifests"), { recursive: true }).catch(() => []);
    for (const entry of entries) {
      const path = entry.replaceAll("\\", "/").split("/");
      if (path.length !== 4) continue;
      const blob = await blobOf(folder, path).catch(() => null);
      if (blob !== null) found.push({ name: shortName(path), path: blob });
    }
  }
  return found;
}

function shortName([host = "", space = "", model = "", tag = ""]: readonly string[]): string {
  const place = host !== registry ? `${host}/${space}/` : space !== usual.space ? `${space}/` : "";
  return `${place}${model}:${tag}`;
}
