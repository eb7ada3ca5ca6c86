/** Owns the wiring: the only file that knows every other. Starts what the command line asks for. */
import { AssertionError } from "node:assert";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { checkStream } from "./check-stream.ts";
import { type Invocation, runCommand, UsageError } from "./cli.ts";
import { type Config, ConfigError, misspeltVariables } from "./config.ts";
import { createChatEngine } from "./engine/chat/chat.ts";
import type { Engine } from "./engine/engine.ts";
import { createLlamaEngine, type LlamaEngine } from "./engine/llama/host.ts";
import { createFleet } from "./engine/fleet.ts";
import { ensureEnginePackage } from "./engine/llama/install.ts";
import { bytesOf, machineMemory } from "./engine/llama/memory.ts";
import { createLlamaServerEngine, type LlamaServerEngine } from "./engine/llama-server/server.ts";
import { messageOf } from "./errors.ts";
import { ensureFolder, type Folders, locateFolders } from "./folders.ts";
import { openDoor } from "./http/server.ts";
import { loadKeys } from "./keys.ts";
import { limits } from "./limits.ts";
import { createLog, type Log, logWith } from "./log.ts";
import {
  listModels,
  listNeighbours,
  ModelError,
  rememberModel,
  resolveModel,
  type Surroundings,
  type Weights,
} from "./model/model.ts";
import { sources } from "./model/sources.ts";
import { createMemoryStore } from "./store/memory.ts";
import { createScreen, megabytes } from "./terminal.ts";
import { createFileReader } from "./turn/files.ts";
import type { Line } from "./turn/prepare.ts";
import { createSeal } from "./turn/seal.ts";
import { welcome } from "./welcome.ts";

const folders: Folders = locateFolders();
const screen = createScreen();
/** The sources run by the bootstrap in a checkout; what was compiled is the installed command. */
const program = import.meta.url.endsWith(".ts") ? "npm start --" : "antiphon";

interface Running {
  readonly end: () => Promise<void>;
  /** Exit code once a signal has ended it. */
  readonly code: number;
}

/** What a signal ends gently. A shell's own code for an interrupt where work was cut off. */
let running: Running = { end: () => Promise.resolve(), code: 130 };
let ending = false;
/** What the end takes longer for. */
let atLast = "";

function surroundings(log: Log, signal: AbortSignal): Surroundings {
  return { folders, report: screen.report, log, signal, env: process.env };
}

function fetchModel(spec: string | null, log: Log): Promise<Weights> {
  const leaving = new AbortController();
  const fetching = resolveModel(spec, surroundings(log, leaving.signal));
  const end = async (): Promise<void> => {
    leaving.abort();
    await fetching.catch(() => undefined);
  };
  running = { end, code: 130 };
  return fetching;
}

async function serve({ config }: Invocation): Promise<void> {
  checkExposure(config);
  if (config.saveSlots !== null) atLast = ", then slots are saved";
  const log = createLog(config.logLevel, screen.lines);
  for (const [found, meant] of misspeltVariables(process.env)) log.warn(`${found} is no setting.`, { meant });
  const seal = createSeal(loadKeys(folders.data, log));
  const weights = config.upstream === null ? await fetchModels(config.models, log) : [];
  if (weights[0] !== undefined) await rememberModel(weights[0], folders);
  const own = weights[0] === undefined ? null : await ownEngine(config, weights[0], log);
  const engine = own === null ? upstreamEngine(config, log) : withOthers(own, weights.slice(1), config, log);
  running = { end: () => engine.close(), code: 0 };
  const files = createFileReader();
  const line: Line = {
    engine,
    store: createMemoryStore(),
    log,
    seal,
    files,
    keepAliveMs: limits.keepAliveMs,
    loadingMs: limits.loadingMs,
    shapes: new Map(),
  };
  const door = await openDoor(line, config).catch(async (thrown: unknown) => {
    await engine.close();
    throw thrown;
  });
  const end = async (): Promise<void> => {
    await door.close();
    await engine.close();
    await files.close();
    await line.store.close();
  };
  running = { end, code: 0 };
  const model = (await engine.models())[0]?.id ?? "default";
  const { state, detail } = await engine.health();
  if (own !== null && state === "down") await demandModel(own);
  const trouble = state === "down" ? (detail ?? "it does not answer") : null;
  screen.clear();
  const { address } = door;
  process.stdout.write(welcome({ address, config, weights, model, memory: machineMemory(), program, trouble }));
  if (own !== null) await demandModel(own);
}

