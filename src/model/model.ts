/** Owns the way from what the user asked for, or nothing, to weights on this machine. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { messageOf } from "../errors.ts";
import { ensureFolder, type Folders } from "../folders.ts";
import { defaultModel, fallbackModel, noteFor, scriptedModel } from "./catalog.ts";
import { isGguf } from "./gguf.ts";
import { sourceOf, sources, type Source } from "./sources.ts";
import { filesOf, isModelFile, ModelError, nameOf, type Surroundings, type Weights } from "./weights.ts";

export { ModelError, type Surroundings, type Weights } from "./weights.ts";

const modelFolder = (folders: Folders): string => join(folders.cache, "models");
/** Names the model that was served last, for a start without `--model`. */
const lastFile = (folders: Folders): string => join(modelFolder(folders), "last");

/**
 * Weights for `spec` (`--model`), fetched where they are not on this machine yet. A given spec never falls back: it rejects
 * with a ModelError. With null: the model used last, the default, anything in our cache, and only then the network; where
 * nothing can be reached it is the scripted model, and `log` and `note` say so.
 */
export async function resolveModel(spec: string | null, around: Surroundings): Promise<Weights> {
  ensureFolder(modelFolder(around.folders));
  return spec === null ? chooseModel(around) : bring(spec, around);
}

/** Notes that `source` is served: a start without `--model` takes it next time. */
export async function rememberModel({ source }: Weights, folders: Folders): Promise<void> {
  // A path may be relative to where this was started, and what the scripted model is for was asked for on purpose.
  if (!["path", "scripted"].includes(sourceOf(source).scheme)) await writeFile(lastFile(folders), source);
}

/** Fetches the model that `spec` names, or finds it; one that is here goes by its name too. */
async function bring(spec: string, around: Surroundings): Promise<Weights> {
  const { scheme, name } = sourceOf(spec);
  const source: Source = sources[scheme];
  const found = await source.find(name, around);
  if (found !== null) return accept(spec, found);
  const called = scheme === "path" ? (await listModels(around.folders)).find(({ id }) => id === name) : undefined;
  return called === undefined ? accept(spec, await source.fetch(name, around)) : accept(called.source, called.path);
}

/** Only what is on this machine. */
async function find(spec: string, around: Surroundings): Promise<Weights | null> {
  try {
    const { scheme, name } = sourceOf(spec);
    const path = await sources[scheme].find(name, around);
    return path === null ? null : await accept(spec, path);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    around.log.warn(`${spec} is passed over: ${error.message}`);
    return null;
  }
}

async function accept(source: string, path: string): Promise<Weights> {
  if (!(await isGguf(path))) throw new ModelError(`${path} is no GGUF file, so llama.cpp cannot load it.`);
  const files = await filesOf(path);
  return { id: idOf(source, path), path, files, source, note: noteFor(source) ?? "your own choice" };
}

/** The name that clients see. */
function idOf(source: string, path: string): string {
  const { scheme, name } = sourceOf(source);
  const { named = false }: Source = sources[scheme];
  return named ? name.toLowerCase().replace(/:latest$/, "") : nameOf(path);
}

async function chooseModel(around: Surroundings): Promise<Weights> {
  const last = await readFile(lastFile(around.folders), "utf8").catch(() => "");
  const stored = (await listModels(around.folders)).map(({ source }) => source);
  for (const source of [last.trim(), defaultModel.source, ...stored]) {
    const weights = source === "" || source === scriptedModel.source ? null : await find(source, around);
    if (weights) return weights;
  }
  around.log.info("no model was named and none is here yet");
  for (const { source } of [defaultModel, fallbackModel]) {
    try {
      around.log.info(`fetching ${source}`);
      return await bring(source, around);
    } catch (error) {
      around.signal.throwIfAborted();
      around.log.warn(`${source} cannot be had: ${messageOf(error)}`);
    }
  }
  around.log.warn("no real model can be had here: serving the scripted one. Name one of yours with --model file.gguf");
  return bring(scriptedModel.source, around);
}

/** The models that other programs hold here. */
export async function listNeighbours(around: Surroundings): Promise<readonly Weights[]> {
  const found = Object.entries<Source>(sources).map(async ([scheme, { list }]) => {
    const held = (await list?.(around)) ?? [];
    return Promise.all(
      held.map(async ({ name, path }) => {
        const source = `${scheme}:${name}`;
        return { id: idOf(source, path), path, files: await filesOf(path), source, note: `held by ${scheme}` };
      }),
    );
  });
  return (await Promise.all(found)).flat();
}

/** The models in our cache; those in Hugging Face's are found by name only. */
export async function listModels(folders: Folders): Promise<readonly Weights[]> {
  const folder = modelFolder(folders);
  ensureFolder(folder);
  const entries = await readdir(folder, { recursive: true });
  const files = entries
    .map((entry) => entry.split(sep).join("/"))
    .filter((entry) => isModelFile(entry) && !entry.includes("/."));
  const models = files.sort().map(async (file) => {
    const path = join(folder, file);
    const source = storedSource(file);
    return { id: nameOf(path), path, files: await filesOf(path), source, note: noteFor(source) ?? "" };
  });
  return Promise.all(models);
}

/** What to type after `--model` for a file of our cache. */
function storedSource(file: string): string {
  const [scheme, ...rest] = file.split("/");
  if (scheme === "hf") return `hf:${rest.join("/")}`;
  return scheme === "pypi" ? `pypi:${rest[0] ?? ""}` : scriptedModel.source;
}
