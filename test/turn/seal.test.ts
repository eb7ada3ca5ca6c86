/** Owns the tests of the reasoning seal: what is closed opens as it was, and nothing else opens at all. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { limits } from "../../src/limits.ts";
import { createSeal } from "../../src/turn/seal.ts";

const key = randomBytes(32);
const seal = createSeal([key]);
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Texts of every kind that closes differently: short, long, repeating, beyond ASCII, with half a surrogate pair. */
const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
  fc.tuple(fc.string({ unit: "grapheme" }), fc.nat(20_000)).map(([text, times]) => text.repeat(times)),
);

test("any text opens exactly as it was closed, in one line of printable ASCII", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const sealed = seal.close(text);
      assert.match(sealed, /^ant1\.[\w-]+$/);
      assert.equal(seal.open(sealed), text);
    }),
  );
});

for (const text of [
  "",
  "\uFEFFbom",
  "\uD83D",
  "cut \uDE00 here",
  "\0",
  "wide ".repeat(100) + "\uD83D",
  "é".repeat(4096),
]) {
  test(`${JSON.stringify(text.slice(0, 12))} (${text.length} characters) opens as it was closed`, () => {
    assert.equal(seal.open(seal.close(text)), text);
  });
}

test("two envelopes of one text differ, and open to the same text", () => {
  const [one, other] = [seal.close("think"), seal.close("think")];
  assert.notEqual(one, other);
  assert.equal(seal.open(one), seal.open(other));
});

test("every alteration of every single character gives null", () => {
  for (const sealed of [seal.close("why"), seal.close("why not? ".repeat(30))]) {
    for (let at = 0; at < sealed.length; at += 1) {
      for (const letter of `${alphabet}.+/= \n\0é`) {
        if (letter === sealed[at]) continue;
        assert.equal(seal.open(`${sealed.slice(0, at)}${letter}${sealed.slice(at + 1)}`), null, `${at}: ${letter}`);
      }
    }
  }
});

test("every truncation and every addition gives null", () => {
  const sealed = seal.close("a thought");
  for (let at = 0; at < sealed.length; at += 1) {
    assert.equal(seal.open(sealed.slice(0, at)), null);
    assert.equal(seal.open(`${sealed.slice(0, at)}${sealed.slice(at + 1)}`), null);
  }
  for (const more of ["A", "AAAA", "=", "==", "\n", " ", ".", sealed]) {
    assert.equal(seal.open(sealed + more), null);
    assert.equal(seal.open(more + sealed), null);
  }
});

test("foreign blobs give null", () => {
  const fixed = [
    "",
    "ant1.",
    "ant1.A",
    "ant2.AAAA",
    "gAAAAABpL2rXq0sY5Jm3uF1n7tVw==",
    "ocx1.eyJ0ZXh0IjoiaGkifQ",
    gzipSync("x").toString("base64"),
    `ant1.${"A".repeat(1000)}`,
  ];
  for (const blob of fixed) assert.equal(seal.open(blob), null);
  fc.assert(fc.property(fc.string({ unit: "binary" }), (blob) => seal.open(blob) === null));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(seal.open(`ant1.${Buffer.from(bytes).toString("base64url")}`), null);
    }),
  );
});

test("what is longer than a request can be gives null", () => {
  assert.equal(seal.open(`ant1.${"A".repeat(limits.bodyBytes)}`), null);
});

test("prose shrinks", () => {
  const text = Array.from({ length: 400 }, (_, line) => `The user asks for ${line}, so file ${line * 7} is next.`).join(
    " ",
  );
  assert.ok(seal.close(text).length < text.length / 2);
});

test("no envelope opens to more than a fixed multiple of its size, however little it says", () => {
  for (const text of ["\0".repeat(4 << 20), "loop ".repeat(100_000), "\uD800".repeat(1 << 20)]) {
    const sealed = seal.close(text);
    assert.ok(text.length <= sealed.length * limits.sealRatio);
    assert.equal(seal.open(sealed), text);
  }
});

test("after a rotation the new key closes and the old ones still open", () => {
  const next = randomBytes(32);
  const old = seal.close("an old thought");
  const rotated = createSeal([next, key]);
  assert.equal(rotated.open(old), "an old thought");
  const fresh = rotated.close("a new thought");
  assert.equal(createSeal([next]).open(fresh), "a new thought");
  assert.equal(seal.open(fresh), null);
  assert.equal(createSeal([next]).open(old), null);
});

test("a key of the wrong length, or none, is a mistake of ours", () => {
  assert.throws(() => createSeal([]), { name: "AssertionError" });
  assert.throws(() => createSeal([randomBytes(16)]), { name: "AssertionError" });
});
