/**
 * Owns the question which GPU build of llama.cpp a machine can use. They bring no libraries of the GPU's makers: that of CUDA
 * needs its runtime (12 or 13) besides the driver, that of Vulkan the loader, and Metal is part of macOS.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Machine, noSuchBuild } from "./platform.ts";

export type Gpu = "cuda" | "vulkan" | "metal" | "off";

/** What `--gpu` takes. */
export type GpuWish = "auto" | Gpu;

/** What is looked at, so that tests can make up a machine. */
export interface Sight {
  readonly machine: Machine;
  readonly env: NodeJS.ProcessEnv;
  readonly exists: (path: string) => boolean;
}

/** The GPU builds of each machine, as packages of node-llama-cpp beside its own; `cuda-ext` is for CUDA 12. */
const builds: Readonly<Record<string, Readonly<Partial<Record<Gpu, readonly string[]>>>>> = {
  "darwin-arm64": { metal: [] },
  "linux-x64": { cuda: ["linux-x64-cuda", "linux-x64-cuda-ext"], vulkan: ["linux-x64-vulkan"] },
  "win32-x64": { cuda: ["win-x64-cuda", "win-x64-cuda-ext"], vulkan: ["win-x64-vulkan"] },
};

/** Packages that `gpu` needs on `machine`; throws, in words for people, where there is no such build. */
export function gpuPackages(gpu: Gpu, { platform, arch }: Machine): readonly string[] {
  if (gpu === "off") return [];
  const packages = builds[`${platform}-${arch}`]?.[gpu];
  if (packages === undefined) throw noSuchBuild(gpu, { platform, arch });
  return packages.map((name) => `@node-llama-cpp/${name}`);
}

/** The best that can be seen from here, without starting anything. */
export function seenGpu(sight: Sight): Gpu {
  const { platform, arch } = sight.machine;
  const known = builds[`${platform}-${arch}`];
  if (known?.metal) return "metal";
  if (known === undefined || !hasDevice(sight)) return "off";
  if (has(sight, libraries[platform]?.cuda ?? [])) return "cuda";
  return has(sight, libraries[platform]?.vulkan ?? []) ? "vulkan" : "off";
}

export const here = (machine: Machine): Sight => ({ machine, env: process.env, exists: existsSync });

/** Each a choice of files that must all be there. */
const libraries: Readonly<Partial<Record<NodeJS.Platform, Readonly<Record<"cuda" | "vulkan", readonly string[][]>>>>> =
  {
    linux: {
      cuda: [
        ["libcuda.so.1", "libcudart.so.13", "libcublas.so.13"],
        ["libcuda.so.1", "libcudart.so.12", "libcublas.so.12"],
      ],
      vulkan: [["libvulkan.so.1"]],
    },
    win32: {
      cuda: [
        ["nvcuda.dll", "cudart64_13.dll", "cublas64_13.dll"],
        ["nvcuda.dll", "cudart64_12.dll", "cublas64_12.dll"],
      ],
      vulkan: [["vulkan-1.dll"]],
    },
  };

/** The driver's own marks: NVIDIA's device, WSL's, AMD's compute device, NVIDIA's library on Windows. */
function hasDevice({ machine, env, exists }: Sight): boolean {
  if (machine.platform === "linux") return ["/dev/nvidiactl", "/dev/dxg", "/dev/kfd"].some(exists);
  return exists(join(env["SystemRoot"] ?? "C:\\Windows", "System32", "nvcuda.dll"));
}

function has(sight: Sight, choices: readonly (readonly string[])[]): boolean {
  const folders = libraryFolders(sight);
  return choices.some((files) => files.every((file) => folders.some((folder) => sight.exists(join(folder, file)))));
}

function libraryFolders({ machine, env }: Sight): readonly string[] {
  const listed = (name: string, separator: string): string[] => (env[name] ?? "").split(separator).filter(Boolean);
  const cuda = env["CUDA_PATH"] ?? "/usr/local/cuda";
  if (machine.platform === "win32") {
    return [join(env["SystemRoot"] ?? "C:\\Windows", "System32"), join(cuda, "bin"), ...listed("PATH", ";")];
  }
  return [
    ...listed("LD_LIBRARY_PATH", ":"),
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/lib/wsl/lib",
    "/opt/cuda/lib64",
    join(cuda, "lib64"),
    join(cuda, "targets/x86_64-linux/lib"),
  ];
}
