/** Owns what the operator reads: levels, and one line an event on standard error. */

const levels = { error: 0, warn: 1, info: 2, debug: 3 } as const;

export type LogLevel = keyof typeof levels;
export const logLevels = Object.keys(levels) as readonly LogLevel[];

export type LogFields = Readonly<Record<string, unknown>>;

/** Prompts and outputs may be passed at `debug` only. Fields that take work to find are found only where they are shown. */
export type Log = Readonly<Record<LogLevel, (message: string, fields?: LogFields | (() => LogFields)) => void>>;

const colours: Readonly<Record<LogLevel, string>> = { error: "31", warn: "33", info: "36", debug: "90" };

/** Where lines for people go. */
export interface LineOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** A log that writes lines of `level` and above to `out`; coloured only on a terminal that wants it (no-color.org). */
export function createLog(level: LogLevel, out: LineOutput = process.stderr): Log {
  const coloured = out.isTTY === true && !process.env["NO_COLOR"];
  const write =
    (at: LogLevel) =>
    (message: string, fields: LogFields | (() => LogFields) = {}): void => {
      if (levels[at] > levels[level]) return;
      const label = coloured ? `\u001B[${colours[at]}m${at}\u001B[0m` : at;
      const tail = Object.entries(typeof fields === "function" ? fields() : fields).map(
        ([key, value]) => ` ${key}=${JSON.stringify(value)}`,
      );
      out.write(`${label} ${message}${tail.join("")}\n`);
    };
  return { error: write("error"), warn: write("warn"), info: write("info"), debug: write("debug") };
}

/** `log`, with `fields` in each of its lines. */
export function logWith(fields: LogFields, log: Log): Log {
  const add =
    (write: Log["info"]): Log["info"] =>
    (message, more = {}) =>
      write(message, typeof more === "function" ? () => ({ ...fields, ...more() }) : { ...fields, ...more });
  return { error: add(log.error), warn: add(log.warn), info: add(log.info), debug: add(log.debug) };
}

export const silentLog: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

/** A step of long work: `done` of `total` (null: unknown), counted in `unit`. Called often; whoever shows it thins it out. */
export interface Work {
  readonly label: string;
  readonly done: number;
  readonly total: number | null;
  readonly unit: "bytes" | "percent" | "tokens";
}

/** Shows the progress of work that may take over 2 s. */
export type ReportWork = (work: Work) => void;
