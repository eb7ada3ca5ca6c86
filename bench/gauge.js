/**
 * Owns the view into a process under test: loaded into it before its program, it tells what the process has used so far, as
 * `gauged.ts` declares it. JavaScript, since what strips types in Node would stay in that process's memory.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Milliseconds between two looks. */
const resolution = 2;
const delays = monitorEventLoopDelay({ resolution });

const inMilliseconds = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - resolution);

process.on("message", (question) => {
  if (question === "delays") {
    const told = { p99: inMilliseconds(delays.percentile(99)), most: inMilliseconds(delays.max) };
    delays.reset();
    // Not before somebody asks: to look costs time, which other benches count.
    delays.enable();
    process.send?.(told);
    return;
  }
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.send?.({ cpuMicroseconds: userCPUTime + systemCPUTime, peakMiB: maxRSS / 1024 });
});
// The program ends when it wants to, and with the bench at the latest.
process.channel?.unref();
process.once("disconnect", () => process.exit());
