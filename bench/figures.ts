/** Owns the figures of all benches: medians with their spread, aims, and how both are printed. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Of at least one value. */
export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), least: Math.min(...values), most: Math.max(...values) };
}

/** The value below which `share` of `values` lie; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Up to three digits that mean something. */
export function digits(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return rounded >= 10_000 ? rounded.toLocaleString("en") : String(rounded);
}

export function spelled({ median, least, most }: Spread): string {
  return least === most ? digits(median) : `${digits(median)} (${digits(least)} to ${digits(most)})`;
}

/** One thing that was measured, of each candidate. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly figures: Readonly<Record<string, Spread>>;
  /** What the row is about: a ratio, or the figure itself where there is nothing to compare with. */
  readonly verdict?: { readonly value: number; readonly aim: number; readonly better: "less" | "more" };
}

export function meets({ verdict }: Row): boolean {
  if (!verdict) return true;
  const { value, aim, better } = verdict;
  return better === "less" ? value <= aim : value >= aim;
}

/** Prints `rows`, as a table or as one line of JSON; the exit code is 1 where an aim is missed. */
export function report(title: string, rows: readonly Row[], json: boolean): void {
  if (json)
    process.stdout.write(`${JSON.stringify({ title, rows: rows.map((row) => ({ ...row, met: meets(row) })) })}\n`);
  else process.stdout.write(`${title}\n\n${rows.map(line).join("\n")}\n`);
  if (!rows.every(meets)) process.exitCode = 1;
}

function line(row: Row): string {
  const { name, unit, figures, verdict } = row;
  const measured = Object.entries(figures).map(([who, figure]) => `    ${who.padEnd(13)} ${spelled(figure)} ${unit}`);
  const sign = verdict?.better === "less" ? "at most" : "at least";
  const judged = verdict
    ? ` ${digits(verdict.value)} - ${meets(row) ? "meets" : "MISSES"} the aim: ${sign} ${verdict.aim}`
    : "";
  return [`${name}:${judged}`, ...measured].join("\n");
}
