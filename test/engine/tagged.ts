/** Owns a form of calls in tags for tests: that of Qwen3-Coder and Qwen3.5. */
import { type CallForm, callTags } from "../../src/engine/format/forms.ts";

export const qwenTags = {
  before: "\n<function=",
  beforeKey: ">\n<parameter=",
  beforeValue: ">\n",
  afterValue: "\n</parameter",
  end: ">\n</function>\n",
};

export const qwenForm: CallForm = { type: "tags", marks: callTags, tags: qwenTags };
