/** Owns the proof of Codex's patches: dice write the calls of its custom tool, and its own parser's rules are the judge. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { answerGrammar } from "../../../src/engine/grammar/answer.ts";
import { createAnswerReader } from "../../../src/engine/format/answer.ts";
import { type AnswerForm, gemmaFrame, plainForm } from "../../../src/engine/format/forms.ts";
import { asking } from "../asking.ts";
import { qwenForm } from "../tagged.ts";
import { Dice } from "./dice.ts";
import { complaintOfCodex } from "./patches.ts";

/** Some seconds' worth, or as many as are asked for. */
const count = Math.min(200, Number(process.env["ANTIPHON_GRAMMARS"] ?? 10));

let dice: Dice;
before(async () => {
  dice = await Dice.make();
});

const inTags: AnswerForm = { ...plainForm, calls: qwenForm };
const noted: AnswerForm = { ...plainForm, calls: { type: "noted", frame: gemmaFrame } };

/** The patch in a call of `apply_patch` whose input has this grammar; null where the dice did not end. */
async function patch(definition: string, seed: number, form: AnswerForm): Promise<string | null> {
  const parameters = { type: "object", properties: { input: { type: "string" } }, required: ["input"] };
  const inputGrammar = { syntax: "lark", definition } as const;
  const tool = {
    name: "apply_patch",
    description: "",
    parameters,
    strict: false,
    inputGrammar,
    inThread: false,
    callable: true,
  };
  const request = asking("x", { tools: [tool], toolChoice: "required", parallelToolCalls: false });
  const grammar = answerGrammar(request, { thinking: "none", form, exact: true });
  const text = await dice.write(grammar?.source ?? "", seed, 4_000);
  if (text === null) return null;
  const reader = createAnswerReader({ thinking: false, form, tools: [tool] });
  const deltas = [...reader.push(text), ...reader.end(true)];
  assert.deepEqual(
    deltas.flatMap((delta) => (delta.kind === "open" ? [delta.item] : [])),
    [{ type: "call", name: "apply_patch" }],
    text,
  );
  const args = deltas.flatMap((delta) => (delta.kind === "text" ? [delta.text] : [])).join("");
  return (JSON.parse(args) as { readonly input: string }).input;
}

/** Throws so often; how many did not end, and what Codex's parser says of those that did. */
async function thrown(definition: string, form = plainForm): Promise<ReadonlyMap<string | null, readonly string[]>> {
  const said = new Map<string | null, string[]>();
  for (let seed = 1; seed <= count; seed += 1) {
    const text = await patch(definition, seed, form);
    const complaint = text === null ? "it does not end" : complaintOfCodex(text);
    said.set(complaint, [...(said.get(complaint) ?? []), text ?? ""]);
  }
  return said;
}

/** Rules of both grammars. */
const shared = String.raw`
start: opening file+ closing
opening: "*** Begin Patch" LF
closing: "*** End Patch" LF?
file: added | deleted | updated
added: "*** Add File: " path LF added_line+
deleted: "*** Delete File: " path LF
added_line: "+" /(.*)/ LF -> line
moved: "*** Move to: " path LF
context: ("@@" | "@@ " /(.+)/) LF
line: ("+" | "-" | " ") /(.*)/ LF
ending: "*** End of File" LF
%import common.LF
`;

for (const [how, form] of [
  ["JSON", plainForm],
  ["tags", inTags],
  ["Gemma's notation", noted],
] as const) {
  test(`${count} patches in ${how}, under a grammar that says what Codex's parser wants, are all read by it`, async (context) => {
    const strict = String.raw`${shared}
      updated: "*** Update File: " path LF moved? chunk+ ending?
      chunk: context? ("+" | "-") /(.*)/ LF line*
      path: /\S(.*\S)?/
    `;
    const said = await thrown(strict, form);
    context.diagnostic([...said].map(([complaint, { length }]) => `${length}: ${complaint ?? "read"}`).join(", "));
    assert.deepEqual([...said.keys()], [null], JSON.stringify([...said]).slice(0, 2_000));
  });
}

/** What Codex's own grammar allows, though its parser does not: an update may be empty, a head may stand alone, a path may be blank. */
const allowedByCodex = new Set<string | null>([
  null,
  "nothing of the file changes",
  "a chunk has no lines",
  "no file has such a head",
]);

test(`${count} patches under a grammar as loose as Codex's own fail for its looseness alone`, async (context) => {
  const said = await thrown(String.raw`${shared}
    updated: "*** Update File: " path LF moved? change?
    change: (context | line)+ ending?
    path: /(.+)/
  `);
  context.diagnostic([...said].map(([complaint, { length }]) => `${length}: ${complaint ?? "read"}`).join(", "));
  for (const [complaint, texts] of said) assert.ok(allowedByCodex.has(complaint), `${complaint}: ${texts[0]}`);
});

const within = (lines: string): string => `*** Begin Patch\n${lines}\n*** End Patch`;

test("the judge refuses what Codex's parser refuses", () => {
  for (const good of [
    "*** Add File: a\n+x",
    "*** Delete File: a",
    "*** Update File: a\n-x\n+y\n@@ z\n q\n*** End of File",
  ]) {
    assert.equal(complaintOfCodex(within(good)), null, good);
  }
  for (const bad of [
    "*** Add File: a\nx",
    "x",
    "*** Update File: a",
    "*** Update File: a\n@@",
    "*** Update File: a\n@@ x\n@@\n+y",
  ]) {
    assert.notEqual(complaintOfCodex(within(bad)), null, bad);
  }
  assert.notEqual(complaintOfCodex("```\n*** Begin Patch\n*** End Patch\n```"), null);
  assert.notEqual(complaintOfCodex("*** Begin Patch\n*** Delete File: a"), null);
});
