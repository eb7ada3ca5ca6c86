/** Owns how progress looks: one line that is rewritten on a terminal, a line now and then in a log. */
import type { ReportWork, Work } from "./log.ts";

/** Work that is done sooner is not worth a line. */
const silentMs = 2000;
const terminalEveryMs = 100;
const logEveryMs = 5000;
const barWidth = 24;

/** A progress display on `out`; several works at once take turns. */
export function createWorkDisplay(out: NodeJS.WriteStream = process.stderr): ReportWork {
  const begun = new Map<string, number>();
  let drawn = 0;
  return (work) => {
    const now = performance.now();
    const start = begun.get(work.label) ?? now;
    begun.set(work.label, start);
    const finished = work.total !== null && work.done >= work.total;
    if (finished) begun.delete(work.label);
    if (now - start < silentMs) return;
    if (!finished && now - drawn < (out.isTTY ? terminalEveryMs : logEveryMs)) return;
    drawn = now;
    const line = describe(work);
    if (out.isTTY) out.write(`\r\u001B[K${line}${finished ? "\n" : ""}`);
    else out.write(`${line}\n`);
  };
}

/** One line such as `Downloading x [####    ] 52 %  210 MB`. */
export function describe({ label, done, total, unit }: Work): string {
  const part = total === null || total === 0 ? null : Math.min(done / total, 1);
  const filled = Math.round((part ?? 0) * barWidth);
  const bar =
    part === null ? "" : ` [${"#".repeat(filled)}${" ".repeat(barWidth - filled)}] ${Math.floor(part * 100)} %`;
  const amount = unit === "percent" ? "" : `  ${unit === "bytes" ? megabytes(done) : `${done} ${unit}`}`;
  return `${label}${bar}${amount}`;
}

/** Bytes as people read them. */
export function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
