/** Owns the tests of the keys on disk: made once, shared, renewed by age, and never silently wrong. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { KeysError, loadKeys } from "../src/keys.ts";
import { limits } from "../src/limits.ts";
import { type Log, silentLog } from "../src/log.ts";
import { createSeal } from "../src/turn/seal.ts";

const home = mkdtempSync(join(tmpdir(), "antiphon-keys-"));
after(() => rmSync(home, { recursive: true, force: true }));

const newFolder = (): string => mkdtempSync(join(home, "data-"));
const start = Date.UTC(2026, 10, 22);
const load = (folder: string, stretch = 0, log: Log = silentLog): readonly Buffer[] =>
  loadKeys(folder, log, start + stretch * limits.sealKeyMs);

/** A log that keeps its warnings. */
function listening(): { readonly log: Log; readonly warnings: string[] } {
  const warnings: string[] = [];
  return { log: { ...silentLog, warn: (message) => warnings.push(message) }, warnings };
}

/** The folders of the keys of `folder`, oldest first. */
const stretches = (folder: string): string[] =>
  readdirSync(join(folder, "keys"))
    .sort()
    .map((name) => join(folder, "keys", name));

function onlyStretch(folder: string): string {
  const [only = "", ...others] = stretches(folder);
  assert.deepEqual(others, []);
  return only;
}

test("the first start makes a key, later ones find it", () => {
  const folder = join(newFolder(), "not", "yet", "there");
  const keys = load(folder);
  assert.deepEqual(
    keys.map((key) => key.length),
    [32],
  );
  assert.deepEqual(load(folder), keys);
  assert.notDeepEqual(load(newFolder()), keys);
});

test("only the owner can read it", { skip: process.platform === "win32" ? "Windows has no file modes" : false }, () => {
  const folder = join(newFolder(), "data");
  load(folder);
  const stretch = onlyStretch(folder);
  const modes = [folder, join(folder, "keys"), stretch, join(stretch, "key")].map(
    (path) => statSync(path).mode & 0o777,
  );
  assert.deepEqual(modes, [0o700, 0o700, 0o700, 0o600]);
});

test("a new stretch of time brings a new key in front; the same one brings none", () => {
  const folder = newFolder();
  const [old] = load(folder);
  const [next, ...rest] = load(folder, 1);
  assert.notDeepEqual(next, old);
  assert.deepEqual(rest, [old]);
  assert.deepEqual(load(folder, 1), [next, old]);
  assert.deepEqual(load(folder, 0), [next, old], "a clock that is set back");
});

test("what was sealed before a rotation opens after it", () => {
  const folder = newFolder();
  const sealed = createSeal(load(folder)).close("thinking");
  assert.equal(createSeal(load(folder, 1)).open(sealed), "thinking");
});

test(`no more than ${limits.sealKeys} keys are kept, the newest`, () => {
  const folder = newFolder();
  const made: (Buffer | undefined)[] = [];
  for (let stretch = 0; stretch < limits.sealKeys + 3; stretch += 1) made.unshift(load(folder, stretch)[0]);
  assert.deepEqual(load(folder, limits.sealKeys + 2), made.slice(0, limits.sealKeys));
  assert.equal(stretches(folder).length, limits.sealKeys);
});

const damages: Readonly<Record<string, (file: string) => void>> = {
  "an empty file": (file) => truncateSync(file, 0),
  "half a key": (file) => truncateSync(file, 20),
  "a key and more": (file) => writeFileSync(file, `${readFileSync(file, "utf8")}x`),
  "a stray character": (file) => writeFileSync(file, `!${readFileSync(file, "utf8")}`),
  "something else": (file) => writeFileSync(file, "\0\u00FF{}"),
  "what cannot be read": (file) => {
    rmSync(file);
    mkdirSync(file);
  },
};

for (const [damage, inflict] of Object.entries(damages)) {
  test(`${damage} in place of a key: an error that names the file and what to do, which then helps`, () => {
    const folder = newFolder();
    load(folder);
    const stretch = onlyStretch(folder);
    inflict(join(stretch, "key"));
    assert.throws(
      () => load(folder),
      (thrown: unknown) => {
        assert.ok(thrown instanceof KeysError);
        assert.ok(thrown.message.includes(join(stretch, "key")));
        assert.ok(thrown.message.includes(`delete the folder ${stretch}:`));
        return true;
      },
    );
    rmSync(stretch, { recursive: true });
    assert.equal(load(folder).length, 1);
  });
}

test("a folder that lost its key gets a new one", () => {
  const folder = newFolder();
  load(folder);
  rmSync(join(onlyStretch(folder), "key"));
  assert.deepEqual(load(folder), load(folder));
});

test("where nothing can be written a key is made for this process alone, with one warning", () => {
  const file = join(newFolder(), "file");
  writeFileSync(file, "");
  const { log, warnings } = listening();
  const keys = load(join(file, "data"), 0, log);
  assert.equal(keys[0]?.length, 32);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /lost with a restart/);
  assert.notDeepEqual(load(join(file, "data")), keys);
});

test("where no new key can be written the old one goes on, with one warning, and no draft is left", () => {
  const folder = newFolder();
  const keys = load(folder);
  load(folder, 1);
  const inTheWay = stretches(folder).at(-1) ?? "";
  rmSync(inTheWay, { recursive: true });
  writeFileSync(inTheWay, "");
  const { log, warnings } = listening();
  assert.deepEqual(load(folder, 1, log), keys);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /old one goes on/);
  assert.equal(stretches(folder).length, 2);
});

/** What each process prints: the keys it holds in the end in every round's folder, after so many rotations. */
const racer = (folder: string, rounds: number, rotations: number): string => `
  import { once } from "node:events";
  import { loadKeys } from ${JSON.stringify(new URL("../src/keys.ts", import.meta.url).href)};
  import { silentLog } from ${JSON.stringify(new URL("../src/log.ts", import.meta.url).href)};
  process.stdout.write("ready\\n");
  await once(process.stdin, "data");
  process.stdin.destroy();
  for (let round = 0; round < ${rounds}; round += 1) {
    const folder = ${JSON.stringify(folder)} + "/" + round;
    let keys = [];
    for (let stretch = 0; stretch <= ${rotations}; stretch += 1) {
      keys = loadKeys(folder, silentLog, ${start} + stretch * ${limits.sealKeyMs});
    }
    console.log(keys.map((key) => key.toString("hex")).join(" "));
  }`;

test("processes that start at once end with the same keys", async () => {
  const rounds = 12;
  const folder = newFolder();
  const script = racer(folder, rounds, limits.sealKeys + 1);
  const children = Array.from({ length: 3 }, () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    return { child, ready: new Promise((resolve) => child.stdout.once("readable", resolve)) };
  });
  await Promise.all(children.map(({ ready }) => ready));
  for (const { child } of children) child.stdin.end("go");
  const [first = "", ...others] = await Promise.all(children.map(({ child }) => text(child.stdout)));
  for (const other of others) assert.equal(other, first);
  const lines = first.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => line.split(" ").length),
    [1, ...Array.from({ length: rounds }, () => limits.sealKeys)],
  );
  for (let round = 0; round < rounds; round += 1) {
    const left = readdirSync(join(folder, `${round}`, "keys")).filter((name) => name.startsWith("new-"));
    assert.deepEqual(left, [], "a draft is left");
  }
});
