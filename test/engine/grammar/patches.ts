/** Owns Codex's patches as its own parser reads them (codex-rs/apply-patch): what that refuses, a model has written for nothing. */

const whole = { begin: "*** Begin Patch", end: "*** End Patch" } as const;
const files = { add: "*** Add File: ", remove: "*** Delete File: ", update: "*** Update File: " } as const;

/** What the parser says of `text`; null where it takes it. */
export function complaintOfCodex(text: string): string | null {
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.replace(/\r$/, ""));
  if (lines[0]?.trim() !== whole.begin) return "it does not begin as a patch";
  if (lines.length < 2 || lines.at(-1)?.trim() !== whole.end) return "it does not end as a patch";
  const rest = lines.slice(1, -1);
  while (rest.length > 0) {
    const complaint = takeFile(rest);
    if (complaint !== null) return complaint;
  }
  return null;
}

/** Takes the lines of one file from `lines`. */
function takeFile(lines: string[]): string | null {
  const head = lines.shift()?.trim() ?? "";
  if (head.startsWith(files.add)) {
    while (lines[0]?.startsWith("+")) lines.shift();
    return null;
  }
  if (head.startsWith(files.remove)) return null;
  if (!head.startsWith(files.update)) return "no file has such a head";
  if (lines[0]?.startsWith("*** Move to: ")) lines.shift();
  let chunks = 0;
  for (let next = lines[0]; next !== undefined && !next.startsWith("*"); next = lines[0]) {
    if (next.trim() === "") {
      lines.shift();
      continue;
    }
    const complaint = takeChunk(lines, chunks === 0);
    if (complaint !== null) return complaint;
    chunks += 1;
  }
  return chunks === 0 ? "nothing of the file changes" : null;
}

function takeChunk(lines: string[], isFirst: boolean): string | null {
  const [head = ""] = lines;
  if (head === "@@" || head.startsWith("@@ ")) lines.shift();
  else if (!isFirst) return "a later chunk has no head";
  let changes = 0;
  for (let next = lines[0]; next !== undefined; next = lines[0]) {
    if (next === "*** End of File") {
      if (changes === 0) return "a chunk has no lines";
      lines.shift();
      return null;
    }
    if (next !== "" && !/^[ +-]/.test(next)) break;
    lines.shift();
    changes += 1;
  }
  return changes === 0 ? "a chunk has no lines" : null;
}
