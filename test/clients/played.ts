/**
 * Owns clients that are programs of their own: one process a client and engine, told on standard input which step to play.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Fields, fieldsOf, parse, textOf } from "../../src/spec/json.ts";
import { here } from "./install.ts";
import { pixel } from "./mcp.ts";
import { keep, kill, startProgram } from "./program.ts";
import { type Stage, step, type Step, type Suite } from "./suite.ts";

/** Seconds that the model is silent in the step `silence`, twice. */
export const silence = Number(process.env["ANTIPHON_SILENCE"] ?? 20);
/** A step that has not ended by then hangs. */
const stepMs = 60_000 + 2_000 * silence;

export interface Program {
  readonly client: string;
  readonly version: string;
  /** Its command line, in the folder `programs`. */
  readonly words: readonly [string, ...string[]];
  /** What it can play, by the names it knows. */
  readonly steps: readonly Played[];
  /** What it may print on standard error. */
  readonly harmless: RegExp | null;
}

export interface Played {
  readonly name: string;
  readonly only: Step["only"];
  /** What must hold of the step's exchanges besides what the program itself asserts. */
  readonly check: ((stage: Stage) => void) | null;
}

export function played(name: string, check: Played["check"] = null, only: Played["only"] = null): Played {
  return { name, only, check };
}

/** The suite of `program`; its last step ends the process and asserts that it never printed anything. */
export function suiteOf(program: Program): Suite {
  const processes = new Map<Stage, Playing>();
  const processOn = (stage: Stage): Playing => {
    const playing = processes.get(stage) ?? new Playing(program, stage);
    processes.set(stage, playing);
    return playing;
  };
  return {
    client: program.client,
    version: program.version,
    steps: program.steps.map(({ name, only, check }) =>
      step(
        name,
        async (stage) => {
          await processOn(stage).play(name);
          check?.(stage);
        },
        only,
      ),
    ),
    last: step("ends, and printed no warning", (stage) => processOn(stage).end()),
  };
}

/** Plays one step in a process of its own. */
export async function playAlone(program: Program, stage: Stage, name: string): Promise<void> {
  const playing = new Playing(program, stage);
  await playing.play(name).catch((thrown: unknown) => {
    throw new Error(`${program.client} ${program.version}: ${String(thrown)}`);
  });
  await playing.end();
}

class Playing {
  readonly #child: ReturnType<typeof startProgram>;
  readonly #lines: AsyncIterator<string>;
  readonly #complaints: { text(): string };
  readonly #closed: Promise<unknown>;
  readonly #harmless: RegExp | null;
  readonly #printed: string[] = [];
  readonly #stage: Stage;

  constructor({ client, words: [file, ...words], harmless }: Program, stage: Stage) {
    const { baseUrl, model, lines } = stage;
    const home = join(stage.folder, `${client}-${words.join("-")}`.replaceAll(/\W+/g, "-"));
    mkdirSync(home, { recursive: true });
    this.#child = startProgram(file, words, {
      cwd: join(here, "programs"),
      env: {
        PATH: process.env["PATH"],
        HOME: home,
        // Compiled Python would lie in the repository.
        PYTHONDONTWRITEBYTECODE: "1",
        STAGE: JSON.stringify({ baseUrl, model, lines, pixel, slowly: `[[wait ${silence}]]` }),
      },
      stdin: "pipe",
    });
    this.#closed = once(this.#child, "close");
    this.#complaints = keep(this.#child.stderr);
    assert.ok(this.#child.stdout);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#harmless = harmless;
    this.#stage = stage;
  }

  async play(name: string): Promise<void> {
    this.#child.stdin?.write(`${name}\n`);
    const limit = setTimeout(() => kill(this.#child), stepMs);
    const told = await this.#answerTo(name);
    clearTimeout(limit);
    this.#stage.note(this.#complaints.text());
    assert.ok(told, "The client ended, or hung.");
    const problem = textOf(told["problem"]);
    if (problem !== null) throw new Error(problem);
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    const limit = setTimeout(() => kill(this.#child), stepMs);
    await this.#closed;
    clearTimeout(limit);
    await this.#answerTo("");
    const complaints = this.#complaints.text().split("\n");
    const printed = [
      ...this.#printed,
      ...complaints.filter((line) => line !== "" && this.#harmless?.test(line) !== true),
    ];
    assert.deepEqual(printed, []);
    assert.equal(this.#child.exitCode, 0);
  }

  /** null when the program ended instead. What else it prints is kept. */
  async #answerTo(name: string): Promise<Fields | null> {
    for (;;) {
      const next = await this.#lines.next();
      if (next.done === true) return null;
      const line = next.value.startsWith('{"step"') ? fieldsOf(parse(next.value)) : {};
      if (line["step"] === name) return line;
      this.#printed.push(next.value);
    }
  }
}
