/** Owns the tests of patches: every wrapping that models put around one, and texts that hold none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plainPatch } from "../../src/turn/patch.ts";

const body = "*** Begin Patch\n*** Update File: a.txt\n@@\n-old\n+```new```";
const patch = `${body}\n*** End Patch\n`;

const wrapped: readonly (readonly [string, string])[] = [
  ["nothing around it", patch],
  ["blank lines", `\n\n${patch}\n`],
  ["a fence", `\`\`\`diff\n${patch}\`\`\``],
  ["JSON", JSON.stringify({ input: patch })],
  ["a command in JSON", JSON.stringify({ command: ["apply_patch", patch] })],
  ["a heredoc", `<<'EOF'\n${patch}EOF`],
  ["a command with a heredoc", `apply_patch <<EOF\n${patch}EOF`],
  ["a fence around a heredoc", `\`\`\`sh\napply_patch <<'PATCH'\n${patch}PATCH\n\`\`\``],
  ["the tool's name", `apply_patch\n${patch}`],
  ["no last line", body],
  ["words after it", `${patch}Done.`],
];

for (const [what, text] of wrapped) {
  test(`a patch with ${what}`, () => assert.equal(plainPatch(text), patch));
}

for (const text of ["", "hello", "{}", "Two\nlines, then *** Begin Patch", '{"input": "no patch"}', "```\nx\n```"]) {
  test(`left alone: ${JSON.stringify(text)}`, () => assert.equal(plainPatch(text), text));
}

test("beyond a few layers nothing is unwrapped, and nothing overflows", () => {
  const fences = "```\n".repeat(20_000);
  assert.equal(plainPatch(`${fences}*** Begin Patch\n${"```\n".repeat(20_000)}`).startsWith("```"), true);
});

test("a patch that is plain already stays so, whatever is in it", () => {
  const lines = fc.array(fc.constantFrom("+a", "-b", " c", "@@", "+```", "+EOF", "*** Add File: x", "+*** End Patch"));
  fc.assert(
    fc.property(lines, (between) => {
      const plain = plainPatch(["*** Begin Patch", ...between, "*** End Patch"].join("\n"));
      assert.equal(plainPatch(plain), plain);
      for (const line of between) assert.ok(plain.includes(line));
    }),
  );
});
