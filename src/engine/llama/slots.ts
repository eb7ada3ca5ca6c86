/**
 * Owns the choice of a slot: the idle one that holds the thread already, else an empty one, else the oldest. Threads share
 * their instructions; the slot with the longest common beginning would be taken from one thread by the next, for ever.
 */
import { limits } from "../../limits.ts";

export interface Slot {
  /** Tokens that lie in its cache. */
  readonly tokens: readonly number[];
  /** How many of them were the prompt: the next turn of that thread begins with those. */
  readonly prompt: number;
  /** Whose they are, where the client says so. */
  readonly affinity: string | null;
  /** A number that grows with each use. */
  readonly used: number;
}

/** What is asked of a slot. */
export interface Asked {
  readonly prompt: readonly number[];
  readonly affinity: string | null;
}

/** Length of the longest beginning that both have. */
export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length += 1;
  return length;
}

/** The idle slot where least is lost and most is gained; null without slots. */
export function chooseSlot<S extends Slot>(idle: readonly S[], asked: Asked): S | null {
  const offers = idle.map((slot) => {
    const common = commonPrefix(slot.tokens, asked.prompt);
    return { slot, kept: holdsThread(slot, asked, common) ? common : 0 };
  });
  offers.sort(
    (a, b) => b.kept - a.kept || Number(isFull(a.slot)) - Number(isFull(b.slot)) || a.slot.used - b.slot.used,
  );
  return offers[0]?.slot ?? null;
}

/**
 * Whether `slot` goes on with what is asked: next to nothing of its prompt is lost but the marks that templates end one
 * with, or it is the client's own thread whose end was changed.
 */
function holdsThread({ tokens, prompt, affinity }: Slot, asked: Asked, common: number): boolean {
  if (prompt - common <= Math.min(limits.enginePromptEnd, prompt / 4)) return true;
  return affinity !== null && affinity === asked.affinity && common >= tokens.length / 2;
}

function isFull({ tokens }: Slot): boolean {
  return tokens.length > 0;
}
