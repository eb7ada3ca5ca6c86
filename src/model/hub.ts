/** Owns `hf:` sources: finding a model's files in the caches of this machine or on a Hugging Face hub, and fetching them. */
import { access, readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { ask, download, RefusedError, UnreachableError, type Remote } from "./download.ts";
import { isModelFile, ModelError, partsOf, type Surroundings, wholeFiles } from "./weights.ts";

export interface HubName {
  /** `organisation/repository`. */
  readonly repository: string;
  /** A file inside it, or a quantisation, or null for the usual choice. */
  readonly file: string | null;
  readonly quant: string | null;
}

const usualQuant = "Q4_K_M";

/** Reads what follows `hf:`. */
export const parseHubName = (text: string): HubName => parseRepository("hf", text);

/** Reads what follows `scheme:`. Throws a ModelError. */
export function parseRepository(scheme: string, text: string): HubName {
  const found = /^([\w.-]+\/[\w.-]+)(?::([\w.-]+)|\/(.+\.gguf))?$/i.exec(text);
  const [, repository, quant = null, file = null] = found ?? [];
  if (!repository || text.split(/[/:]/).includes("..")) {
    throw new ModelError(
      `"${scheme}:${text}" is no model name: write ${scheme}:organisation/repository, :quant or /file.gguf after it.`,
    );
  }
  return { repository, quant, file };
}

/** Whether `quant` stands in the name of `file` between separators: Q4_K_M is no Q4_K. */
function hasQuant(file: string, quant: string): boolean {
  const at = file.toLowerCase().lastIndexOf(quant.toLowerCase());
  return at >= 0 && /^[-./]/.test(file.slice(at + quant.length)) && /(?:^|[-._/])$/.test(file.slice(0, at));
}

/** The file of `files` that `name` means; undefined where there is none. */
export function chooseFile(name: HubName, files: readonly string[]): string | undefined {
  const models = files.filter(isModelFile).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  if (name.file !== null) return models.find((file) => file === name.file);
  const { quant } = name;
  if (quant !== null) return models.find((file) => hasQuant(file, quant));
  return models.find((file) => hasQuant(file, usualQuant)) ?? models[0];
}

const ownFolder = (name: HubName, around: Surroundings): string =>
  join(around.folders.cache, "models", "hf", ...name.repository.split("/"));

/** Where Hugging Face's own tools keep what they fetched, by their own rules (huggingface_hub constants; llama.cpp). */
function hubCache(env: NodeJS.ProcessEnv): string {
  const home = env["HF_HOME"] || join(env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache"), "huggingface");
  return env["HF_HUB_CACHE"] || env["HUGGINGFACE_HUB_CACHE"] || join(home, "hub");
}

/** Folders that may hold the model: ours, then the snapshots of the hub's cache, the current one first. */
async function localFolders(name: HubName, around: Surroundings): Promise<readonly string[]> {
  const cached = join(hubCache(around.env), `models--${name.repository.replace("/", "--")}`);
  const current = await readFile(join(cached, "refs", "main"), "utf8").catch(() => "");
  const snapshots = await readdir(join(cached, "snapshots")).catch(() => []);
  const ordered = snapshots.sort(
    (a, b) => Number(b === current.trim()) - Number(a === current.trim()) || (a < b ? -1 : 1),
  );
  return [ownFolder(name, around), ...ordered.map((snapshot) => join(cached, "snapshots", snapshot))];
}

/** Path of the model where it already lies on this machine whole. */
export async function findLocally(name: HubName, around: Surroundings): Promise<string | null> {
  for (const folder of await localFolders(name, around)) {
    const entries = await readdir(folder, { recursive: true }).catch(() => []);
    const files = entries.map((entry) => entry.replaceAll("\\", "/"));
    const file = chooseFile(name, wholeFiles(files));
    // A link in the hub's cache may lead to what was deleted.
    if (file !== undefined && (await isThere(join(folder, file)))) return join(folder, file);
  }
  return findInLlamaCache(name, around.env);
}

/** Where llama.cpp itself kept models before it took to the hub's cache: one folder, the repository in the file's name. */
async function findInLlamaCache({ repository, ...wanted }: HubName, env: NodeJS.ProcessEnv): Promise<string | null> {
  const cache = join(env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache"), "llama.cpp");
  const folder = env["LLAMA_CACHE"] || cache;
  const prefix = `${repository.replace("/", "_")}_`;
  const entries = await readdir(folder).catch(() => []);
  const files = entries.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length));
  const file = chooseFile({ repository, ...wanted }, wholeFiles(files));
  return file === undefined ? null : join(folder, prefix + file);
}

const listing = z.looseObject({ siblings: z.array(z.looseObject({ rfilename: z.string() })) });
const search = z.array(z.looseObject({ id: z.string() }));

/** The hub's address; a mirror is often named without the scheme. */
function endpoint(env: NodeJS.ProcessEnv): string {
  const named = env["HF_ENDPOINT"]?.trim() || "https://huggingface.co";
  const address = (named.includes("://") ? named : `https://${named}`).replace(/\/+$/, "");
  if (URL.canParse(address)) return address;
  throw new ModelError(`HF_ENDPOINT is no address: ${named}. It must be a URL, such as https://huggingface.co.`);
}

/** Checked here, as whoever refuses a broken one would quote it. */
function tokenIn(env: NodeJS.ProcessEnv): string | null {
  const token = env["HF_TOKEN"]?.trim() || null;
  if (token === null || /^[\x21-\x7e]+$/.test(token)) return token;
  throw new ModelError("HF_TOKEN is no token: it holds white space or other characters that no token has.");
}

function remote(path: string, around: Surroundings): Remote {
  return { url: `${endpoint(around.env)}/${path}`, token: tokenIn(around.env) };
}

async function askJson(path: string, around: Surroundings): Promise<unknown> {
  const { response, done } = await ask(remote(path, around), { accept: "application/json" }, around.signal);
  try {
    return await response.json();
  } catch {
    throw new UnreachableError(`${endpoint(around.env)} sent something that is no JSON`);
  } finally {
    done();
  }
}

/** Fetches the model and returns its path. Rejects with a ModelError that says what to do. */
export async function fetchFromHub(name: HubName, around: Surroundings): Promise<string> {
  try {
    const { siblings } = listing.parse(await askJson(`api/models/${name.repository}`, around));
    const files = siblings.map(({ rfilename }) => rfilename).filter((file) => !file.split("/").includes(".."));
    const file = chooseFile(name, files);
    if (file === undefined) throw new ModelError(noSuchFile(name, files));
    const folder = ownFolder(name, around);
    for (const part of partsOf(file, files)) {
      const path = `${name.repository}/resolve/main/${part.split("/").map(encodeURIComponent).join("/")}`;
      if (await isThere(join(folder, part))) continue;
      await download(remote(path, around), join(folder, part), part, around);
    }
    return join(folder, file);
  } catch (error) {
    around.signal.throwIfAborted();
    throw await explained(error, name, around);
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function noSuchFile({ repository, file, quant }: HubName, files: readonly string[]): string {
  const models = files.filter(isModelFile);
  if (models.length === 0) {
    return `hf:${repository} holds no GGUF file. Look for a repository of the same model whose name ends in -GGUF.`;
  }
  return `hf:${repository} holds no ${file ?? quant}. It holds:\n${models.map((name) => `  hf:${repository}/${name}`).join("\n")}`;
}

async function explained(error: unknown, name: HubName, around: Surroundings): Promise<unknown> {
  if (error instanceof UnreachableError) {
    const advice = around.env["HF_ENDPOINT"]?.trim() ? "and HF_ENDPOINT" : "or set HF_ENDPOINT to a mirror";
    return new ModelError(`${error.message}. Check the network, ${advice}.`);
  }
  if (error instanceof z.ZodError)
    return new ModelError(`${endpoint(around.env)} does not answer like a Hugging Face hub.`);
  if (!(error instanceof RefusedError)) return error;
  const page = `${endpoint(around.env)}/${name.repository}`;
  if (error.status === 403) {
    return new ModelError(
      `hf:${name.repository} is gated: accept its terms at ${page}, then set HF_TOKEN to a token of yours.`,
    );
  }
  // The hub answers 401, not 404, to strangers who ask for what is not there.
  if (error.status === 404 || error.status === 401) {
    const close = await closeNames(name, around);
    const advice = close.length > 0 ? ` Close names:\n${close.map((id) => `  hf:${id}`).join("\n")}` : "";
    return new ModelError(
      `hf:${name.repository} is not on ${endpoint(around.env)}, or is private (then set HF_TOKEN).${advice}`,
    );
  }
  return new ModelError(`${error.message} for hf:${name.repository}. Try again later.`);
}

/** Repositories of a similar name, as far as the hub tells. */
async function closeNames({ repository }: HubName, around: Surroundings): Promise<readonly string[]> {
  const words = (repository.split("/")[1] ?? "").replace(/-GGUF$/i, "");
  const query = new URLSearchParams({ search: words, filter: "gguf", limit: "5" });
  const found = search.safeParse(await askJson(`api/models?${query.toString()}`, around).catch(() => []));
  return found.success ? found.data.map(({ id }) => id) : [];
}
