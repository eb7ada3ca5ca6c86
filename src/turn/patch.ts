/** Owns the form of Codex's patches: models wrap and abridge them in ways that Codex's own parser refuses. */
import { limits } from "../limits.ts";
import { isFields, parse } from "../spec/json.ts";

const begin = "*** Begin Patch";
const end = "*** End Patch";

/**
 * The patch in what a model gave to `apply_patch`, without the fence, JSON, or shell command around it, and with the last
 * line that Codex demands. Text that holds no patch is left as it is: its error message is the better teacher.
 */
export function plainPatch(input: string): string {
  const inner = unwrapped(input);
  const start = inner.indexOf(begin);
  // Whatever the model says in front of a patch, such as the name of the tool, is not part of it.
  if (start === -1 || !/^[^\n]*\n?$/.test(inner.slice(0, start))) return input;
  const patch = inner.slice(start).trimEnd();
  const last = patch.lastIndexOf(`\n${end}`);
  return last === -1 ? `${patch}\n${end}\n` : `${patch.slice(0, last)}\n${end}\n`;
}

/** One layer after the other, as they come nested. */
function unwrapped(text: string): string {
  let inner = text.trim();
  for (let layers = 0; layers < limits.patchLayers; layers += 1) {
    const layer = fenced(inner) ?? wrapped(inner) ?? heredoc(inner);
    if (layer === null) break;
    inner = layer.trim();
  }
  return inner;
}

function fenced(text: string): string | null {
  return /^```[\w-]*\n([^]*?)\n?```$/.exec(text)?.[1] ?? null;
}

/** The arguments of a function, or a command as a list of words. */
function wrapped(text: string): string | null {
  const value = text.startsWith("{") || text.startsWith("[") ? parse(text) : undefined;
  const candidates: readonly unknown[] = isFields(value)
    ? Object.values(value).flat()
    : Array.isArray(value)
      ? value
      : [];
  const patch = candidates.find((candidate) => typeof candidate === "string" && candidate.includes(begin));
  return typeof patch === "string" ? patch : null;
}

function heredoc(text: string): string | null {
  return /^(?:apply_patch\s*)?<<-?\s*(['"]?)(\w+)\1\n([^]*?)\n\2$/.exec(text)?.[3] ?? null;
}
