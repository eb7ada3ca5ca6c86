/**
 * Owns numbers between bounds, in GBNF: which digits may follow which. They are written out, without exponents. Reading a
 * decimal as a double never swaps two of them, so that what lies between two decimals lies between their doubles.
 */
import { limits } from "../../limits.ts";
import type { Fields } from "./combine.ts";
import { literal, oneOf } from "./rules.ts";

/** Whole numbers that JavaScript writes out have so many digits at most. */
const usualDigits = 21;
/** As many as doubles near one tell apart, and some more. */
const fractionDigits = 24;
const anyDigits = `[0-9]{0,${fractionDigits}}`;
const zeros = `"0"{0,${fractionDigits}}`;
const anyFraction = `("." [0-9]{1,${fractionDigits}})?`;

/** A number that is not negative: its digits before and behind the point, the latter without closing zeros. */
interface Decimal {
  readonly whole: bigint;
  readonly fraction: string;
}

const nothing: Decimal = { whole: 0n, fraction: "" };

/** An expression for the numbers that `schema` bounds; null where it bounds none, or no number of bearable length fits. */
export function boundedNumber(schema: Fields): string | null {
  const { low, high } = boundsOf(schema);
  if (low === null && high === null) return null;
  const whole = schema["type"] === "integer";
  const [least, most] = [low === null ? -Infinity : low, high === null ? Infinity : high];
  const [from, to] = whole ? [Math.ceil(least), Math.floor(most)] : [least, most];
  if (from > to) return null;
  const between = whole ? wholesBetween : decimalsBetween;
  const positive = to < 0 ? null : between(decimal(Math.max(from, 0), "up"), decimal(to, "down"));
  const smallest = whole ? 1 : 0;
  const negative =
    from > -smallest || (from === 0 && to >= 0)
      ? null
      : between(decimal(Math.max(-to, smallest), "up"), decimal(-from, "down"));
  const choices = [...(positive === null ? [] : [positive]), ...(negative === null ? [] : [`"-" (${negative})`])];
  return choices.length === 0 ? null : oneOf(choices);
}

/** Both ends included: what must not be reached is taken for its neighbour. Booleans are how OpenAPI 3.0 excludes. */
function boundsOf(schema: Fields): { readonly low: number | null; readonly high: number | null } {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const above = exclusiveMinimum === true ? minimum : exclusiveMinimum;
  const below = exclusiveMaximum === true ? maximum : exclusiveMaximum;
  const isWhole = schema["type"] === "integer";
  const lows = [
    ...(isBound(minimum) ? [minimum] : []),
    ...(isBound(above) ? [isWhole ? Math.max(Math.floor(above) + 1, neighbour(above, 1)) : neighbour(above, 1)] : []),
  ];
  const highs = [
    ...(isBound(maximum) ? [maximum] : []),
    ...(isBound(below) ? [isWhole ? Math.min(Math.ceil(below) - 1, neighbour(below, -1)) : neighbour(below, -1)] : []),
  ];
  return { low: lows.length > 0 ? Math.max(...lows) : null, high: highs.length > 0 ? Math.min(...highs) : null };
}

function isBound(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** The next double above (1) or below (-1). */
function neighbour(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(value > 0 ? direction : -direction));
  return view.getFloat64(0);
}

/** `value` written out, not beyond it in the direction that is not named; null for infinity. */
function decimal(value: number, round: "up" | "down"): Decimal | null {
  if (value === Infinity) return null;
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  const [before = "0", behind = ""] = mantissa.split(".");
  const point = before.length + Number(exponent);
  const digits = before + behind;
  const whole = point <= 0 ? 0n : BigInt(digits.slice(0, point).padEnd(point, "0"));
  const all = point <= 0 ? "0".repeat(-point) + digits : digits.slice(point);
  const kept = all.slice(0, fractionDigits).replace(/0+$/, "");
  if (round === "down" || /^0*$/.test(all.slice(fractionDigits))) return { whole, fraction: kept };
  const raised = BigInt(`1${all.slice(0, fractionDigits)}`) + 1n;
  return {
    whole: whole + (String(raised).startsWith("2") ? 1n : 0n),
    fraction: String(raised).slice(1).replace(/0+$/, ""),
  };
}

function wholesBetween(low: Decimal | null, high: Decimal | null): string | null {
  if (low === null) return null;
  const most = high?.whole ?? null;
  if (String(low.whole).length > limits.grammarDigits || (most !== null && most < low.whole)) return null;
  const digits = Math.max(usualDigits, String(low.whole).length);
  const open = most === null || String(most).length > Math.max(digits, limits.grammarDigits);
  return wholes(low.whole, open ? 10n ** BigInt(digits) - 1n : most);
}

