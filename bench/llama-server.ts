/** Owns a llama-server to compare with, on a model as `--model` names it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { locateFolders } from "../src/folders.ts";
import { silentLog } from "../src/log.ts";
import { resolveModel } from "../src/model/model.ts";

export interface Peer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
}

/** Where the weights of `model` lie, after fetching them if needed. */
export async function weightsOf(model: string): Promise<string> {
  const around = { folders: locateFolders(), report: () => undefined, log: silentLog, env: process.env };
  return (await resolveModel(model, { ...around, signal: new AbortController().signal })).path;
}

/**
 * Starts `program` with one thread and `words`, and resolves once it serves. With some models it crashes while it warms up
 * where the processor has AMX; then weights stay as they are in the file.
 */
export async function startLlamaServer(program: string, model: string, words: readonly string[] = []): Promise<Peer> {
  try {
    return await start(program, model, words);
  } catch {
    return start(program, model, ["--no-repack", ...words]);
  }
}

async function start(program: string, model: string, words: readonly string[]): Promise<Peer> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const usual = ["--threads", "1", "--jinja", "--no-webui"];
  const place = ["--host", "127.0.0.1", "--port", String(port), ...usual];
  const server = spawn(program, ["--model", await weightsOf(model), ...place, ...words], { stdio: "ignore" });
  const ended = once(server, "exit");
  const address = `http://127.0.0.1:${port}`;
  for (;;) {
    const health = await fetch(`${address}/health`).catch(() => null);
    if (health?.ok) break;
    const { exitCode, signalCode } = server;
    if (exitCode !== null || signalCode !== null) throw new Error(`${program} ended: ${exitCode ?? signalCode}`);
    await sleep(100);
  }
  return {
    address,
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await ended;
    },
  };
}
