/** Owns the tests of the engine's installation: which binary, which lock file, what is said when it fails. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensureEnginePackage, explainFailure, lockFor } from "../../../src/engine/llama/install.ts";
import { platformPackage, thisMachine } from "../../../src/engine/llama/platform.ts";
import { silentLog } from "../../../src/log.ts";

const machine =
  (platform: NodeJS.Platform, arch: string, glibc: string | null = null): (() => string) =>
  () =>
    platformPackage({ platform, arch, glibc });

const said = (code: string): string => explainFailure(`npm error code ${code}\nnpm error more words`).message;

test("each machine has its binary, or is told what to do instead", () => {
  assert.equal(machine("linux", "x64", "2.39")(), "@node-llama-cpp/linux-x64");
  assert.equal(machine("linux", "arm64", "3.0")(), "@node-llama-cpp/linux-arm64");
  assert.equal(machine("darwin", "arm64")(), "@node-llama-cpp/mac-arm64-metal");
  assert.equal(machine("win32", "x64")(), "@node-llama-cpp/win-x64");
  assert.throws(machine("linux", "x64"), /another C library.*--upstream/s);
  assert.throws(machine("linux", "x64", "2.31"), /this system has 2\.31/);
  assert.throws(machine("freebsd", "x64"), /no build for freebsd on x64/);
});

test("the lock file wants the engine and one binary, names no address, and has a hash for every package", () => {
  const binary = "@node-llama-cpp/linux-x64";
  const { manifest, lockFile } = lockFor([binary]);
  const { packages } = lockFile as { readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  assert.deepEqual(packages[""], manifest);
  assert.doesNotMatch(JSON.stringify(lockFile), /https?:|resolved/);
  for (const [name, entry] of Object.entries(packages)) {
    if (name !== "") assert.match(String(entry["integrity"]), /^sha512-/, name);
    if (name.startsWith("node_modules/@node-llama-cpp/")) {
      assert.equal(entry["optional"] === true, name !== `node_modules/${binary}`, name);
    }
  }
});

test("npm's failures become advice", () => {
  assert.match(said("ENOTFOUND"), /could not be downloaded.*\(ENOTFOUND\).*network/);
  assert.match(said("E503"), /could not be downloaded/);
  assert.match(said("EINTEGRITY"), /hash differs/);
  assert.match(said("ENOSPC"), /no space left/);
  assert.match(said("EWHATEVER"), /more words/);
  assert.match(explainFailure("").message, /said nothing/);
});

test("what is installed is used, what is half installed is not, and both need no npm to be told apart", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "antiphon-install-"));
  context.after(() => rm(folder, { recursive: true }));
  const path = process.env["PATH"];
  process.env["PATH"] = folder;
  context.after(() => {
    process.env["PATH"] = path;
  });
  const install = (): Promise<string> =>
    ensureEnginePackage({ folder, gpu: "off", report: () => undefined, log: silentLog });
  await assert.rejects(install, /npm is needed once.*not installed/);
  const [version] = /\d+\.\d+\.\d+/.exec(JSON.stringify(lockFor(["@node-llama-cpp/linux-x64"]).manifest)) ?? [""];
  const name = platformPackage(thisMachine()).replace(/^.*\//, "");
  const target = join(folder, "engine", `${version}-${name}`);
  const inside = join(target, "node_modules", "node-llama-cpp");
  await mkdir(inside, { recursive: true });
  await writeFile(join(inside, "package.json"), "{");
  await assert.rejects(install, /npm is needed once/);
  await writeFile(join(inside, "package.json"), JSON.stringify({ version }));
  assert.equal(await install(), target);
});
