/** Owns the tests of stop strings: the same for every cut into pieces, and nothing of one leaves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StopFinder } from "../../../src/engine/llama/stops.ts";

const letters = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 30 });
const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\n"), minLength: 1, maxLength: 4 }), {
  maxLength: 3,
});

test("an answer ends before the first of its stop strings, however it comes in pieces", () => {
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 8 }), stops, (pieces, wanted) => {
      const finder = new StopFinder(wanted);
      let said = "";
      let stopped = false;
      for (const piece of pieces) {
        if (stopped) break;
        const passed = finder.push(piece);
        said += passed.text;
        ({ stopped } = passed);
      }
      said += finder.end();
      const whole = pieces.join("");
      // Of two that end one piece the earlier counts; a later one may have come with an earlier piece.
      assert.equal(
        stopped,
        wanted.some((stop) => whole.includes(stop)),
      );
      if (!stopped) assert.equal(said, whole);
      else {
        assert.ok(whole.startsWith(said));
        assert.ok(wanted.every((stop) => !said.includes(stop)));
        assert.ok(wanted.some((stop) => whole.startsWith(said + stop)));
      }
    }),
  );
});

test("what can be no part of a stop string leaves at once", () => {
  const finder = new StopFinder(["\n\nUser:"]);
  assert.deepEqual(finder.push("Hi\n"), { text: "Hi", stopped: false });
  assert.deepEqual(finder.push("there\n\nUse"), { text: "\nthere", stopped: false });
  assert.deepEqual(finder.push("less"), { text: "\n\nUseless", stopped: false });
});
