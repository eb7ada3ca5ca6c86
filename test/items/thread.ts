/** Owns the threads that samples are put into: where they stand, and how clients carry on with them. */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import type { Engine, EngineRequest } from "../../src/engine/engine.ts";
import { fieldsOf } from "../../src/spec/json.ts";
import type { TestDoor } from "../http/door.ts";

const user = (content: string): object => ({ role: "user", content });
const assistant = (content: string): object => ({ role: "assistant", content });
const before = [user("Good morning."), assistant("Good morning to you.")];
const after = [user("What do you know?"), assistant("Little enough."), user("Then let us go on.")];

/** A thread with items at its beginning, in its middle and at its end; the positions are named in that order. */
export const positions = ["first", "middle", "last"] as const;

export function thread(...places: readonly (readonly unknown[])[]): readonly unknown[] {
  const [first = [], middle = [], last = []] = places;
  return [...first, ...before, ...middle, ...after, ...last];
}

/**
 * One turn on `input`, then two more as clients take them: input and output sent again, then `previous_response_id`. Each
 * must end completed; `asked` is called after each.
 */
export async function carryOn(door: TestDoor, input: readonly unknown[], asked: (turn: number) => void): Promise<void> {
  const first = await completed(door, { input });
  asked(1);
  const second = await completed(door, { input: [...input, ...first.output, user("And then?")] });
  asked(2);
  await completed(door, { input: "And at last?", previous_response_id: second.id });
  asked(3);
}

async function completed(door: TestDoor, body: object): Promise<{ id: string; output: readonly unknown[] }> {
  const answer = await door.ask(body);
  const text = await answer.text();
  assert.equal(answer.status, 200, text.slice(0, 300));
  const { id, status, output, error } = fieldsOf(JSON.parse(text));
  assert.equal(status, "completed", JSON.stringify(error));
  assert(typeof id === "string" && Array.isArray(output) && output.length > 0);
  return { id, output };
}

/** `engine`, with all that it is asked. */
export function tapped(engine: Engine): { readonly engine: Engine; readonly asked: EngineRequest[] } {
  const asked: EngineRequest[] = [];
  return {
    asked,
    engine: {
      models: () => engine.models(),
      countTokens: (request) => engine.countTokens(request),
      health: () => engine.health(),
      close: () => engine.close(),
      generate(request, signal) {
        asked.push(request);
        return engine.generate(request, signal);
      },
    },
  };
}

/** Runs `work` on each of `list`, `width` at a time; what it throws is told by name, all of it together. */
export async function all<T>(
  list: readonly T[],
  width: number,
  nameOf: (entry: T) => string,
  work: (entry: T) => Promise<void>,
): Promise<void> {
  const wrong: string[] = [];
  const queue = list.values();
  const lane = async (): Promise<void> => {
    for (const entry of queue) {
      await work(entry).catch((thrown: unknown) => wrong.push(`${nameOf(entry)}: ${String(thrown)}`));
      await turn();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  assert.deepEqual(wrong, []);
}
