/** Owns the question which binary of llama.cpp a machine needs, and whether there is one. */

/** What decides on the binary. `glibc`: its version; null where the system is no Linux or has another C library. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly glibc: string | null;
}

/** node-llama-cpp's packages that need nothing but the machine itself: CPU, and Metal where every machine has it. */
const packages: Readonly<Record<string, string>> = {
  "darwin-arm64": "mac-arm64-metal",
  "darwin-x64": "mac-x64",
  "linux-arm": "linux-armv7l",
  "linux-arm64": "linux-arm64",
  "linux-riscv64": "linux-riscv64",
  "linux-x64": "linux-x64",
  "win32-arm64": "win-arm64",
  "win32-x64": "win-x64",
};

/** The oldest glibc that the Linux binaries run on (Ubuntu 22.04, Debian 12, RHEL 9 have newer ones). */
const oldestGlibc = [2, 34] as const;

const instead =
  "Run a server such as llama-server, Ollama or vLLM on a machine that can, and start Antiphon with --upstream URL.";

export function thisMachine(): Machine {
  const { platform, arch } = process;
  if (platform !== "linux") return { platform, arch, glibc: null };
  // Looking up the names of all network interfaces would take seconds.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as unknown as { readonly header: Readonly<Record<string, unknown>> };
  const version = report.header["glibcVersionRuntime"];
  return { platform, arch, glibc: typeof version === "string" ? version : null };
}

/** There is no build that uses this GPU here. */
export function noSuchBuild(gpu: string, { platform, arch }: Pick<Machine, "platform" | "arch">): Error {
  return new Error(
    `The embedded engine has no build with ${gpu} for ${platform} on ${arch}; leave out --gpu. ${instead}`,
  );
}

/** Name of the package with the binary for `machine`; throws, in words for people, where there is none. */
export function platformPackage({ platform, arch, glibc }: Machine): string {
  const name = packages[`${platform}-${arch}`];
  if (name === undefined) throw new Error(`The embedded engine has no build for ${platform} on ${arch}. ${instead}`);
  if (platform === "linux") {
    const needed = oldestGlibc.join(".");
    if (glibc === null) {
      throw new Error(
        `The embedded engine needs glibc ${needed} or newer; this Linux has another C library (musl?). ${instead}`,
      );
    }
    const [major = 0, minor = 0] = glibc.split(".").map(Number);
    if (major < oldestGlibc[0] || (major === oldestGlibc[0] && minor < oldestGlibc[1])) {
      throw new Error(`The embedded engine needs glibc ${needed} or newer; this system has ${glibc}. ${instead}`);
    }
  }
  return `@node-llama-cpp/${name}`;
}
