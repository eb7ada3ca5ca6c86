/** Owns the samples of items that steer a thread: compaction, tools added later, settings, references, other agents. */
import type { Fields } from "../../src/spec/json.ts";
import { silent, type Sources } from "./sample.ts";

const words = { type: "input_text", text: "{seen}" };
const agent = (content: unknown, fields: Fields = {}): Fields[] => [
  { type: "agent_message", author: "/root/{seen}", recipient: "/{seen}", content, ...fields },
];

const agent_message = {
  text: agent([words]),
  "encrypted content of Codex, which is plain": agent([{ type: "encrypted_content", encrypted_content: "{seen}" }]),
  "text and image": agent([words, { type: "input_image", image_url: "{image}" }]),
  "with id": agent([words], { id: "amsg_{id}" }),
  "id and agent null": agent([words], { id: null, agent: null }),
  "every part": agent([
    words,
    { type: "output_text", text: "{seen}", annotations: [] },
    { type: "text", text: "{seen}" },
    { type: "summary_text", text: "{seen}" },
    { type: "reasoning_text", text: "{seen}" },
    { type: "refusal", refusal: "{seen}" },
    { type: "computer_screenshot", image_url: "{image}" },
    { type: "input_file", filename: "{seen}.txt", file_data: "{file}" },
  ]),
} as const satisfies Sources;

const foreign = "only the server that made it can read it";
const compacted = { encrypted_content: "gAAAAAB{unseen}" };

const compaction = {
  foreign: silent(foreign, { type: "compaction", id: "cmp_{id}", ...compacted }),
  "id null": silent(foreign, { type: "compaction", id: null, ...compacted }),
  "without id": silent(foreign, { type: "compaction", ...compacted }),
  "made by": silent(foreign, { type: "compaction", ...compacted, created_by: "server" }),
  "with a readable summary": [{ type: "compaction", ...compacted, summary: "{seen}" }],
  "compaction_summary, as Codex names it": silent(foreign, { type: "compaction_summary", ...compacted }),
  "context_compaction, as Codex names it": silent(foreign, { type: "context_compaction", ...compacted }),
  "context_compaction without content": silent(foreign, { type: "context_compaction" }),
} as const satisfies Sources;

const asksServer = "it asks the server for something, and tells the model nothing";

const compaction_trigger = {
  bare: silent(asksServer, { type: "compaction_trigger" }),
  "with id": silent(asksServer, { type: "compaction_trigger", id: "cmpt_{id}" }),
  "id null": silent(asksServer, { type: "compaction_trigger", id: null }),
} as const satisfies Sources;

const added = (tools: readonly unknown[], fields: Fields = {}): Fields => ({
  type: "additional_tools",
  role: "developer",
  tools,
  ...fields,
});
const tool = (fields: Fields = {}): Fields => ({
  type: "function",
  name: "{seen}",
  description: "{seen}",
  parameters: { type: "object", properties: { a: { type: "string", description: "{seen}" } } },
  strict: true,
  ...fields,
});
const hosted = "tools that a server runs are not on offer";

const additional_tools = {
  "a function": [added([tool()])],
  "two functions": [added([tool(), tool()])],
  "parameters, description and strict null": [added([tool({ description: null, parameters: null, strict: null })])],
  "a custom tool": [added([{ type: "custom", name: "{seen}", description: "{seen}" }])],
  "a custom tool with a grammar": [
    added([
      { type: "custom", name: "{seen}", format: { type: "grammar", syntax: "lark", definition: 'start: "{seen}"' } },
    ]),
  ],
  "a namespace": [added([{ type: "namespace", name: "{seen}", description: "D", tools: [tool(), tool()] }])],
  "with id": [added([tool()], { id: "at_{id}" })],
  "id null": [added([tool()], { id: null })],
  "a shell": silent("it holds no words of its own", added([{ type: "shell" }])),
  "hosted tools": silent(hosted, added([{ type: "web_search" }, { type: "mcp", server_label: "{unseen}" }])),
  "no tools": silent("it brings nothing", added([])),
} as const satisfies Sources;

const setting = "it changes a setting, and tells the model nothing";
const update = (fields: Fields): Fields => ({ type: "configuration_update", ...fields });

const configuration_update = {
  effort: silent(setting, update({ reasoning: { effort: "low" } })),
  "effort, with id": silent(setting, update({ id: "cfg_{id}", reasoning: { effort: "xhigh" } })),
  "effort null": silent(setting, update({ id: null, reasoning: { effort: null } })),
  "free text": silent(setting, update({ text: { format: { type: "text" } } })),
  both: silent(setting, update({ reasoning: { effort: "high" }, text: { format: { type: "text" } } })),
  nothing: silent(setting, update({})),
} as const satisfies Sources;

const said = { type: "message", id: "msg_{id}", role: "user", content: "{seen}" };
const lost = "what it names is not stored here";

const item_reference = {
  "to a message": [said, { type: "item_reference", id: "msg_{id}" }],
  "before what it names": [{ type: "item_reference", id: "msg_{id}" }, said],
  "without a type": [said, { id: "msg_{id}" }],
  "type null": [said, { type: null, id: "msg_{id}" }],
  "to a call": [
    { type: "item_reference", id: "fc_{id}" },
    { type: "function_call", id: "fc_{id}", call_id: "call_{id}", name: "look_up", arguments: '{"q":"{seen}"}' },
    { type: "function_call_output", call_id: "call_{id}", output: "{seen}" },
  ],
  unresolved: silent(lost, { type: "item_reference", id: "msg_unknown_{id}" }),
  "unresolved, without a type": silent(lost, { id: "rs_unknown_{id}" }),
} as const satisfies Sources;

export const steering = {
  agent_message,
  compaction,
  compaction_trigger,
  additional_tools,
  configuration_update,
  item_reference,
} as const;
