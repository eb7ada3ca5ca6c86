/** Owns the house rules that no linter knows: the import table, sizes, and what a file must and must not hold. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const maximumLines = 300;

/** What each room may import besides node: and packages; a trailing slash allows the whole room. */
const imports: Readonly<Record<string, readonly string[]>> = {
  spec: ["spec/"],
  engine: ["spec/", "engine/"],
  tool: ["spec/", "tool/"],
  store: ["spec/", "store/"],
  model: ["spec/", "model/"],
  turn: ["spec/", "turn/", "engine/engine.ts", "engine/format/", "tool/tool.ts", "store/store.ts"],
  http: ["spec/", "turn/", "http/", "store/store.ts", "engine/engine.ts"],
  launch: ["spec/", "launch/", "config.ts"],
  "cli.ts": ["config.ts", "nearest.ts", "settings.ts"],
  "config.ts": ["nearest.ts", "settings.ts"],
  "settings.ts": [],
  "nearest.ts": [],
  "check-stream.ts": ["spec/"],
  "keys.ts": [],
  "terminal.ts": [],
  "welcome.ts": ["config.ts", "model/"],
  "errors.ts": [],
  "limits.ts": [],
  "log.ts": [],
  "metrics.ts": [],
  "folders.ts": [],
};
const anyone = ["errors.ts", "limits.ts", "log.ts", "metrics.ts", "folders.ts"];

/** Files of the project by folder, as paths with forward slashes. */
function files(folder: string, ending = ".ts"): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending) && !file.split(sep).includes("node_modules"))
    .map((file) => join(folder, file).split(sep).join("/"));
}

const read = (file: string): string => readFileSync(join(root, file), "utf8");
const sources = files("src");
const everything = [...sources, ...files("test")];

test("the tree is where this test thinks it is", () => {
  assert.ok(sources.includes("src/engine/engine.ts"));
});

test("each room imports only what stands below it", () => {
  const wrong: string[] = [];
  for (const file of sources.filter((name) => name !== "src/main.ts")) {
    const inside = relative("src", file).split(sep).join("/");
    const room = inside.split("/")[0] ?? "";
    const allowed = [...(imports[room] ?? []), ...anyone];
    assert.ok(imports[room], `${file} stands in no room of the import table`);
    for (const [, target = ""] of read(file).matchAll(/(?:from|import)\s*\(?"(\.[^"]+)"/g)) {
      const path = relative(join(root, "src"), resolve(root, dirname(file), target))
        .split(sep)
        .join("/");
      if (!allowed.some((entry) => (entry.endsWith("/") ? path.startsWith(entry) : path === entry))) {
        wrong.push(`${file} imports ${path}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("each file opens with one sentence that says what it owns", () => {
  const wrong = everything.filter((file) => !/^(?:#![^\n]*\n)?\/\*\*[\s\S]*?\*\//.test(read(file)));
  assert.deepEqual(wrong, []);
});

test(`no file is longer than ${maximumLines} lines`, () => {
  const wrong = everything.filter((file) => read(file).trimEnd().split("\n").length > maximumLines);
  assert.deepEqual(wrong, []);
});

/** Patterns that must not occur, each with the files it is looked for in. */
const forbidden: readonly { readonly why: string; readonly pattern: RegExp; readonly where: readonly string[] }[] = [
  {
    why: "types are switched off",
    pattern: /@ts-(?:ignore|expect-error|nocheck)/,
    where: everything,
  },
  { why: "barrel files hide who owns what", pattern: /^export \*/m, where: everything },
  { why: "unfinished work is called done", pattern: /\b(?:TODO|FIXME|XXX)\b|not implemented/i, where: sources },
  {
    why: "a test may be skipped only for a reason in words",
    pattern: /\b(?:test|it|describe)\.(?:skip|todo|only)\(|skip: true/,
    where: files("test"),
  },
  {
    why: "relative imports carry their .ts ending",
    pattern: /(?:from|import\() ?"\.[^"]*(?<!\.ts|\.json)"/,
    where: everything,
  },
];

for (const { why, pattern, where } of forbidden) {
  test(`nothing matches ${pattern}: ${why}`, () => {
    const wrong = where.filter((file) => file !== "test/tidy.test.ts" && pattern.test(read(file)));
    assert.deepEqual(wrong, []);
  });
}

test("names say what a thing is", () => {
  const vague = /(?:^|\/)(?:utils?|helpers?|common|manager|service|index)\.ts$/;
  assert.deepEqual(
    everything.filter((file) => vague.test(file)),
    [],
  );
});

test("the lock file names no host", () => {
  assert.doesNotMatch(read("package-lock.json"), /"resolved": "http/);
});