/** By length: numbers of as many digits compare as texts. */
function wholes(low: bigint, high: bigint): string {
  const choices: string[] = [];
  const [shortest, longest] = [String(low).length, String(high).length];
  for (let length = shortest; length <= longest; length += 1) {
    const from = length === shortest ? String(low) : `1${"0".repeat(length - 1)}`;
    const to = length === longest ? String(high) : "9".repeat(length);
    choices.push(sameLength(from, to));
  }
  return oneOf(choices);
}

function sameLength(low: string, high: string): string {
  const [first = "0", last = "0"] = [low[0], high[0]];
  const rest = low.length - 1;
  if (rest === 0) return digit(first, last);
  if (first === last) return `"${first}" ${sameLength(low.slice(1), high.slice(1))}`;
  const fromBeginning = /^0*$/.test(low.slice(1));
  const toEnd = /^9*$/.test(high.slice(1));
  const [from, to] = [Number(first) + (fromBeginning ? 0 : 1), Number(last) - (toEnd ? 0 : 1)];
  const choices = from <= to ? [`${digit(String(from), String(to))} [0-9]{${rest}}`] : [];
  if (!fromBeginning) choices.push(`"${first}" ${sameLength(low.slice(1), "9".repeat(rest))}`);
  if (!toEnd) choices.push(`"${last}" ${sameLength("0".repeat(rest), high.slice(1))}`);
  return oneOf(choices);
}

function digit(from: string, to: string): string {
  return from === to ? `"${from}"` : `[${from}-${to}]`;
}

function decimalsBetween(low: Decimal | null, high: Decimal | null): string | null {
  if (low === null || String(low.whole).length > limits.grammarDigits) return null;
  const most = high === null || String(high.whole).length > limits.grammarDigits ? null : high;
  if (most !== null && low.whole === most.whole) {
    const known = literal(String(low.whole));
    if (low.fraction === "") return `${known} ${atMost(most.fraction)}`;
    return low.fraction <= most.fraction ? `${known} "." ${fractions(low.fraction, most.fraction)}` : null;
  }
  if (most !== null && most.whole < low.whole) return null;
  const choices = [
    `${literal(String(low.whole))} ${low.fraction === "" ? anyFraction : `"." ${higher(low.fraction)}`}`,
  ];
  const after = { whole: low.whole + 1n, fraction: "" };
  const inner = wholesBetween(after, most === null ? null : { ...nothing, whole: most.whole - 1n });
  if (inner !== null) choices.push(`${inner} ${anyFraction}`);
  if (most !== null) choices.push(`${literal(String(most.whole))} ${atMost(most.fraction)}`);
  return oneOf(choices);
}

/** A point and digits that come to `fraction` at most, or neither. */
function atMost(fraction: string): string {
  return fraction === "" ? `("." "0" ${zeros})?` : `("." ${lower(fraction)})?`;
}

/** Digits behind a point that come to `fraction` at least; it is not empty. */
function higher(fraction: string): string {
  const first = fraction[0] ?? "0";
  if (fraction.length === 1) return `${digit(first, "9")} ${anyDigits}`;
  const same = `"${first}" ${higher(fraction.slice(1))}`;
  return first === "9" ? same : oneOf([`${digit(next(first, 1), "9")} ${anyDigits}`, same]);
}

/** Digits behind a point that come to `fraction` at most; it is not empty. */
function lower(fraction: string): string {
  const first = fraction[0] ?? "0";
  const same = `"${first}" ${followed(fraction.slice(1))}`;
  return first === "0" ? same : oneOf([`${digit("0", next(first, -1))} ${anyDigits}`, same]);
}

/** What may follow digits, to come to `rest` at most. */
function followed(rest: string): string {
  return rest === "" ? zeros : `(${lower(rest)})?`;
}

/** Digits behind a point from `low`, which is not empty, to `high`. */
function fractions(low: string, high: string): string {
  const [first = "0", last = "0"] = [low[0], high[0]];
  const [rest, end] = [low.slice(1), high.slice(1)];
  if (first === last) return `"${first}" ${rest === "" ? followed(end) : fractions(rest, end)}`;
  const choices = [`"${first}" ${rest === "" ? anyDigits : higher(rest)}`, `"${last}" ${followed(end)}`];
  if (Number(last) - Number(first) > 1) choices.push(`${digit(next(first, 1), next(last, -1))} ${anyDigits}`);
  return oneOf(choices);
}

function next(digit: string, step: 1 | -1): string {
  return String(Number(digit) + step);
}
