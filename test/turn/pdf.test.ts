/** Owns the tests of PDFs: what is read of sound and of damaged ones, that none harms the server, and that all are remembered. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ApiError } from "../../src/errors.ts";
import { limits } from "../../src/limits.ts";
import type { Part } from "../../src/spec/parts.ts";
import { createFileReader, type FileReader } from "../../src/turn/files.ts";
import type { PdfBounds } from "../../src/turn/pdf.ts";
import { bomb, drawn, encrypted, pdfOf, pdfOfContents, pdfOfPages, scan, stream } from "./pdf-maker.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const sound = pdfOfPages(["Hello (world)", "and more"], ["second page"]);
const soundText = "[page 1 of 2]\nHello (world)\nand more\n\n[page 2 of 2]\nsecond page";
const shared = createFileReader();
after(() => shared.close());

const part = (pdf: Buffer): Part => ({ type: "input_file", file_data: pdf.toString("base64") });

async function textOf(pdf: Buffer, reader: FileReader = shared): Promise<string> {
  const texts = [...(await reader.texts([part(pdf)])).values()];
  return texts.join();
}

/** A reader of its own with other limits, for the length of one test. */
async function reading(bounds: Partial<PdfBounds>, work: (reader: FileReader) => Promise<void>): Promise<void> {
  const reader = createFileReader(bounds);
  try {
    await work(reader);
  } finally {
    await reader.close();
  }
}

const unseen = (why: string): string => `[you cannot see this file: ${why}]`;
const damaged = unseen("this PDF is damaged");
const silent = unseen("no text was found in this PDF; its pages may be images");
const locked = unseen("this PDF is encrypted and opens only with its password");
const slow = unseen("it takes too long to read this PDF");
const greedy = unseen("it takes too much memory to read this PDF");

test("the text of every page, marked", async () => {
  assert.equal(await textOf(sound), soundText);
  assert.equal(
    await textOf(pdfOfContents([stream(drawn(["one"])), stream("")])),
    "[page 1 of 2]\none\n\n[page 2 of 2: it holds no text]",
  );
});

test("scans say that they hold no text", async () => {
  assert.equal(await textOf(scan()), silent);
});

test("a PDF that needs a password says so; one that only forbids printing is read", async () => {
  assert.equal(await textOf(encrypted("secret", ["hush"])), locked);
  assert.equal(await textOf(encrypted("", ["hush"])), "[page 1 of 1]\nhush");
});

test("what can be saved of a damaged PDF is read, the rest is told", async () => {
  const text = sound.toString("latin1");
  const wrong = (from: string | RegExp, to: string): Buffer => Buffer.from(text.replace(from, to), "latin1");
  const cases: readonly (readonly [string, Buffer, string])[] = [
    ["offset of the table", wrong(/startxref\n\d+/, "startxref\n99999"), soundText],
    ["no table", wrong("\nxref\n", "\nxxxx\n"), soundText],
    ["bytes before the header", Buffer.concat([Buffer.from("\n\n"), sound]), soundText],
    ["cut before its trailer", sound.subarray(0, text.indexOf("xref\n0")), damaged],
    ["cut in the middle", sound.subarray(0, sound.length / 2), damaged],
    ["nothing but the header", Buffer.from("%PDF-1.7\n"), damaged],
    ["noise", Buffer.concat([Buffer.from("%PDF-1.7\n"), Buffer.alloc(5000, "\u0001obj<<[(")]), damaged],
    ["no objects", pdfOf([]), damaged],
    ["pages in a circle", pdfOf(["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R]/Count 3>>"]), damaged],
    [
      "pages that are not there",
      pdfOf(["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[]/Count 1000000000>>"]),
      damaged,
    ],
  ];
  for (const [name, pdf, expected] of cases) {
    const sent = { type: "input_file", file_data: `data:application/pdf;base64,${pdf.toString("base64")}` };
    assert.deepEqual([...(await shared.texts([sent])).values()], [expected], name);
  }
});

test("text beyond the limits is left out, and the model is told", async () => {
  const five = pdfOfPages(["one"], ["two"], ["three"], ["four"], ["five"]);
  await reading({ pages: 2 }, async (reader) => {
    assert.equal(await textOf(five, reader), "[page 1 of 5]\none\n\n[page 2 of 5]\ntwo\n\n[pages 3 to 5 are left out]");
  });
  await reading({ chars: 5 }, async (reader) => {
    const cut =
      "[page 1 of 5]\none\n\n[page 2 of 5]\ntw\n[the rest of this page is left out]\n\n[pages 3 to 5 are left out]";
    assert.equal(await textOf(five, reader), cut);
  });
  const large = Buffer.concat([sound, Buffer.alloc(limits.pdfBytes)]);
  assert.equal(await textOf(large), unseen("this PDF is too large"));
});

