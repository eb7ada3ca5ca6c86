/** Owns the tests of models that other programs hold: Ollama, LM Studio, llama.cpp's own cache. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { silentLog } from "../../src/log.ts";
import { listNeighbours, ModelError, rememberModel, resolveModel, type Surroundings } from "../../src/model/model.ts";

interface Machine {
  readonly around: Surroundings;
  /** Writes a file below the home folder and returns its path. */
  readonly put: (path: string, content: string) => Promise<string>;
}

/** A machine with nothing on it, and no network. */
async function machine(t: TestContext, env: NodeJS.ProcessEnv = {}): Promise<Machine> {
  const home = await mkdtemp(join(tmpdir(), "antiphon-neighbours-"));
  t.after(() => rm(home, { recursive: true }));
  return {
    around: {
      folders: { cache: join(home, "our"), data: join(home, "data"), config: join(home, "config") },
      report: () => {},
      log: silentLog,
      signal: new AbortController().signal,
      env: { HOME: home, HF_ENDPOINT: "http://127.0.0.1:9", ...env },
    },
    async put(path, content) {
      const whole = join(home, path);
      await mkdir(dirname(whole), { recursive: true });
      await writeFile(whole, content);
      return whole;
    },
  };
}

const digest = "ab".repeat(32);
const manifest = JSON.stringify({
  schemaVersion: 2,
  layers: [
    { mediaType: "application/vnd.ollama.image.template", digest: `sha256:${"cd".repeat(32)}` },
    { mediaType: "application/vnd.ollama.image.model", digest: `sha256:${digest}` },
  ],
});

test("what Ollama holds goes by its name there", async (t) => {
  const { around, put } = await machine(t);
  const blob = await put(`.ollama/models/blobs/sha256-${digest}`, "GGUF and so on");
  const manifests = ".ollama/models/manifests";
  await put(`${manifests}/registry.ollama.ai/library/qwen3/latest`, manifest);
  await put(`${manifests}/registry.ollama.ai/somebody/Tiny/1b`, manifest);
  await put(`${manifests}/hf.co/org/Repo-GGUF/Q4_K_M`, manifest);
  const names = { qwen3: "qwen3", "qwen3:latest": "qwen3", "somebody/Tiny:1b": "somebody/tiny:1b" };
  for (const [name, id] of Object.entries({ ...names, "hf.co/org/Repo-GGUF:Q4_K_M": "hf.co/org/repo-gguf:q4_k_m" })) {
    const weights = await resolveModel(`ollama:${name}`, around);
    assert.deepEqual([weights.id, weights.path], [id, blob]);
    await rememberModel(weights, around.folders);
  }
  const listed = (await listNeighbours(around)).map(({ source }) => source).sort();
  assert.deepEqual(listed, ["ollama:hf.co/org/Repo-GGUF:Q4_K_M", "ollama:qwen3:latest", "ollama:somebody/Tiny:1b"]);
  for (const source of listed) assert.equal((await resolveModel(source, around)).path, blob);
  assert.equal((await resolveModel(null, around)).path, blob, "the model used last is used again");
});

test("what Ollama lacks, or holds in another form, is said with what to do", async (t) => {
  const { around, put } = await machine(t);
  const folder = ".ollama/models/manifests/registry.ollama.ai/library";
  await put(`${folder}/engine/latest`, manifest);
  await put(`.ollama/models/blobs/sha256-${digest}`, "safetensors");
  await put(`${folder}/outside/latest`, manifest.replace(digest, "../../../../secret"));
  for (const name of ["missing", "engine", "outside"]) {
    await assert.rejects(resolveModel(`ollama:${name}`, around), { message: new RegExp(`ollama pull ${name}`) });
  }
  for (const name of ["", "../x", "a/b/c/d", "x:..", "a b"]) {
    await assert.rejects(resolveModel(`ollama:${name}`, around), ModelError);
  }
  assert.deepEqual(await listNeighbours(around), []);
});

test("OLLAMA_MODELS says where Ollama keeps its models", async (t) => {
  const { around, put } = await machine(t);
  const blob = await put(`elsewhere/blobs/sha256-${digest}`, "GGUF");
  await put("elsewhere/manifests/registry.ollama.ai/library/m/8b", manifest);
  const moved = { ...around, env: { ...around.env, OLLAMA_MODELS: dirname(dirname(blob)) } };
  assert.equal((await resolveModel("ollama:m:8b", moved)).path, blob);
});

test("what LM Studio holds is chosen as on the hub, whole models only", async (t) => {
  const { around, put } = await machine(t);
  const folder = ".lmstudio/models/pub/Tiny-GGUF";
  const usual = await put(`${folder}/Tiny-Q4_K_M.gguf`, "GGUF");
  const large = await put(`${folder}/Tiny-Q8_0.gguf`, "GGUF");
  await put(`${folder}/mmproj-F16.gguf`, "GGUF");
  await put(`${folder}/Tiny-BF16-00001-of-00002.gguf`, "GGUF");
  assert.equal((await resolveModel("lmstudio:pub/Tiny-GGUF", around)).path, usual);
  assert.equal((await resolveModel("lmstudio:pub/Tiny-GGUF:Q8_0", around)).path, large);
  assert.equal((await resolveModel("lmstudio:pub/Tiny-GGUF/Tiny-Q8_0.gguf", around)).id, "tiny");
  await assert.rejects(resolveModel("lmstudio:pub/Tiny-GGUF:BF16", around), { message: /LM Studio holds no .*hf:/ });
  await assert.rejects(resolveModel("lmstudio:../x", around), { message: /"lmstudio:\.\.\/x" is no model name/ });
  const listed = (await listNeighbours(around)).map(({ source, path }) => [source, path]);
  assert.deepEqual(listed, [
    ["lmstudio:pub/Tiny-GGUF/Tiny-Q4_K_M.gguf", usual],
    ["lmstudio:pub/Tiny-GGUF/Tiny-Q8_0.gguf", large],
  ]);
});

test("LM Studio's folder may have been moved", async (t) => {
  const { around, put } = await machine(t);
  const model = await put("moved/models/pub/m/m.gguf", "GGUF");
  await put(".lmstudio-home-pointer", `${dirname(dirname(dirname(dirname(model))))}\n`);
  assert.equal((await resolveModel("lmstudio:pub/m", around)).path, model);
});

test("models in llama.cpp's cache are found by their repository, and links to nowhere are not", async (t) => {
  const { around, put } = await machine(t);
  const model = await put(".cache/llama.cpp/org_Tiny-GGUF_Tiny-Q4_K_M.gguf", "GGUF");
  await put(".cache/llama.cpp/org_Tiny-GGUF_Tiny-Q8_0.gguf.downloadInProgress", "GGUF");
  const hub = await put(".cache/huggingface/hub/models--org--Tiny-GGUF/snapshots/abc/README.md", "");
  await symlink("nowhere", join(dirname(hub), "Tiny-Q4_K_M.gguf"));
  assert.equal((await resolveModel("hf:org/Tiny-GGUF", around)).path, model);
  await assert.rejects(resolveModel("hf:org/Tiny-GGUF:Q8_0", around), ModelError);
  const moved = { ...around, env: { ...around.env, LLAMA_CACHE: dirname(model), XDG_CACHE_HOME: "/nowhere" } };
  assert.equal((await resolveModel("hf:org/Tiny-GGUF", moved)).path, model);
});
