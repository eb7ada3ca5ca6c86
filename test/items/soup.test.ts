/** Owns the soup test: thousands of random inputs over HTTP, every one answered, every item kept as it came. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { items } from "../../src/spec/items.ts";
import { at, type Fields, isFields, listOf } from "../../src/spec/json.ts";
import { endOf, json, type TestDoor } from "../http/door.ts";
import { type Pot, pots, type Size } from "./generator.ts";
import { checkListed } from "./listed.ts";
import { stands } from "./stands.ts";

/** Set SOUP_SEED to what a run printed, to cook the same again. */
const seed = Number(process.env["SOUP_SEED"] ?? randomInt(2 ** 31));

interface Course {
  readonly count: number;
  /** Requests at a time. */
  readonly batch: number;
  readonly size: Size;
}

/** Serves a course, and calls `check` after each batch; gives the types that were in it. */
async function cook(door: TestDoor, { count, batch, size }: Course, check: () => void): Promise<Set<unknown>> {
  const types = new Set<unknown>();
  const property = fc.asyncProperty(fc.array(pots(size), { minLength: batch, maxLength: batch }), async (list) => {
    await Promise.all(list.map((pot) => eat(door, pot)));
    check();
    for (const item of list.flatMap(({ input }) => input)) if (isFields(item)) types.add(item["type"]);
  });
  // What went wrong names its own pot; batches would shrink for ever.
  await fc.assert(property, { seed, numRuns: count / batch, endOnFailure: true });
  return types;
}

async function eat(door: TestDoor, pot: Pot): Promise<void> {
  // As the server gets it: without what JSON cannot say.
  const input = JSON.parse(JSON.stringify(pot.input)) as readonly unknown[];
  try {
    const id = await answered(door, input, pot.streamed);
    const whole = await list(door, id, { order: "asc", limit: "100" });
    checkListed(input.slice(0, 100), whole.data);
    if (pot.page !== null && walkable(whole.data)) await walk(door, id, input, pot.page);
  } catch (thrown) {
    throw new Error(`${String(thrown)}\nof the input ${JSON.stringify(input).slice(0, 5000)}`, { cause: thrown });
  }
}

/** The id of the response, once all is well with it. */
async function answered(door: TestDoor, input: readonly unknown[], stream: boolean): Promise<string> {
  const answer = await door.ask({ input, stream });
  const body = await answer.text();
  assert.equal(answer.status, 200, body.slice(0, 500));
  const response: unknown = stream ? endOf(body).response : JSON.parse(body);
  assert.equal(at(response, "status"), "completed", JSON.stringify(at(response, "error")));
  return String(at(response, "id"));
}

interface Page {
  readonly data: readonly Fields[];
  readonly more: boolean;
  readonly last: string;
}

async function list(door: TestDoor, id: string, query: Readonly<Record<string, string>>): Promise<Page> {
  const answer = await fetch(`${door.address}/v1/responses/${id}/input_items?${new URLSearchParams(query).toString()}`);
  const page = await json(answer);
  assert.equal(answer.status, 200, JSON.stringify(page).slice(0, 500));
  const data = listOf(page["data"]);
  assert.deepEqual([page["first_id"], page["last_id"]], [data[0]?.["id"] ?? null, data.at(-1)?.["id"] ?? null]);
  return { data, more: page["has_more"] === true, last: String(page["last_id"]) };
}

/** A page begins behind an id: one that occurs twice, or that no URL can carry, is no place to begin. */
function walkable(items: readonly Fields[]): boolean {
  const ids = items.map(({ id }) => String(id));
  return new Set(ids).size === ids.length && ids.every((id) => id.isWellFormed() && id.length < 1000);
}

/** Page by page, forwards and backwards. */
async function walk(door: TestDoor, id: string, input: readonly unknown[], limit: number): Promise<void> {
  for (const order of ["asc", "desc"]) {
    const data: Fields[] = [];
    let page: Page | null = null;
    do {
      const after: Readonly<Record<string, string>> = page === null ? {} : { after: page.last };
      page = await list(door, id, { order, limit: String(limit), ...after });
      assert(page.data.length <= limit && data.length <= input.length, "pages come to an end");
      data.push(...page.data);
    } while (page.more);
    checkListed(input, order === "asc" ? data : data.reverse());
  }
}

/** How much each engine gets, and of what size; the embedded model reads every character. */
const courses = {
  script: { count: 9800, batch: 20, size: { entries: 10, chars: 100_000 } },
  chat: { count: 400, batch: 20, size: { entries: 10, chars: 10_000 } },
  llama: { count: 200, batch: 4, size: { entries: 6, chars: 1000 } },
} as const satisfies Record<keyof typeof stands, Course>;

for (const [name, course] of Object.entries(courses) as [keyof typeof stands, Course][]) {
  test(`${name}: ${course.count} random inputs are all answered, and kept as they came`, async (t) => {
    t.diagnostic(`SOUP_SEED=${seed}`);
    const { door, seen } = await stands[name](t);
    const types = await cook(door, course, seen);
    const missed = Object.keys(items).filter((type) => !types.has(type));
    if (name === "script") assert.deepEqual(missed, [], "every type was in it");
    assert.deepEqual(door.complaints, []);
  });
}