/** In their order, each name once; the one that this program chooses where none is named. */
async function fetchModels(specs: readonly string[], log: Log): Promise<readonly Weights[]> {
  const found: Weights[] = [];
  for (const spec of specs.length === 0 ? [null] : specs) {
    const weights = await fetchModel(spec, log);
    if (found.some(({ id }) => id === weights.id)) throw new ConfigError(`Two models are called ${weights.id}.`);
    found.push(weights);
  }
  return found;
}

/** The engine over several models: the first is loaded at once, the others when they are asked. */
function withOthers(own: OwnEngine, others: readonly Weights[], config: Config, log: Log): Engine {
  if (others.length === 0) return own;
  if (!("awake" in own)) throw new ConfigError("--engine llama-server serves one model; name one --model.");
  const members = others.map((weights) => embeddedEngine(config, weights, log, true));
  return createFleet([own, ...members], config.modelsLoaded);
}

type OwnEngine = LlamaEngine | LlamaServerEngine;

/** One that we start. */
function ownEngine(config: Config, weights: Weights, log: Log): Promise<LlamaServerEngine> | LlamaEngine {
  if (config.engine === "embedded") return embeddedEngine(config, weights, log);
  const { contextSize, threads, slots, llamaServer } = config;
  const { id: modelId, path: modelPath } = weights;
  const { program: file, flags: words } = llamaServer;
  const gpu = config.gpu !== "off";
  return createLlamaServerEngine({ program: file, modelId, modelPath, contextSize, threads, slots, gpu, words, log });
}

function embeddedEngine(config: Config, weights: Weights, log: Log, lazy = false): LlamaEngine {
  const { contextSize, threads, slots, unloadAfter, saveSlots } = config;
  const packageFolder = (): Promise<string> => installEngine(config, log);
  const { id: modelId, path: modelPath, files: modelFiles } = weights;
  const idleMs = unloadAfter === null ? null : unloadAfter * 60_000;
  const gpu = config.gpu !== "off";
  const save = saveSlots === null ? null : { root: ensureFolder(join(folders.cache, "slots")), bytes: saveSlots };
  return createLlamaEngine({
    modelId,
    modelPath,
    modelFiles,
    packageFolder,
    contextSize,
    threads,
    slots,
    gpu,
    idleMs,
    save,
    lazy,
    log: logWith({ model: modelId }, log),
    report: screen.report,
  });
}

/** What is cut off has to clean up. */
const leaving = new AbortController();
let installing: Promise<unknown> = Promise.resolve();

function installEngine({ gpu }: Config, log: Log): Promise<string> {
  const { signal } = leaving;
  const installed = ensureEnginePackage({ folder: folders.cache, gpu, report: screen.report, log, signal });
  installing = Promise.allSettled([installing, installed]);
  return installed;
}

function upstreamEngine({ upstream, upstreamKey, dialect }: Config, log: Log): Engine {
  try {
    return createChatEngine({ baseUrl: upstream ?? "", apiKey: upstreamKey, dialect, log });
  } catch (thrown) {
    throw new ConfigError(messageOf(thrown));
  }
}

/** A model that cannot be loaded today cannot be loaded later either, and an open door with nobody behind it helps no one. */
async function demandModel(engine: OwnEngine): Promise<void> {
  const { state, detail } = await engine.settled();
  if (state !== "down" || ending) return;
  await running.end();
  throw new ModelError(detail ?? "The engine is down.");
}

/** Whoever reaches the port can use the model, so only this machine may reach it without a key. */
function checkExposure({ host, apiKeys }: Config): void {
  const local = host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
  if (local || apiKeys.length > 0) return;
  throw new ConfigError(
    `Listening on ${host} lets others in, so it needs a key: --api-key-file FILE, or ANTIPHON_API_KEY. ` +
      "Without a key, leave out --host to listen on this machine only.",
  );
}

