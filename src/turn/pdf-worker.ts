/** Owns the worker that reads PDFs, one a message: all that a stranger's file can do to a parser, it does here. */
import { parentPort, workerData } from "node:worker_threads";
import { getDocumentProxy } from "unpdf";

/** Why there is no text of a PDF. `silent`: it holds none. The worker itself knows nothing of the last three. */
export type PdfRefusal = "encrypted" | "broken" | "silent" | "slow" | "greedy" | "failed";

export type PdfOutcome =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "refused"; readonly why: PdfRefusal };

export interface PdfExtent {
  /** Pages read of one PDF. */
  readonly pages: number;
  /** Text kept of one PDF, in characters (UTF-16 units). */
  readonly chars: number;
}

type Document = Awaited<ReturnType<typeof getDocumentProxy>>;

async function outcomeOf(bytes: Uint8Array, extent: PdfExtent): Promise<PdfOutcome> {
  try {
    // 0: what is wrong with a file is no news for our own output.
    const document = await getDocumentProxy(bytes, { verbosity: 0 });
    try {
      return await read(document, extent);
    } finally {
      await document.loadingTask.destroy();
    }
  } catch (thrown) {
    const locked = thrown instanceof Error && thrown.name === "PasswordException";
    return { kind: "refused", why: locked ? "encrypted" : "broken" };
  }
}

/** The marks of pages say what is missing, so that no model takes a part for the whole. */
async function read(document: Document, { pages, chars }: PdfExtent): Promise<PdfOutcome> {
  const total = document.numPages;
  const marked: string[] = [];
  let room = chars;
  let damaged = 0;
  let page = 1;
  for (; page <= Math.min(total, pages) && room > 0; page += 1) {
    const mark = `[page ${page} of ${total}`;
    const text = await pageText(document, page);
    damaged += text === null ? 1 : 0;
    if (!text) marked.push(text === null ? `${mark}: it is damaged]` : `${mark}: it holds no text]`);
    else if (text.length <= room) marked.push(`${mark}]\n${text}`);
    else marked.push(`${mark}]\n${text.slice(0, room).toWellFormed()}\n[the rest of this page is left out]`);
    room -= text?.length ?? 0;
  }
  if (damaged === page - 1) return { kind: "refused", why: "broken" };
  if (room === chars) return { kind: "refused", why: "silent" };
  if (page <= total) marked.push(`[pages ${page} to ${total} are left out]`);
  return { kind: "text", text: marked.join("\n\n") };
}

/** The text of a page in the order in which it is drawn, line by line; null where the page is damaged. */
async function pageText(document: Document, number: number): Promise<string | null> {
  try {
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    page.cleanup();
    const text = items.map((item) => ("str" in item ? `${item.str}${item.hasEOL ? "\n" : ""}` : "")).join("");
    return text.replaceAll("\0", "").toWellFormed().trim();
  } catch {
    return null;
  }
}

const port = parentPort;
if (port) {
  const extent = workerData as PdfExtent;
  port.on("message", (bytes: Uint8Array) => {
    void outcomeOf(bytes, extent).then((outcome) => port.postMessage(outcome));
  });
}
