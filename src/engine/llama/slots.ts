/**
 * Owns the choice of a slot: the idle one that holds the thread already, else an empty one, else the oldest. Threads share
 * their instructions; the slot with the longest common beginning would be taken from one thread by the next, for ever.
 */
import { limits } from "../../limits.ts";
import type { Sequence } from "./binding.ts";

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

/**
 * How many of the prompt's first tokens can stay in the cache. Models with a sliding window or a recurrent state must read
 * anew from their last checkpoint on; they do so here, in chunks, and not in one go that cannot be aborted.
 */
export function keepable(sequence: Sequence, prompt: readonly number[]): number {
  const common = commonPrefix(sequence.contextTokens, prompt);
  if (common === sequence.nextTokenIndex) return common;
  return common - Math.max(sequence.getRestoreToPrefixIndexEvaluationSize(common - 1), 0);
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

/** A thread whose beginning must be read again. */
export interface Loss {
  /** Tokens that were read before, and how many of them need not be read again. */
  readonly known: number;
  readonly kept: number;
  /** `changed`: it is another from token `same` on; `evicted`: a stranger took its slot; `busy`: its slot is writing. */
  readonly why: "changed" | "evicted" | "busy";
  /** Tokens with which it still begins as before; null where its slot is gone. */
  readonly same: number | null;
}

/** Remembers the threads that clients name, to tell when and why what was read of one is lost. */
export class Threads {
  readonly #read = new Map<string, number>();

  /** The loss that `asked` suffers in `slot`, one of `slots`; null where it is none, or nobody said whose thread it is. */
  lossOf({ prompt, affinity }: Asked, slot: Slot, slots: readonly (Slot & { readonly busy: boolean })[]): Loss | null {
    const known = affinity === null ? undefined : this.#read.get(affinity);
    if (known === undefined) return null;
    const kept = commonPrefix(slot.tokens, prompt);
    if (known - kept <= limits.enginePromptEnd) return null;
    const own = slots.find((other) => other.affinity === affinity);
    const same = own === undefined ? null : commonPrefix(own.tokens, prompt);
    return { known, kept, same, why: own === undefined ? "evicted" : own.busy ? "busy" : "changed" };
  }

  /** So many tokens of its prompt lie in the cache now. */
  note(affinity: string | null, tokens: number): void {
    if (affinity === null) return;
    // The map's order is that of last use.
    this.#read.delete(affinity);
    this.#read.set(affinity, tokens);
    const [oldest] = this.#read.keys();
    if (this.#read.size > limits.engineThreads && oldest !== undefined) this.#read.delete(oldest);
  }
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
