/** Owns the tests of the choice of a GPU build: on made-up machines, since few that run this have a GPU. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gpuPackages, seenGpu, type Sight } from "../../../src/engine/llama/gpu.ts";
import { lockFor } from "../../../src/engine/llama/install.ts";
import type { Machine } from "../../../src/engine/llama/platform.ts";

const linux: Machine = { platform: "linux", arch: "x64", glibc: "2.39" };
const windows: Machine = { platform: "win32", arch: "x64", glibc: null };
const mac: Machine = { platform: "darwin", arch: "arm64", glibc: null };

const sight = (machine: Machine, files: readonly string[], env: NodeJS.ProcessEnv = {}): Sight => ({
  machine,
  env,
  exists: (path) => files.includes(path.replaceAll("\\", "/")),
});

const driver = ["/dev/nvidiactl", "/usr/lib/x86_64-linux-gnu/libcuda.so.1"];
const cuda12 = ["/usr/local/cuda/lib64/libcudart.so.12", "/usr/local/cuda/lib64/libcublas.so.12"];
const vulkan = ["/usr/lib/x86_64-linux-gnu/libvulkan.so.1"];

test("CUDA wants a driver and one runtime whole, else Vulkan does, else the CPU", () => {
  assert.equal(seenGpu(sight(linux, [])), "off");
  assert.equal(seenGpu(sight(linux, [...driver, ...cuda12, ...vulkan])), "cuda");
  assert.equal(seenGpu(sight(linux, [...driver, cuda12[0] ?? "", ...vulkan])), "vulkan");
  assert.equal(seenGpu(sight(linux, driver)), "off");
  assert.equal(seenGpu(sight(linux, [...cuda12, ...vulkan])), "off", "libraries without a device");
  assert.equal(seenGpu(sight(linux, ["/dev/kfd", ...vulkan])), "vulkan");
  const elsewhere = ["/x/libcuda.so.1", "/x/libcudart.so.13", "/x/libcublas.so.13", "/dev/dxg"];
  assert.equal(seenGpu(sight(linux, elsewhere)), "off");
  assert.equal(seenGpu(sight(linux, elsewhere, { LD_LIBRARY_PATH: "/y:/x" })), "cuda");
});

test("Windows and macOS have their own signs", () => {
  const system = "C:/Windows/System32";
  const env = { SystemRoot: "C:/Windows", CUDA_PATH: "C:/CUDA" };
  const nvidia = [`${system}/nvcuda.dll`, `${system}/vulkan-1.dll`];
  assert.equal(seenGpu(sight(windows, nvidia, env)), "vulkan");
  const toolkit = ["C:/CUDA/bin/cudart64_13.dll", "C:/CUDA/bin/cublas64_13.dll"];
  assert.equal(seenGpu(sight(windows, [...nvidia, ...toolkit], env)), "cuda");
  assert.equal(seenGpu(sight(windows, [`${system}/vulkan-1.dll`], env)), "off");
  assert.equal(seenGpu(sight(mac, [])), "metal");
  assert.equal(seenGpu(sight({ ...linux, arch: "arm64" }, [...driver, ...cuda12])), "off");
});

test("each build is in the lock file, and where there is none that is said", () => {
  const wanted = [...gpuPackages("cuda", linux), ...gpuPackages("vulkan", windows)];
  const { lockFile } = lockFor(wanted);
  const { packages } = lockFile as { readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  for (const name of wanted) {
    const { integrity, optional } = packages[`node_modules/${name}`] ?? {};
    assert.match(String(integrity), /^sha512-/, name);
    assert.equal(optional, undefined);
  }
  assert.deepEqual(gpuPackages("metal", mac), []);
  assert.deepEqual(gpuPackages("off", linux), []);
  assert.throws(() => gpuPackages("cuda", mac), /no build with cuda for darwin on arm64; leave out --gpu/);
});
