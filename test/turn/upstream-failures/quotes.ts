/** Owns texts that only speak of calls: whatever families of models write, none of these is one. */
import { done, end, say } from "../../engine/chat/wire.ts";
import { type Row, stream } from "./row.ts";

const args = '{"name": "f", "arguments": {"x": 1}}';

const texts: Readonly<Record<string, string>> = {
  "Hermes' tags in a sentence": `To call it, write <tool_call>${args}</tool_call> and wait.`,
  "Hermes' tags in a code block": `An example:\n\`\`\`\n<tool_call>\n${args}\n</tool_call>\n\`\`\`\nThat is all.`,
  "Hermes' tags in a code block that never ends": `An example:\n~~~xml\n<tool_call>\n${args}\n</tool_call>`,
  "Hermes' tags in code marks": `Use \`<tool_call>${args}</tool_call>\` for that.`,
  "Mistral's mark in a sentence": `Mistral writes [TOOL_CALLS][${args}] there.`,
  "Llama's mark in a code block": `\`\`\`text\n<|python_tag|>f.call(x=1)\n\`\`\``,
  "JSON of a call in a code block": `The request body is:\n\`\`\`json\n${args}\n\`\`\``,
  "JSON of a call in a sentence": `It sends ${args} to the server.`,
  "XML of Qwen's coder in a quotation": `> <tool_call>\n> <function=f>\n> <parameter=x>1</parameter>\n> </function>\n> </tool_call>`,
  "DeepSeek's marks in a list": `- <\uff5ctool\u2581calls\u2581begin\uff5c> opens the calls\n- f is one`,
  "a call of a tool that nobody offered": `<tool_call>\n{"name": "launch", "arguments": {}}\n</tool_call>`,
  "a tag alone": "The tag is <tool_call>.",
};

export const quoteRows: readonly Row[] = Object.entries(texts).map(([title, text]) => ({
  title,
  answers: [stream(...Array.from(text, (character) => say(character)), end("stop"), done)],
  means: ["completed", `message: ${text}`],
}));
