/** Owns the guess which known word was meant by one that is not known. */

/** The one of `words` that is closest to `word`, if one is close. */
export function nearest(word: string, words: readonly string[]): string | null {
  const rated = words.map((candidate) => ({ candidate, steps: distance(word, candidate) }));
  const [best] = rated.sort((one, other) => one.steps - other.steps);
  return best && best.steps <= Math.max(2, Math.floor(word.length / 3)) ? best.candidate : null;
}

/** Edits between two words (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of Array.from(one).entries()) {
    const next = [at + 1];
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (letter === other[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
