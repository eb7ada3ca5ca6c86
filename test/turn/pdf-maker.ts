/** Owns the PDFs of the tests, made object by object: sound ones of any number of pages, and each kind of damage. */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

type Body = string | Buffer;

/** A file of `objects` (number 1 on), with the catalog as object 1; `extra` are more entries of the trailer. */
export function pdfOf(objects: readonly Body[], extra = ""): Buffer {
  const chunks: Buffer[] = [Buffer.from("%PDF-1.7\n%\u00E2\u00E3\n", "latin1")];
  const offsets: number[] = [];
  let size = chunks[0]?.length ?? 0;
  const add = (chunk: Body): void => {
    const bytes = Buffer.from(chunk as string, "latin1");
    chunks.push(bytes);
    size += bytes.length;
  };
  for (const [index, object] of objects.entries()) {
    offsets.push(size);
    add(`${index + 1} 0 obj\n`);
    add(object);
    add("\nendobj\n");
  }
  const start = size;
  add(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`);
  for (const offset of offsets) add(`${String(offset).padStart(10, "0")} 00000 n \n`);
  add(`trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${extra} >>\nstartxref\n${start}\n%%EOF\n`);
  return Buffer.concat(chunks);
}

export function stream(bytes: Body, entries = ""): Buffer {
  const data = Buffer.from(bytes as string, "latin1");
  const head = Buffer.from(`<< /Length ${data.length} ${entries} >>\nstream\n`, "latin1");
  return Buffer.concat([head, data, Buffer.from("\nendstream", "latin1")]);
}

/** What draws `lines` under each other. */
export function drawn(lines: readonly string[]): string {
  const shown = lines.map((line) => `(${line.replaceAll(/[\\()]/g, "\\$&")}) Tj T*`);
  return `BT /F1 12 Tf 14 TL 72 720 Td ${shown.join(" ")} ET`;
}

/** A PDF with a page for each of `contents`, streams of drawing operators. */
export function pdfOfContents(contents: readonly Buffer[], extra = "", more: readonly Body[] = []): Buffer {
  const first = 4;
  const kids = contents.map((_, index) => `${first + 2 * index} 0 R`);
  const pages = contents.flatMap((content, index): Body[] => [
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${first + 2 * index + 1} 0 R` +
      " /Resources << /Font << /F1 3 0 R >> >> >>",
    content,
  ]);
  return pdfOf(
    [
      "<< /Type /Catalog /Pages 2 0 R >>",
      `<< /Type /Pages /Kids [${kids.join(" ")}] /Count ${contents.length} >>`,
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
      ...pages,
      ...more,
    ],
    extra,
  );
}

/** A PDF with a page for each list of lines. */
export function pdfOfPages(...pages: readonly (readonly string[])[]): Buffer {
  return pdfOfContents(pages.map((lines) => stream(drawn(lines))));
}

/** Pages that draw shapes and no words, as a scanner's are. */
export function scan(): Buffer {
  return pdfOfContents([stream("0 0 100 100 re f"), stream("10 10 50 50 re S")]);
}

/** A page whose `mebibytes` of content are deflated twice, so that the file stays small. */
export function bomb(mebibytes: number): Buffer {
  const content = deflateSync(deflateSync(Buffer.alloc(mebibytes * 2 ** 20, 0x20)));
  return pdfOfContents([stream(content, "/Filter [/FlateDecode /FlateDecode]")]);
}

const padding = Buffer.from("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A", "hex");
const md5 = (...parts: readonly Buffer[]): Buffer => createHash("md5").update(Buffer.concat(parts)).digest();
const padded = (password: string): Buffer => Buffer.concat([Buffer.from(password, "latin1"), padding]).subarray(0, 32);

/** RC4 as 40-bit PDFs use it (PDF 1.7, section 7.6.2); OpenSSL 3 has it no longer. */
function rc4(key: Buffer, data: Buffer): Buffer {
  const state = Uint8Array.from({ length: 256 }, (_, index) => index);
  const swap = (a: number, b: number): void => {
    [state[a], state[b]] = [state[b] ?? 0, state[a] ?? 0];
  };
  for (let i = 0, j = 0; i < 256; i += 1) {
    j = (j + (state[i] ?? 0) + (key[i % key.length] ?? 0)) & 255;
    swap(i, j);
  }
  let i = 0;
  let j = 0;
  return data.map((byte) => {
    i = (i + 1) & 255;
    j = (j + (state[i] ?? 0)) & 255;
    swap(i, j);
    return byte ^ (state[((state[i] ?? 0) + (state[j] ?? 0)) & 255] ?? 0);
  }) as Buffer;
}

const hex = (bytes: Buffer): string => `<${bytes.toString("hex")}>`;

/** A page that opens with `password` only (40-bit RC4, revision 2); "" opens everywhere, as owner-locked files do. */
export function encrypted(password: string, lines: readonly string[]): Buffer {
  const id = Buffer.from("0123456789abcdef", "latin1");
  const permissions = Buffer.from("fcffffff", "hex");
  const owner = rc4(md5(padded("owner")).subarray(0, 5), padded(password));
  const key = md5(padded(password), owner, permissions, id).subarray(0, 5);
  const user = rc4(key, padding);
  const objectKey = (number: number): Buffer => md5(key, Buffer.from([number, 0, 0, 0, 0])).subarray(0, 10);
  const content = stream(rc4(objectKey(5), Buffer.from(drawn(lines), "latin1")));
  const lock = `<< /Filter /Standard /V 1 /R 2 /O ${hex(owner)} /U ${hex(user)} /P -4 >>`;
  return pdfOfContents([content], `/Encrypt 6 0 R /ID [${hex(id)} ${hex(id)}]`, [lock]);
}
