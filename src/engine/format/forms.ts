/** Owns the forms that models write in: the marks of their thinking and of their calls, by which text is told from both. */
import { callLead, stringMark } from "./notation.ts";

export interface Tags {
  readonly open: string;
  readonly close: string;
}

/** The marks of Hermes models (Qwen, Hermes, Granite, ...), which our own protocol for all other models uses as well. */
export const callTags: Tags = { open: "<tool_call>", close: "</tool_call>" };
export const thinkTags: Tags = { open: "<think>", close: "</think>" };

/** Tags that stand around thinking at the start of an answer, most models' first. */
export const thinkForms: readonly Tags[] = [
  // Qwen, DeepSeek, GLM, MiniMax M2, Kimi
  thinkTags,
  // Tunes after Claude
  { open: "<thinking>", close: "</thinking>" },
  { open: "<seed:think>", close: "</seed:think>" },
  // Magistral, Ministral
  { open: "[THINK]", close: "[/THINK]" },
  // MiniMax M3
  { open: "<mm:think>", close: "</mm:think>" },
  // Gemma 4
  { open: "<|channel>thought", close: "<channel|>" },
];

/**
 * What stands around the parts of a call in tags, as the model's template writes it. A call is `before` name `afterName`, for
 * each argument `beforeKey` key `beforeText` (or `beforeJson`) value `afterValue`, and `end`.
 */
export interface CallTags {
  readonly before: string;
  readonly afterName: string;
  readonly beforeKey: string;
  /** Before a value that is text as it stands. */
  readonly beforeText: string;
  /** Before any other value: most write the same, DeepSeek says which of the two it is. */
  readonly beforeJson: string;
  readonly afterValue: string;
  readonly end: string;
}

/**
 * What stands around the parts of a call whose arguments are JSON. A call is `lead` name `afterName` arguments `end`, and it
 * stands between `open` and `close`: each by itself, or all together.
 */
export interface CallFrame {
  readonly open: string;
  /** The mark is a control token, which nothing else is written with: it counts in the middle of a line as well. */
  readonly anywhere: boolean;
  readonly lead: string;
  /** Calls are counted behind their name: `name:0`. */
  readonly numbered: boolean;
  readonly afterName: string;
  readonly end: string;
  /** "" where calls just end. */
  readonly close: string;
  readonly together: boolean;
  /** What stands between one call and the next. */
  readonly between: string;
}

/** What calls in tags stand between. */
export type CallMarks = Pick<CallFrame, "open" | "close" | "together" | "between">;

const apart = { together: false, between: "\n" } as const;
const together = { together: true, between: "" } as const;

export const qwenMarks: CallMarks = { ...callTags, ...apart };

/** Of each family of models that writes tags. */
export const taggedMarks: readonly CallMarks[] = [
  // Qwen3-Coder, Qwen3.5, GLM
  qwenMarks,
  // Seed-OSS
  { open: "<seed:tool_call>", close: "</seed:tool_call>", ...apart },
  // MiniMax M2
  { open: "<minimax:tool_call>", close: "\n</minimax:tool_call>", ...together },
  // DeepSeek V3.2
  { open: "<｜DSML｜function_calls>", close: "\n</｜DSML｜function_calls>", ...together },
  // DeepSeek V4
  { open: "<｜DSML｜tool_calls>", close: "\n</｜DSML｜tool_calls>", ...together },
];

const hermes = {
  ...callTags,
  anywhere: false,
  lead: '\n{"name": "',
  numbered: false,
  afterName: '", "arguments": ',
  end: "}\n",
  together: false,
  between: "\n",
} as const satisfies CallFrame;

