/** Owns the ids we mint: `<prefix>_<24 random characters>`. */
import { randomFillSync } from "node:crypto";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const length = 24;
const pool = new Uint8Array(length * 256);
let next = pool.length;

/** A fresh id of 144 random bits. VS Code chains only ids that start with `resp_`; the other prefixes are customary. */
export function newId(prefix: string): string {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  let id = `${prefix}_`;
  for (const end = next + length; next < end; next += 1) id += alphabet.charAt((pool[next] ?? 0) & 63);
  return id;
}
