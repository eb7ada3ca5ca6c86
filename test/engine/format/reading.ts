/** Owns the reading of an answer in tests: what comes of it, however its text is cut into chunks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Delta } from "../../../src/engine/engine.ts";
import { createAnswerReader } from "../../../src/engine/format/answer.ts";
import { type AnswerForm, plainForm } from "../../../src/engine/format/forms.ts";

export interface Case {
  readonly title: string;
  readonly text: string;
  /** Each item as [type or name, text]. */
  readonly items: readonly (readonly [string, string])[];
  readonly thinking?: boolean;
  readonly form?: AnswerForm;
  readonly tools?: readonly string[];
}

/** Of every tool. */
const parameters = { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } };

/** The items of `chunks`, and whether the last is closed. */
export function read(
  chunks: readonly string[],
  { thinking = false, form = plainForm, tools = ["f", "g"] }: Partial<Case>,
  finished = true,
): { readonly items: readonly [string, string][]; readonly closed: boolean; readonly insideCall: boolean } {
  const reader = createAnswerReader({ thinking, form, tools: tools.map((name) => ({ name, parameters })) });
  const items: [string, string][] = [];
  let open = -1;
  const take = (delta: Delta): void => {
    if (delta.kind === "open") {
      assert.equal(open, -1);
      assert.equal(delta.key, items.length);
      open = delta.key;
      items.push([delta.item.type === "call" ? delta.item.name : delta.item.type, ""]);
    } else if (delta.kind === "text") {
      assert.equal(delta.key, open);
      assert.notEqual(delta.text, "");
      const item = items[open];
      assert.ok(item);
      item[1] += delta.text;
    } else if (delta.kind === "close") {
      assert.equal(delta.key, open);
      open = -1;
    } else assert.fail(delta.kind);
  };
  for (const chunk of chunks) for (const delta of reader.push(chunk)) take(delta);
  for (const delta of reader.end(finished)) take(delta);
  return { items, closed: open === -1, insideCall: reader.insideCall };
}

/** `text` cut at `places`. */
function cut(text: string, places: readonly number[]): string[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length];
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}

/** Registers the test that `example` is read as it should be. */
export function checkCase({ title, ...example }: Case): void {
  test(`${title} is read alike in one chunk, in characters, and cut anywhere`, () => {
    const whole = { items: example.items, closed: true, insideCall: false };
    assert.deepEqual(read([example.text], example), whole);
    assert.deepEqual(read(example.text.split(""), example), whole);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 8 }), (places) => {
        assert.deepEqual(read(cut(example.text, places), example), whole);
      }),
    );
  });
}