/** Of each family of models that writes JSON. */
export const callFrames = {
  /** Hermes, Qwen 2.5 and 3, Granite; and our own protocol. */
  hermes,
  /** Devstral, Magistral, Ministral 3. */
  mistral: {
    ...hermes,
    open: "[TOOL_CALLS]",
    anywhere: true,
    lead: "",
    afterName: "[ARGS]",
    end: "",
    close: "",
    between: "",
  },
  /** Kimi K2. */
  kimi: {
    open: "<|tool_calls_section_begin|>",
    anywhere: true,
    lead: "<|tool_call_begin|>functions.",
    numbered: true,
    afterName: "<|tool_call_argument_begin|>",
    end: "<|tool_call_end|>",
    close: "<|tool_calls_section_end|>",
    together: true,
    between: "",
  },
  /** DeepSeek R1. */
  deepseek: {
    open: "<｜tool▁calls▁begin｜>",
    anywhere: true,
    lead: "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
    numbered: false,
    afterName: "\n```json\n",
    end: "\n```<｜tool▁call▁end｜>",
    close: "<｜tool▁calls▁end｜>",
    together: true,
    between: "\n",
  },
  /** Nemotron Nano 2. */
  nemotron: {
    ...hermes,
    open: "<TOOLCALL>[",
    lead: '{"name": "',
    end: "}",
    close: "]</TOOLCALL>",
    together: true,
    between: ", ",
  },
  /** MiniMax M1. */
  minimax: { ...hermes, open: "<tool_calls>", end: "}", close: "\n</tool_calls>", together: true, between: "" },
  /** GigaChat 3.1. */
  gigachat: {
    ...hermes,
    open: "<|function_call|>",
    anywhere: true,
    lead: '{"name": "',
    end: "",
    close: "}",
    between: "",
  },
  /** Functionary 3.1. */
  functionary: { ...hermes, open: "<function=", lead: "", afterName: ">", end: "", close: "</function>", between: "" },
} as const satisfies Readonly<Record<string, CallFrame>>;

/** Gemma 4; the arguments are in its own notation. */
export const gemmaFrame = {
  ...hermes,
  open: "<|tool_call>",
  anywhere: true,
  lead: callLead,
  afterName: "",
  end: "",
  close: "<tool_call|>",
  between: "",
} as const satisfies CallFrame;

/** How a model writes calls. */
export type CallForm =
  | { readonly type: "json"; readonly frame: CallFrame }
  /** Arguments in a notation like JSON, but with marks around strings: Gemma 4. */
  | { readonly type: "noted"; readonly frame: CallFrame }
  /** Name and arguments in tags, between `marks`: Qwen3-Coder, Qwen3.5, GLM, Seed-OSS, MiniMax M2, DeepSeek V3.2 and V4. */
  | { readonly type: "tags"; readonly marks: CallMarks; readonly tags: CallTags }
  /** gpt-oss: a whole answer is messages on channels, and a call one that has a tool as its recipient. */
  | { readonly type: "harmony" };

export type MarkedForm = Exclude<CallForm, { readonly type: "harmony" }>;

/** The form of a model: of its thinking and of its calls. */
export interface AnswerForm {
  readonly thinking: Tags;
  readonly calls: CallForm;
}

export const plainForm: AnswerForm = { thinking: thinkTags, calls: { type: "json", frame: hermes } };

/** The frame of `form`; what writes one call in tags between marks may write JSON there. */
export function frameOf(form: MarkedForm): CallFrame {
  if (form.type !== "tags") return form.frame;
  const { marks, tags } = form;
  const { before: lead, afterName, end } = tags;
  return { ...hermes, ...marks, ...(marks.together && { lead, afterName, end }) };
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

/** Texts that hold the spellings of all tokens that are marks of `form`, and so belong to an answer. */
export function spellingsOf({ calls }: AnswerForm): readonly string[] {
  const thinking = thinkForms.flatMap(({ open, close }) => [open, close]);
  if (calls.type === "harmony") return [...thinking, ...Object.values(harmony)];
  const { open, lead, afterName, end, close } = frameOf(calls);
  return [...thinking, open, lead, afterName, end, close, ...(calls.type === "noted" ? [stringMark] : [])];
}

/** Spellings of the control tokens among the marks of `calls`, where only those count. */
export function controlMarks(calls: CallForm): readonly string[] {
  if (calls.type === "harmony") return Object.values(harmony);
  const { anywhere, open, lead, afterName, end, close } = frameOf(calls);
  if (!anywhere) return [];
  if (calls.type === "noted") return [open, close, stringMark];
  return [open, lead, afterName, end, close].join(" ").match(/<[|｜][^|｜]+[|｜]>|\[[A-Z_]+\]/g) ?? [];
}

/** `form` for a vocabulary that has no tokens for its marks: as text, they count at the start of a line only. */
export function inText(form: AnswerForm): AnswerForm {
  const { calls } = form;
  return calls.type === "json" || calls.type === "noted"
    ? { ...form, calls: { ...calls, frame: { ...calls.frame, anywhere: false } } }
    : form;
}

/**
 * Stands in text where a mark is spelled by other tokens than its own, so that it is none there; no character, and so in no
 * text. What leaves is without it.
 */
export const seam = "\uFFFE";
