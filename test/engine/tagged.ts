/** Owns forms of calls in tags for tests. */
import { type CallTags, type MarkedForm, qwenMarks, taggedMarks } from "../../src/engine/format/forms.ts";

const qwenTags: CallTags = {
  before: "\n<function=",
  afterName: ">",
  beforeKey: "\n<parameter=",
  beforeText: ">\n",
  beforeJson: ">\n",
  afterValue: "\n</parameter>",
  end: "\n</function>\n",
};
const glmTags: CallTags = {
  before: "",
  afterName: "",
  beforeKey: "\n<arg_key>",
  beforeText: "</arg_key>\n<arg_value>",
  beforeJson: "</arg_key>\n<arg_value>",
  afterValue: "</arg_value>",
  end: "\n",
};
const minimaxTags: CallTags = {
  before: '\n<invoke name="',
  afterName: '">',
  beforeKey: '\n<parameter name="',
  beforeText: '">',
  beforeJson: '">',
  afterValue: "</parameter>",
  end: "\n</invoke>",
};
const deepseekTags: CallTags = {
  before: '\n<｜DSML｜invoke name="',
  afterName: '">',
  beforeKey: '\n<｜DSML｜parameter name="',
  beforeText: '" string="true">',
  beforeJson: '" string="false">',
  afterValue: "</｜DSML｜parameter>",
  end: "\n</｜DSML｜invoke>",
};
type TaggedForm = Extract<MarkedForm, { type: "tags" }>;

/** Qwen3-Coder and Qwen3.5. */
export const qwenForm: TaggedForm = { type: "tags", marks: qwenMarks, tags: qwenTags };

/** By who writes so. */
export const taggedForms: Readonly<Record<string, TaggedForm>> = {
  "Qwen3-Coder and Qwen3.5": qwenForm,
  GLM: { ...qwenForm, tags: glmTags },
  "MiniMax M2": { type: "tags", marks: marksOf("<minimax:"), tags: minimaxTags },
  "DeepSeek V3.2": { type: "tags", marks: marksOf("<｜DSML｜function"), tags: deepseekTags },
};

function marksOf(open: string): TaggedForm["marks"] {
  return taggedMarks.find((marks) => marks.open.startsWith(open)) ?? qwenMarks;
}