async function pull({ config, words }: Invocation): Promise<void> {
  const { id, path, source } = await fetchModel(words[0] ?? null, createLog(config.logLevel, screen.lines));
  screen.clear();
  process.stdout.write(`${id} is here: ${path}\nServe it with: ${program} --model ${source}\n`);
}

async function engine({ config, words }: Invocation): Promise<void> {
  if (words[0] !== "install")
    throw new UsageError(`There is no "engine ${words[0]}". Write: ${program} engine install`);
  const folder = await installEngine(config, createLog(config.logLevel, screen.lines));
  screen.clear();
  process.stdout.write(`The engine is here: ${folder}\n`);
}

async function models({ config }: Invocation): Promise<void> {
  const around = surroundings(createLog(config.logLevel, screen.lines), new AbortController().signal);
  const stored = [...(await listModels(folders)), ...(await listNeighbours(around))];
  const lines: string[] = [];
  for (const { id, source, files, note } of stored) {
    lines.push(`${id}  ${megabytes(await bytesOf(files))}  ${source}  ${note}`.trimEnd());
  }
  const none = `No models yet. Fetch one with: ${program} pull MODEL`;
  process.stdout.write(`${lines.length > 0 ? lines.join("\n") : none}\n`);
}

async function check({ config, words, flags }: Invocation): Promise<void> {
  const { body = null, key = null, json } = flags;
  const io = { input: process.stdin, out: process.stdout, errors: screen.lines };
  const { clientDialect: dialect } = config;
  process.exitCode = await checkStream({ source: words[0] ?? "-", body, key, dialect, json: json !== undefined }, io);
}

function version(): Promise<void> {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const own =
    typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "";
  process.stdout.write(`${own}\n`);
  return Promise.resolve();
}

/** Mistakes of the operator: 2; what went wrong while running: 1. Says nothing of what a signal cut off. */
function fail(thrown: unknown): void {
  if (ending) return;
  if (thrown instanceof TypeError || thrown instanceof RangeError || thrown instanceof AssertionError) {
    return crash(thrown);
  }
  screen.lines.write(`antiphon: ${messageOf(thrown)}\n`);
  process.exit(thrown instanceof UsageError || thrown instanceof ConfigError ? 2 : 1);
}

/**
 * A signal to the whole process group comes twice: by itself, and from the bootstrap. What ends sooner than this needs no
 * words; from then on the same signal is another one.
 */
const sameSignalMs = 1_000;
let stopped = 0;

function stop(): void {
  const now = performance.now();
  if (ending && now - stopped > sameSignalMs) process.exit(130);
  if (ending) return;
  stopped = now;
  ending = true;
  leaving.abort();
  const { end, code } = running;
  const patience = limits.shutdownMs / 1000;
  const notice = `Ending; answers under way have ${patience} seconds${atLast}. The same signal again ends at once.\n`;
  // A terminal has just written "^C".
  setTimeout(() => screen.lines.write(screen.lines.isTTY === true ? `\n${notice}` : notice), sameSignalMs).unref();
  void end()
    .then(() => installing)
    .then(
      () => process.exit(code),
      () => process.exit(1),
    );
}

/** A bug, so nothing that still runs can be trusted for long: requests get their last event, and little else. */
function crash(thrown: Error): void {
  screen.lines.write(`antiphon: a bug: ${thrown.stack ?? thrown.message}\n`);
  if (ending) process.exit(1);
  ending = true;
  void running.end().finally(() => process.exit(1));
}

process.on("SIGINT", stop);
process.on("SIGTERM", stop);
process.on("uncaughtException", crash);

const modelForms = Object.values(sources).map(({ usage }) => usage);
await runCommand(
  { words: process.argv.slice(2), env: process.env, folder: folders.config },
  { serve, pull, engine, models, "check-stream": check, version },
  { out: process.stdout, program, modelForms },
).catch(fail);
