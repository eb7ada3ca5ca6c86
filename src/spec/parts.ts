/** Owns the content parts of items: one row a part type. */

export interface PartRow {
  /** The field that holds what a model can read as text; null where there is none. */
  readonly text: string | null;
  /** What it carries when it is not text. */
  readonly media: "image" | "file" | "audio" | null;
}

export const parts = {
  input_text: { text: "text", media: null },
  input_image: { text: null, media: "image" },
  input_file: { text: null, media: "file" },
  input_audio: { text: null, media: "audio" },
  output_text: { text: "text", media: null },
  refusal: { text: "refusal", media: null },
  reasoning_text: { text: "text", media: null },
  summary_text: { text: "text", media: null },
  /** Chat-style and conversation parts that clients replay as they are. */
  text: { text: "text", media: null },
  computer_screenshot: { text: null, media: "image" },
  /** Codex's agent messages: the plain text that we generated ourselves (facts of Codex 0.169). */
  encrypted_content: { text: "encrypted_content", media: null },
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
