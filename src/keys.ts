/**
 * Owns the keys that seal what clients keep for us: made on first use, renewed by age, the same for every process on one
 * data folder.
 *
 * Each stretch of `limits.sealKeyMs` has a folder of its own, named by the day on which it begins, with the key in it
 * (`keys/2026-09-04/key`). A folder is filled in private and then renamed into its place, which fails if another process
 * was first: nobody reads half a key, nobody's key is overwritten, and no lock can be left behind. (A link would do the
 * same for a bare file, but Android and exFAT have none.)
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "./errors.ts";
import { ensureFolder } from "./folders.ts";
import { limits } from "./limits.ts";
import type { Log } from "./log.ts";

/** A key that is there but cannot be used, in words for the terminal. */
export class KeysError extends Error {
  override readonly name = "KeysError";
}

interface StoredKey {
  readonly name: string;
  readonly key: Buffer;
}

const keyBytes = 32;

/**
 * The keys of the data folder `data`, 32 bytes each, newest first and at least one; `now` is the time in ms. Where no key
 * can be written, old ones go on, else one is made for this process alone: a server that forgets its thinking after a
 * restart is better than none. Throws a KeysError for a key that is damaged or not ours to read.
 */
export function loadKeys(data: string, log: Log, now: number = Date.now()): readonly Buffer[] {
  const folder = join(data, "keys");
  let stored: readonly StoredKey[] = [];
  try {
    stored = readAll(folder);
    const today = stretchOf(now);
    if ((stored[0]?.name ?? "") < today) {
      create(folder, today);
      stored = readAll(folder);
      forget(folder);
    }
  } catch (thrown) {
    if (thrown instanceof KeysError) throw thrown;
    const outcome = stored.length > 0 ? "an old one goes on" : "clients' sealed thinking is lost with a restart";
    log.warn(`A new key cannot be kept; ${outcome}.`, { folder, reason: messageOf(thrown) });
  }
  const keys = stored.slice(0, limits.sealKeys).map(({ key }) => key);
  return keys.length > 0 ? keys : [randomBytes(keyBytes)];
}

/** The day on which the stretch of time around `now` begins. */
function stretchOf(now: number): string {
  return new Date(now - (now % limits.sealKeyMs)).toISOString().slice(0, 10);
}

/** Newest first. */
function namesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^\d{4}-\d\d-\d\d$/.test(name));
  return names.sort().reverse();
}

function readAll(folder: string): readonly StoredKey[] {
  return namesIn(folder).flatMap((name) => {
    const key = read(join(folder, name));
    return key === null ? [] : [{ name, key }];
  });
}

/** The key in the folder of a stretch; null where there is none, since another process may just have removed it. */
function read(folder: string): Buffer | null {
  const file = join(folder, "key");
  const advice =
    `Put a copy of it back, or delete the folder ${folder}: ` +
    "what the model thought under this key is then forgotten, and nothing else is lost.";
  let text: string;
  try {
    text = readFileSync(file, "utf8").trimEnd();
  } catch (thrown) {
    if (!existsSync(file)) return null;
    throw new KeysError(`The key ${file} cannot be read: ${messageOf(thrown)}. ${advice}`);
  }
  const key = Buffer.from(text, "base64url");
  if (key.length === keyBytes && key.toString("base64url") === text) return key;
  throw new KeysError(`The key ${file} is damaged. ${advice}`);
}

/** Makes the key of `name`, unless another process does so first. */
function create(folder: string, name: string): void {
  const draft = mkdtempSync(join(ensureFolder(folder), "new-"));
  try {
    const text = `${randomBytes(keyBytes).toString("base64url")}\n`;
    writeFileSync(join(draft, "key"), text, { mode: 0o600, flush: true });
    renameSync(draft, join(folder, name));
  } catch (thrown) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(join(folder, name, "key"))) throw thrown;
  }
}

/** Removes what is older than the keys that are kept; another process may be at it too. */
function forget(folder: string): void {
  for (const name of namesIn(folder).slice(limits.sealKeys)) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}