test("a PDF that takes too long ends its worker, and is remembered so", async () => {
  await reading({ ms: 0 }, async (reader) => {
    assert.equal(await textOf(sound, reader), slow);
    assert.deepEqual([...(await reader.texts([part(scan()), part(sound)])).values()], [slow, slow]);
  });
});

test("a deflate bomb ends its worker and nothing else", async () => {
  await reading({ memoryMiB: 96, memoryPollMs: 5 }, async (reader) => {
    const pdf = bomb(256);
    assert.ok(pdf.length < 4096);
    assert.equal(await textOf(pdf, reader), greedy);
    assert.equal(await textOf(sound, reader), soundText);
    assert.equal(await textOf(pdf, reader), greedy);
  });
});

test("a bomb of objects ends its worker and nothing else", async () => {
  const words = `BT /F1 1 Tf ${"1 0 0 1 9 9 Tm (a) Tj 1 0 0 1 99 99 Tm (b) Tj ".repeat(200_000)} ET`;
  await reading({ memoryMiB: 48, memoryPollMs: 60_000 }, async (reader) => {
    assert.equal(await textOf(pdfOfContents([stream(words)]), reader), greedy);
    assert.equal(await textOf(sound, reader), soundText);
  });
});

test("the same file is read once, also by two at the same time", async () => {
  // There is room for one that waits: whoever asked for a second reading would be refused.
  await reading({ waitingBytes: sound.length }, async (reader) => {
    assert.deepEqual(await Promise.all([textOf(sound, reader), textOf(sound, reader)]), [soundText, soundText]);
    const other = textOf(pdfOfPages(["other"]), reader);
    assert.equal(await textOf(sound, reader), soundText);
    assert.equal(await other, "[page 1 of 1]\nother");
  });
});

test("old texts are forgotten and read again, the same as before", async () => {
  await reading({ keptChars: soundText.length, keptRefusals: 1 }, async (reader) => {
    const files = [sound, pdfOfPages(["x".repeat(60)]), scan(), encrypted("secret", ["hush"])];
    const first = [];
    for (const pdf of files) first.push(await textOf(pdf, reader));
    for (const [index, pdf] of files.entries()) assert.equal(await textOf(pdf, reader), first[index]);
  });
});

test("too many that wait are refused as load, not as what the files hold", async () => {
  const other = pdfOfPages(["other"]);
  await reading({ waitingBytes: sound.length }, async (reader) => {
    const running = textOf(sound, reader);
    const refused = textOf(other, reader);
    await assert.rejects(refused, (thrown) => thrown instanceof ApiError && thrown.code === "server_is_overloaded");
    assert.equal(await running, soundText);
    assert.equal(await textOf(other, reader), "[page 1 of 1]\nother");
  });
});

test("closing ends what is read and what waits, and is the server's doing, not the file's", async () => {
  const reader = createFileReader();
  const work = [textOf(sound, reader), textOf(scan(), reader)];
  const ended = Promise.allSettled(work);
  await new Promise(setImmediate);
  await reader.close();
  for (const result of await ended) {
    assert.equal(result.status === "rejected" && result.reason.code, "server_shutting_down");
  }
  await assert.rejects(textOf(sound, reader), ApiError);
  await reader.close();
});

test("a worker that rests keeps no program alive, and a new one starts after it ended", async () => {
  await reading({ idleMs: 0 }, async (reader) => {
    assert.equal(await textOf(sound, reader), soundText);
    assert.equal(await textOf(scan(), reader), silent);
    assert.equal(await textOf(pdfOfPages(["again"]), reader), "[page 1 of 1]\nagain");
  });
  const { status, stdout } = run(join(root, "src", "turn", "files.ts"));
  assert.deepEqual([status, stdout], [0, soundText]);
});

test("the built program reads PDFs too", () => {
  const folder = mkdtempSync(join(tmpdir(), "antiphon-built-"));
  try {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
    cpSync(join(root, "package.json"), join(folder, "package.json"));
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const project = join(root, "tsconfig.build.json");
    const words = [compiler, "--project", project, "--outDir", join(folder, "dist")];
    const { status, stdout } = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8" });
    assert.equal(status, 0, stdout);
    assert.deepEqual(run(join(folder, "dist", "turn", "files.js")), { status: 0, stdout: soundText });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A program of its own that reads one PDF with the reader in `file`, and ends by itself: nothing is closed. */
function run(file: string): { readonly status: number | null; readonly stdout: string } {
  const folder = mkdtempSync(join(tmpdir(), "antiphon-pdf-"));
  const program = join(folder, "program.mjs");
  const { href } = pathToFileURL(file);
  writeFileSync(
    program,
    `const { createFileReader } = await import(${JSON.stringify(href)});
    const texts = await createFileReader().texts([${JSON.stringify(part(sound))}]);
    process.stdout.write([...texts.values()].join());`,
  );
  try {
    const { status, stdout } = spawnSync(process.execPath, [program], { encoding: "utf8" });
    return { status, stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
