/** Owns the forms that models write in: the marks of their thinking and of their calls, by which text is told from both. */

export interface Tags {
  readonly open: string;
  readonly close: string;
}

/** The marks of Hermes models (Qwen, Hermes, Granite, ...), which our own protocol for all other models uses as well. */
export const callTags: Tags = { open: "<tool_call>", close: "</tool_call>" };
export const thinkTags: Tags = { open: "<think>", close: "</think>" };

/** Tags that stand around thinking at the start of an answer, most models' first. */
export const thinkForms: readonly Tags[] = [
  // Qwen, DeepSeek, GLM, MiniMax, Kimi
  thinkTags,
  // Tunes after Claude
  { open: "<thinking>", close: "</thinking>" },
  { open: "<seed:think>", close: "</seed:think>" },
  // Magistral, Ministral
  { open: "[THINK]", close: "[/THINK]" },
  // Gemma 4
  { open: "<|channel>thought", close: "<channel|>" },
];

/**
 * What stands around the parts of a call in tags, as the model's template writes it. A call is `before` name `end`, and for
 * each argument in between `beforeKey` key `beforeValue` value `afterValue`.
 */
export interface CallTags {
  readonly before: string;
  readonly beforeKey: string;
  readonly beforeValue: string;
  readonly afterValue: string;
  readonly end: string;
}

/** What calls in tags stand between. */
export const taggedMarks: readonly Tags[] = [callTags, { open: "<seed:tool_call>", close: "</seed:tool_call>" }];

/** How a model writes calls. */
export type CallForm =
  /** `{"name": ..., "arguments": {...}}` between `callTags`. */
  | { readonly type: "json" }
  /** Name and arguments in tags, between `marks`: Qwen3-Coder, Qwen3.5, GLM, Seed-OSS. */
  | { readonly type: "tags"; readonly marks: Tags; readonly tags: CallTags }
  /** `[TOOL_CALLS]name[ARGS]{...}`: Devstral, Magistral, Ministral 3. */
  | { readonly type: "named" }
  /** gpt-oss: a whole answer is messages on channels, and a call one that has a tool as its recipient. */
  | { readonly type: "harmony" };

/** The form of a model: of its thinking and of its calls. */
export interface AnswerForm {
  readonly thinking: Tags;
  readonly calls: CallForm;
}

export const plainForm: AnswerForm = { thinking: thinkTags, calls: { type: "json" } };

/** Where calls of a form begin and end. */
export interface CallMarks extends Tags {
  /** The mark is a control token, which nothing else is written with: it counts in the middle of a line as well. */
  readonly anywhere: boolean;
  /** What stands between the end of one call and the beginning of the next. */
  readonly between: string;
}

/** In a call with a name, between it and the arguments. */
export const argumentsMark = "[ARGS]";

/** `close` is "" where a call just ends. */
export function marksOf(form: Exclude<CallForm, { type: "harmony" }>): CallMarks {
  switch (form.type) {
    case "json":
      return { ...callTags, anywhere: false, between: "\n" };
    case "tags":
      return { ...form.marks, anywhere: false, between: "\n" };
    case "named":
      return { open: "[TOOL_CALLS]", close: "", anywhere: true, between: "" };
  }
}

/** The control tokens of Harmony. */
export const harmony = {
  start: "<|start|>",
  channel: "<|channel|>",
  constrain: "<|constrain|>",
  message: "<|message|>",
  end: "<|end|>",
  call: "<|call|>",
  return: "<|return|>",
} as const;

/** Spellings of tokens that are marks of `form`, and so belong to an answer. */
export function spellingsOf({ calls }: AnswerForm): readonly string[] {
  const thinking = thinkForms.flatMap(({ open, close }) => [open, close]);
  if (calls.type === "harmony") return [...thinking, ...Object.values(harmony)];
  const { open, close } = marksOf(calls);
  return [...thinking, open, close, ...(calls.type === "named" ? [argumentsMark] : [])];
}
