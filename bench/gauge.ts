/** Owns the view into a process under test: loaded into it before its program, it tells what the process has used so far. */
import { monitorEventLoopDelay } from "node:perf_hooks";

export interface Used {
  /** Of all threads, in user mode and in the kernel, since the start. */
  readonly cpuMicroseconds: number;
  readonly peakMiB: number;
}

/** By how much its turns came later than they should, in milliseconds, since it was asked before. */
export interface Delays {
  readonly p99: number;
  readonly most: number;
}

/** Milliseconds between two looks. */
const resolution = 2;
const delays = monitorEventLoopDelay({ resolution });

const inMilliseconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolution);

process.on("message", (question) => {
  if (question === "delays") {
    const told: Delays = { p99: inMilliseconds(delays.percentile(99)), most: inMilliseconds(delays.max) };
    delays.reset();
    // Not before somebody asks: to look costs time, which other benches count.
    delays.enable();
    process.send?.(told);
    return;
  }
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.send?.({ cpuMicroseconds: userCPUTime + systemCPUTime, peakMiB: maxRSS / 1024 } satisfies Used);
});
// The program ends when it wants to, and with the bench at the latest.
process.channel?.unref();
process.once("disconnect", () => process.exit());
