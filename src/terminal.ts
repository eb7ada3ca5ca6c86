/** Owns how progress looks: one line that is rewritten on a terminal, a line now and then in a log. */
import type { LineOutput, ReportWork, Work } from "./log.ts";

/** Work that is done sooner is not worth a line. */
const silentMs = 2000;
const terminalEveryMs = 100;
const logEveryMs = 5000;
const barWidth = 24;
const usualColumns = 80;
const eraseLine = "\r\u001B[K";

/** Standard error, shared by a progress line and by whatever else is written there. */
export interface Screen {
  readonly report: ReportWork;
  /** For everything else: takes the progress line away first, since it has no line end yet. */
  readonly lines: LineOutput;
  /** Takes the progress line away, before something is written to the terminal on another stream. */
  clear(): void;
}

/** A screen on `out`; several works at once take turns. `now` is a clock in ms. */
export function createScreen(
  out: LineOutput & { readonly columns?: number } = process.stderr,
  now: () => number = () => performance.now(),
): Screen {
  const live = out.isTTY === true;
  const begun = new Map<string, number>();
  let drawn = -Infinity;
  let open = false;
  const clear = (): void => {
    if (open) out.write(eraseLine);
    open = false;
  };
  const report: ReportWork = (work) => {
    const time = now();
    const start = begun.get(work.label) ?? time;
    begun.set(work.label, start);
    const finished = work.total !== null && work.done >= work.total;
    if (finished) begun.delete(work.label);
    if (time - start < silentMs) return;
    if (!finished && time - drawn < (live ? terminalEveryMs : logEveryMs)) return;
    drawn = time;
    if (!live) return void out.write(`${describe(work)}\n`);
    // A line that wraps cannot be rewritten; some terminals say that they have 0 columns.
    out.write(`${eraseLine}${describe(work).slice(0, (out.columns || usualColumns) - 1)}${finished ? "\n" : ""}`);
    open = !finished;
  };
  const write = (text: string): unknown => {
    clear();
    return out.write(text);
  };
  return { report, lines: { isTTY: live, write }, clear };
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
