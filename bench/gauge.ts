/** Owns the view into a process under test: loaded into it before its program, it tells what the process has used so far. */

export interface Used {
  /** Of all threads, in user mode and in the kernel, since the start. */
  readonly cpuMicroseconds: number;
  readonly peakMiB: number;
}

process.on("message", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.send?.({ cpuMicroseconds: userCPUTime + systemCPUTime, peakMiB: maxRSS / 1024 } satisfies Used);
});
// The program ends when it wants to, and with the bench at the latest.
process.channel?.unref();
process.once("disconnect", () => process.exit());
