/** Owns the forms in which files come: data URLs and base64 become bytes, and bytes become text where they are text. */
import { isUtf8 } from "node:buffer";
import { limits } from "../limits.ts";

export interface FileData {
  readonly bytes: Buffer<ArrayBuffer>;
  /** As the client names it, `type/subtype` in small letters; "" where it names none, or no sound one. */
  readonly mediaType: string;
  /** The `charset` parameter; "" where there is none. */
  readonly charset: string;
}

export interface PlainText {
  readonly text: string;
  /** Whether more follows than is shown of a file. */
  readonly cut: boolean;
}

const head = /^data:([^,]{0,1024}),/i;

/** The bytes of a data URL (RFC 2397) or of bare base64; `garbled` where it is neither, `large` where it is too much of it. */
export function decodeFile(data: string): FileData | "garbled" | "large" {
  const [prefix = "", described = ""] = head.exec(data) ?? [];
  const [type = "", ...parameters] = described.split(";").map((word) => word.trim().toLowerCase());
  const body = data.slice(prefix.length);
  const plain = prefix !== "" && !parameters.includes("base64");
  if (plain && body.length > limits.plainDataUrlChars) return "large";
  const bytes = plain ? unescaped(body) : fromBase64(body);
  if (bytes === null) return "garbled";
  const charset = parameters.find((word) => word.startsWith("charset="))?.slice("charset=".length);
  return { bytes, mediaType: /^[\w.+-]{1,60}\/[\w.+-]{1,100}$/.test(type) ? type : "", charset: charset ?? "" };
}

/**
 * Standard or URL-safe, padded or not, in lines or not; null for anything else. `Buffer` passes over what is not base64, so
 * the count of bytes tells; only where line breaks may explain a difference is every character looked at.
 */
function fromBase64(text: string): Buffer<ArrayBuffer> | null {
  const bytes = Buffer.from(text, "base64");
  const padding = text.endsWith("==") ? 2 : Number(text.endsWith("="));
  const sound = bytes.length === sizeOf(text.length - padding) || bytes.length === sizeOf(lettersIn(text));
  return sound ? bytes : null;
}

/** Bytes that so many letters of base64 stand for; -1 where there is no such number of letters. */
function sizeOf(letters: number): number {
  return letters % 4 === 1 ? -1 : Math.floor((letters * 3) / 4);
}

/** Characters that are neither blank nor padding. */
function lettersIn(text: string): number {
  let letters = 0;
  // By hand: a regular expression takes 5 s for the 64 MiB that a body may hold.
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > space && code !== equals) letters += 1;
  }
  return letters;
}

const space = 0x20;
const equals = 0x3d;
const percent = 0x25;

/** Percent signs that escape nothing stay, as browsers have it. */
function unescaped(text: string): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(text);
  let size = 0;
  for (let at = 0; at < bytes.length; at += 1, size += 1) {
    const escaped = bytes[at] === percent ? digit(bytes[at + 1]) * 16 + digit(bytes[at + 2]) : Number.NaN;
    bytes[size] = Number.isNaN(escaped) ? (bytes[at] ?? 0) : escaped;
    if (!Number.isNaN(escaped)) at += 2;
  }
  return bytes.subarray(0, size);
}

/** The value of a hexadecimal digit in ASCII; NaN for what is none. */
function digit(code = 0): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}

/**
 * The text that `bytes` are; null where they are none. What they hold decides, not what a client calls them: it is the same
 * for every name under which the same bytes come.
 */
export function decodeText(bytes: Uint8Array, charset: string): PlainText | null {
  const encoding = encodingOf(bytes, charset);
  if (encoding === null) return null;
  const shown = bytes.subarray(0, limits.fileTextBytes);
  const cut = bytes.length > shown.length;
  const text = decode(encoding, shown, cut);
  return text === null || text.includes("\0") ? null : { text, cut };
}

function encodingOf(bytes: Uint8Array, charset: string): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (bytes.includes(0)) return null;
  if (isUtf8(bytes)) return "utf-8";
  // Clients that declare UTF-8 for everything are wrong here, so that what is left is Windows' old encoding or no text.
  if (charset !== "" && !/^utf-?(?:8|16)/.test(charset) && isEncoding(charset)) return charset;
  return holdsControls(bytes) ? null : "windows-1252";
}

/** Unmarked text of Windows programs has none; images, archives and sound have them within the first bytes. */
function holdsControls(bytes: Uint8Array): boolean {
  const shown = bytes.subarray(0, limits.fileTextBytes);
  return shown.some((byte) => byte < 0x20 && (byte < 0x09 || byte === 0x0b || (byte > 0x0d && byte !== 0x1b)));
}

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== "";
  } catch {
    return false;
  }
}

/** `cut`: what `bytes` end in may be half a character. */
function decode(encoding: string, bytes: Uint8Array, cut: boolean): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}
