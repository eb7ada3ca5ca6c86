/** Owns the content parts of items: one row a part type. */

export interface PartRow {
  /** The field that holds what a model can read as text; null where there is none. */
  readonly text: string | null;
  /** What it carries when it is not text. */
  readonly media: "image" | "file" | "audio" | null;
  /** How a model sees it; for people. */
  readonly shown: string;
}

const words = { text: "text", media: null, shown: "its text" } as const;
const image =
  "the image where it is a data URL and the model can see images, else a note in its place; nothing is fetched";

export const parts = {
  input_text: words,
  input_image: { text: null, media: "image", shown: image },
  input_file: {
    text: null,
    media: "file",
    shown: "name and text of a file sent inline (PDFs too), else a note in its place; nothing is fetched",
  },
  input_audio: { text: null, media: "audio", shown: "a note in its place" },
  output_text: words,
  refusal: { text: "refusal", media: null, shown: "its text" },
  reasoning_text: words,
  summary_text: words,
  /** Chat-style and conversation parts that clients replay as they are. */
  text: words,
  image_url: { text: null, media: "image", shown: image },
  computer_screenshot: { text: null, media: "image", shown: image },
  /** Codex's agent messages: the plain text that we generated ourselves (facts of Codex 0.169). */
  encrypted_content: { text: "encrypted_content", media: null, shown: "its text: Codex puts plain text there" },
} as const satisfies Record<string, PartRow>;

export type PartType = keyof typeof parts;

export function isPartType(type: unknown): type is PartType {
  return typeof type === "string" && Object.hasOwn(parts, type);
}

/** A content part on the wire; loose, as clients send fields and types that no table knows. */
export interface Part {
  readonly type: string;
  readonly [field: string]: unknown;
}
