/** Owns a line for tests: a script engine, a memory store, and the events of one request. */
import { randomBytes } from "node:crypto";
import type { Engine } from "../../src/engine/engine.ts";
import { createScriptEngine, type Script } from "../../src/engine/script.ts";
import { silentLog } from "../../src/log.ts";
import type { Event } from "../../src/spec/events.ts";
import { parseRequest } from "../../src/spec/request.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { createFileReader } from "../../src/turn/files.ts";
import type { Line } from "../../src/turn/prepare.ts";
import { prepare } from "../../src/turn/prepare.ts";
import { type Outcome, run } from "../../src/turn/run.ts";
import { assertEvents } from "../schema/lawful.ts";
import { createSeal } from "../../src/turn/seal.ts";

const testSeal = createSeal([randomBytes(32)]);
const testFiles = createFileReader();

export function makeLine(engine: Engine | Script, changes: Partial<Line> = {}): Line {
  const played = typeof engine === "function" ? createScriptEngine(engine) : engine;
  const store = createMemoryStore();
  const shared = { log: silentLog, seal: testSeal, files: testFiles, keepAliveMs: 10_000, loadingMs: 0 };
  return { engine: played, store, ...shared, shapes: new Map(), ...changes };
}

export interface Played {
  readonly events: readonly Event[];
  readonly outcome: Outcome;
}

/** Runs one request to its end; `heard` is told every event as it leaves. */
export async function play(
  line: Line,
  body: unknown,
  signal: AbortSignal = new AbortController().signal,
  heard: (event: Event) => void = () => undefined,
): Promise<Played> {
  const turn = await prepare(line, parseRequest(body), null, signal);
  const events: Event[] = [];
  const outcome = await run(line, turn, signal, (sent) => {
    events.push(...sent);
    for (const event of sent) heard(event);
    return null;
  });
  assertEvents(events);
  return { events, outcome };
}
