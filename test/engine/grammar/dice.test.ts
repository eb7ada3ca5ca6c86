/**
 * Owns the proof of the grammars: dice write under them in llama.cpp, and whatever they finish must pass judges that know
 * nothing of grammars. `ANTIPHON_GRAMMARS=500` throws for so many schemas; by default, for as many as take seconds.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { RuleBook } from "../../../src/engine/grammar/rules.ts";
import { schemaExpression } from "../../../src/engine/grammar/schema.ts";
import { Dice } from "./dice.ts";
import { formatChecks } from "./formats.ts";
import { type Schema, schemas } from "./schemas.ts";

const count = Number(process.env["ANTIPHON_GRAMMARS"] ?? 150);
const mostTokens = 4_000;

let dice: Dice;
before(async () => {
  dice = await Dice.make();
});

function grammarOf(schema: unknown): string {
  const rules = new RuleBook();
  const root = schemaExpression(schema, rules);
  return `root ::= ${root}\n${rules.toString()}`;
}

const ajv = new Ajv2020({ strict: false, formats: formatChecks });

/** What is wrong with `text` as JSON of `schema`; null where nothing is. */
function complaint(schema: Schema, text: string): string | null {
  const fits = ajv.compile(schema);
  return fits(JSON.parse(text)) ? null : ajv.errorsText(fits.errors);
}

test(`answers under ${count} random schemas fit them`, async (context) => {
  const wrong: string[] = [];
  let finished = 0;
  for (const [seed, schema] of fc.sample(schemas, { numRuns: count, seed: 1 }).entries()) {
    const text = await dice.write(grammarOf(schema), seed + 1, mostTokens);
    if (text === null) continue;
    finished += 1;
    const why = complaint(schema, text);
    if (why !== null) wrong.push(`${why}\n  ${text}\n  ${JSON.stringify(schema)}`);
  }
  context.diagnostic(`${finished} of ${count} answers ended within ${mostTokens} tokens`);
  assert.equal(wrong.join("\n"), "", `${wrong.length} of ${finished} do not fit`);
  assert.ok(finished >= count * 0.99, `only ${finished} of ${count} ended`);
});
