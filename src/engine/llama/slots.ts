/** Owns the choice of a slot: the idle one that has read most of the prompt already. */

export interface Slot {
  /** Tokens that lie in its cache. */
  readonly tokens: readonly number[];
  /** A number that grows with each use. */
  readonly used: number;
}

/** Length of the longest beginning that both have. */
export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length += 1;
  return length;
}

/** The slot with the longest common prefix; among equals the one that was not used for longest. null without slots. */
export function chooseSlot<S extends Slot>(idle: readonly S[], prompt: readonly number[]): S | null {
  let best: S | null = null;
  let longest = -1;
  for (const slot of idle) {
    const length = commonPrefix(slot.tokens, prompt);
    if (length > longest || (length === longest && best !== null && slot.used < best.used)) {
      best = slot;
      longest = length;
    }
  }
  return best;
}
