/** Owns what a model is shown of attached files: their text, or a note that says why it cannot be seen. */
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { limits } from "../limits.ts";
import { fieldsOf, words } from "../spec/json.ts";
import type { Part } from "../spec/parts.ts";
import { decodeFile, decodeText, type FileData } from "./file-data.ts";
import { type PdfBounds, pdfBounds, PdfReader } from "./pdf.ts";
import type { PdfRefusal } from "./pdf-worker.ts";

export interface FileReader {
  /**
   * What stands for the contents of every `input_file` part that carries them inline, by its `file_data` (or the data URL in
   * its `file_url`). The same data has the same text on every turn, whatever its name, so that prompts stay the same. No
   * part makes it throw; it throws `ApiError` while the server is overloaded with PDFs or shuts down, and the reason of
   * `signal` once that is aborted.
   */
  texts(parts: readonly Part[], signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  close(): Promise<void>;
}

/** `bounds` are the limits of `src/limits.ts` where they are not given. */
export function createFileReader(bounds: Partial<PdfBounds> = {}): FileReader {
  const pdfs = new PdfReader({ ...pdfBounds, ...bounds });
  return {
    async texts(parts, signal) {
      const texts = new Map<string, string>();
      for (const part of parts) {
        const data = inlineData(part);
        if (data === null || texts.has(data)) continue;
        signal?.throwIfAborted();
        texts.set(data, await contents(data, pdfs));
        // Each file may take the event loop some time, a thread's files together must not.
        await yieldToOthers();
      }
      return texts;
    },
    close: () => pdfs.close(),
  };
}

/** What stands in the prompt for each of `parts`. The first ones are dealt with first, so that prompts only grow. */
export async function fileTexts(
  parts: readonly Part[],
  files: FileReader,
  signal?: AbortSignal,
): Promise<ReadonlyMap<Part, string>> {
  const texts = await files.texts(parts, signal);
  let left: number = limits.threadFileChars;
  return new Map(
    parts.map((part) => {
      const whole = fileText(part, texts);
      const shown =
        whole.length <= left ? whole : titled(part, unseen("the files before it take all the room there is"));
      left -= shown.length;
      return [part, shown];
    }),
  );
}

/** What stands in the prompt for `part`: a line with the name of the file, then its text or a note. */
export function fileText(part: Part, texts: ReadonlyMap<string, string>): string {
  const { file_id: id, file_url: url } = fieldsOf(part);
  const data = inlineData(part);
  const link = data === null ? oneLine(words(url), limits.fileUrlChars) : "";
  return titled(part, (data === null ? undefined : texts.get(data)) ?? unseen(absence(link, id)));
}

function titled(part: Part, shown: string): string {
  const { filename, file_id: id } = fieldsOf(part);
  const name = [filename, id].map((value) => oneLine(words(value), limits.fileNameChars)).find((text) => text !== "");
  return `[file: ${name ?? "unnamed"}]\n${shown}`;
}

/** The contents that came with the part; null where there are none. Some clients put a data URL where a link belongs. */
function inlineData(part: Part): string | null {
  const { file_data: data, file_url: url } = fieldsOf(part);
  if (typeof data === "string" && data !== "") return data;
  return typeof url === "string" && url.slice(0, 5).toLowerCase() === "data:" ? url : null;
}

/** Nothing that a client names is fetched; the link is shown for models that have a tool for it. */
function absence(link: string, id: unknown): string {
  if (link !== "") return `only a link to it was sent, ${link}, and links are not opened`;
  return typeof id === "string" ? "only its id was sent, and no file is kept under it" : "its contents were not sent";
}

const refusals: Readonly<Record<PdfRefusal, string>> = {
  encrypted: "this PDF is encrypted and opens only with its password",
  broken: "this PDF is damaged",
  silent: "no text was found in this PDF; its pages may be images",
  slow: "it takes too long to read this PDF",
  greedy: "it takes too much memory to read this PDF",
  failed: "this PDF could not be read",
};

async function contents(data: string, pdfs: PdfReader): Promise<string> {
  const file = decodeFile(data);
  if (file === "garbled") return unseen("its data is neither base64 nor a data URL");
  if (file === "large") return unseen("it is too large");
  return isPdf(file) ? pdfText(file, pdfs) : plainText(file);
}

async function pdfText({ bytes }: FileData, pdfs: PdfReader): Promise<string> {
  if (bytes.length > limits.pdfBytes) return unseen("this PDF is too large");
  // Decoding it took its time already; taking its digest takes as long again.
  await yieldToOthers();
  const outcome = await pdfs.read(bytes);
  return outcome.kind === "text" ? outcome.text : unseen(refusals[outcome.why]);
}

function plainText({ bytes, charset, mediaType }: FileData): string {
  const plain = decodeText(bytes, charset);
  if (plain === null) return unseen(mediaType === "" ? "it is not text" : `it is not text but ${mediaType}`);
  if (plain.text === "") return "[this file is empty]";
  return plain.cut ? `${plain.text}\n[the rest of this file of ${bytes.length} bytes is left out]` : plain.text;
}

/** Readers allow for a KiB before the header (PDF 1.7, appendix H.3.4.1); texts that only speak of PDF are not called one. */
function isPdf({ bytes, mediaType }: FileData): boolean {
  const at = bytes.subarray(0, 1024).indexOf("%PDF-");
  return at === 0 || (at > 0 && mediaType.endsWith("pdf"));
}

function unseen(why: string): string {
  return `[you cannot see this file: ${why}]`;
}

/** `text` without line breaks and other characters that are not seen, so that a name stays a name. */
function oneLine(text: string, chars: number): string {
  const plain = text
    .slice(0, 4 * chars)
    .toWellFormed()
    .replaceAll(/[\p{C}\p{Z}]+/gu, " ")
    .trim();
  return plain.length <= chars ? plain : `${plain.slice(0, chars).toWellFormed()}…`;
}
