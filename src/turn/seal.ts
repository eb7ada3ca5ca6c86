/**
 * Owns the envelope of `encrypted_content`: thinking that a client keeps for us, unreadable and unforgeable, and gives back
 * on a later turn. OpenCode, VS Code, Codex and the AI SDK replay thinking in no other form when nothing is stored.
 *
 * Layout: `ant1.` and base64url of key id (8) | nonce (12) | AES-256-GCM of (form (1) | text) | tag (16), in bytes. A fresh
 * nonce makes two envelopes of one text differ, which costs no cache: prompts hold the opened text, and that is the same.
 * (Random nonces are safe for 2^32 texts a key, some 500 a second until the next one.)
 */
import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { limits } from "../limits.ts";

export interface Seal {
  /** An envelope of printable ASCII, different each time. Everything that fits into a request can be opened again. */
  close(text: string): string;
  /** Exactly the text that was closed; null for whatever is not, or no longer, an envelope of these keys. Never throws. */
  open(sealed: string): string | null;
}

interface Secret {
  /** Says which key, and nothing of it. */
  readonly id: Buffer;
  readonly key: Buffer;
}

/** The version is authenticated too, so that no later layout can be taken for this one. */
const prefix = "ant1.";
const version = Buffer.from(prefix);
const algorithm = "aes-256-gcm";
const keyBytes = 32;
const idBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = idBytes + nonceBytes;

/** Bits of the form. UTF-16 only for what UTF-8 cannot hold: half a surrogate pair, where a stream cut an emoji. */
const deflated = 1;
const utf16 = 2;

/** A seal of `keys`, 32 bytes each: the first closes, all open. */
export function createSeal(keys: readonly Buffer[]): Seal {
  const secrets = keys.map(secretOf);
  const [current] = secrets;
  assert(current !== undefined, "a seal needs a key");
  return {
    close: (text) => `${prefix}${encrypt(pack(text), current).toString("base64url")}`,
    open(sealed) {
      const bytes = bytesOf(sealed);
      const secret = bytes && secrets.find(({ id }) => id.equals(bytes.subarray(0, idBytes)));
      if (!secret) return null;
      try {
        return unpack(decrypt(bytes, secret));
      } catch {
        // The cipher throws at what is not authentic, zlib at what a later version of ours may have closed.
        return null;
      }
    },
  };
}

/** Derived, so that the id in the open tells nothing of the key, and the same keys may serve other purposes. */
function secretOf(key: Buffer): Secret {
  assert(key.length === keyBytes, `a key has ${keyBytes} bytes`);
  const derive = (purpose: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync("sha256", key, "", `antiphon seal ${purpose}`, bytes));
  return { id: derive("id", idBytes), key: derive("key", keyBytes) };
}

/** What an envelope holds; null where it is none of ours by its looks. */
function bytesOf(sealed: string): Buffer | null {
  if (!sealed.startsWith(prefix) || sealed.length > limits.bodyBytes) return null;
  const letters = sealed.slice(prefix.length);
  const bytes = Buffer.from(letters, "base64url");
  // Node skips what is not base64: only the one spelling that we write counts.
  const ours = bytes.length > headBytes + tagBytes && bytes.toString("base64url") === letters;
  return ours ? bytes : null;
}

function encrypt(plain: Buffer, { id, key }: Secret): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(version);
  return Buffer.concat([id, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(bytes: Buffer, { key }: Secret): Buffer {
  const nonce = bytes.subarray(idBytes, headBytes);
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
    .setAAD(version)
    .setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(headBytes, -tagBytes)), decipher.final()]);
}

/**
 * The text as bytes behind their form, deflated where that is smaller. What shrinks to less than a `limits.sealRatio`th (a
 * model caught in a loop) is filled up with zeros: a request full of envelopes must not open to many times its size.
 */
function pack(text: string): Buffer {
  const encoding = text.isWellFormed() ? 0 : utf16;
  const raw = Buffer.from(text, encoding === utf16 ? "utf16le" : "utf8");
  const small = deflateRawSync(raw);
  const length = Math.max(small.length, Math.ceil(raw.length / limits.sealRatio));
  if (length >= raw.length) return Buffer.concat([Buffer.of(encoding), raw]);
  return Buffer.concat([Buffer.of(encoding | deflated), small], 1 + length);
}

/** The other way; null for a form that is not known. */
function unpack(plain: Buffer): string | null {
  const form = plain[0] ?? 0;
  if (form > (deflated | utf16)) return null;
  const body = plain.subarray(1);
  const maxOutputLength = body.length * limits.sealRatio;
  const raw = form & deflated ? inflateRawSync(body, { maxOutputLength }) : body;
  return raw.toString(form & utf16 ? "utf16le" : "utf8");
}
