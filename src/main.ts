/** Owns the wiring: the only file that knows every other. Starts what the command line asks for. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { totalmem } from "node:os";
import { type Invocation, runCommand, UsageError } from "./cli.ts";
import { type Config, ConfigError } from "./config.ts";
import { createChatEngine } from "./engine/chat/chat.ts";
import type { Engine } from "./engine/engine.ts";
import { createLlamaEngine } from "./engine/llama/host.ts";
import { ensureEnginePackage } from "./engine/llama/install.ts";
import { messageOf } from "./errors.ts";
import { type Folders, locateFolders } from "./folders.ts";
import { openDoor } from "./http/server.ts";
import { limits } from "./limits.ts";
import { createLog, type Log } from "./log.ts";
import { recommend } from "./model/catalog.ts";
import { listModels, ModelError, resolveModel, type Weights } from "./model/model.ts";
import { sources } from "./model/sources.ts";
import { createMemoryStore } from "./store/memory.ts";
import { createWorkDisplay, megabytes } from "./terminal.ts";

const folders: Folders = locateFolders();
const report = createWorkDisplay();

/** Something started that must be ended: the first signal ends it gently, a second one at once. */
let end: (() => Promise<void>) | null = null;

function fetchModel(spec: string | null, log: Log): Promise<Weights> {
  const leaving = new AbortController();
  end = () => {
    leaving.abort();
    return Promise.resolve();
  };
  return resolveModel(spec, { folders, report, log, signal: leaving.signal, env: process.env });
}

async function serve({ config }: Invocation): Promise<void> {
  checkExposure(config);
  const log = createLog(config.logLevel);
  const weights = config.upstream === null ? await fetchModel(config.model, log) : null;
  const engine = weights === null ? upstreamEngine(config, log) : embeddedEngine(config, weights, log);
  end = () => engine.close();
  const line = { engine, store: createMemoryStore(), log, keepAliveMs: limits.keepAliveMs, shapes: new Map() };
  const door = await openDoor(line, config).catch(async (thrown: unknown) => {
    await engine.close();
    throw thrown;
  });
  end = async () => {
    await door.close();
    await engine.close();
    await line.store.close();
  };
  const [first] = await engine.models();
  process.stdout.write(welcome(door.address, config, weights, first?.id ?? "default"));
}

function embeddedEngine({ contextSize, threads, slots }: Config, weights: Weights, log: Log): Engine {
  const packageFolder = (): Promise<string> => ensureEnginePackage({ folder: folders.cache, report, log });
  const { id: modelId, path: modelPath } = weights;
  return createLlamaEngine({ modelId, modelPath, packageFolder, contextSize, threads, slots, log });
}

function upstreamEngine({ upstream, upstreamKey, dialect }: Config, log: Log): Engine {
  try {
    return createChatEngine({ baseUrl: upstream ?? "", apiKey: upstreamKey, dialect, log });
  } catch (thrown) {
    throw new ConfigError(messageOf(thrown));
  }
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

/** What the operator needs to go on: the address, who answers, and how to point Codex here. */
function welcome(address: string, { upstream, apiKeys }: Config, weights: Weights | null, model: string): string {
  const api = `${address}/v1`;
  // Codex asks for the catalog only where it has a key to show; without the catalog it believes in 272,000 tokens.
  const key = apiKeys.length > 0 ? 'env_key="ANTIPHON_KEY"' : 'experimental_bearer_token="local"';
  const catalog = `model_catalog_url="${api}/models",${key}`;
  const provider = `{name="antiphon",base_url="${api}",wire_api="responses",stream_idle_timeout_ms=3600000,${catalog}}`;
  const better = weights === null ? null : recommend(totalmem());
  const rows = [
    `Antiphon is listening at ${api}`,
    "",
    weights === null ? `  Upstream   ${upstream}` : `  Model      ${weights.id} (${weights.source}): ${weights.note}`,
    `  Codex      codex -m ${model} -c model_provider=antiphon -c 'model_providers.antiphon=${provider}'`,
    `  OpenAI SDK OPENAI_BASE_URL=${api} OPENAI_API_KEY=${apiKeys.length > 0 ? "..." : "none"}`,
    ...(better && better.source !== weights?.source
      ? [`  To code    npm start -- --model ${better.source}   (${better.note}; fits this machine's memory)`]
      : []),
    "",
  ];
  return `${rows.join("\n")}\n`;
}

async function pull({ config, words }: Invocation): Promise<void> {
  const { id, path, source } = await fetchModel(words[0] ?? null, createLog(config.logLevel));
  process.stdout.write(`${id} is here: ${path}\nServe it with: antiphon --model ${source}\n`);
}

async function models(): Promise<void> {
  const stored = await listModels(folders);
  const lines = stored.map(({ id, source, bytes, note }) => `${id}  ${megabytes(bytes)}  ${source}  ${note}`.trimEnd());
  process.stdout.write(
    lines.length > 0 ? `${lines.join("\n")}\n` : "No models yet. Fetch one with: antiphon pull MODEL\n",
  );
}

function version(): Promise<void> {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const own =
    typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "";
  process.stdout.write(`${own}\n`);
  return Promise.resolve();
}

/** Mistakes of the operator: 2; what went wrong while running: 1. */
function fail(thrown: unknown): never {
  const told = thrown instanceof UsageError || thrown instanceof ConfigError || thrown instanceof ModelError;
  const text =
    told || !(thrown instanceof Error) || process.env["ANTIPHON_LOG_LEVEL"] !== "debug"
      ? messageOf(thrown)
      : thrown.stack;
  process.stderr.write(`antiphon: ${text}\n`);
  process.exit(thrown instanceof UsageError || thrown instanceof ConfigError ? 2 : 1);
}

function stop(): void {
  const ending = end;
  if (ending === null) process.exit(130);
  // A second signal finds nothing left to end gently.
  end = null;
  ending().then(() => process.exit(0), fail);
}

process.on("SIGINT", stop);
process.on("SIGTERM", stop);
process.on("uncaughtException", (thrown) => {
  process.stderr.write(`antiphon: a bug: ${thrown.stack ?? thrown.message}\n`);
  void Promise.resolve(end?.()).finally(() => process.exit(1));
});

const modelForms = Object.values(sources).map(({ usage }) => usage);
await runCommand(
  { words: process.argv.slice(2), env: process.env, folder: folders.config },
  { serve, pull, models, version },
  { out: process.stdout, modelForms },
).catch(fail);
