/** Owns the samples of what servers did themselves: searches, code, images, MCP, programs, agents. */
import type { Fields } from "../../src/spec/json.ts";
import { type Source, type Sources, silent } from "./sample.ts";

const searched = (action: Fields, fields: Fields = {}): Source => [
  { type: "web_search_call", id: "ws_{id}", status: "completed", action, ...fields },
];
const query = { type: "search", query: "{seen}" };

const web_search_call = {
  search: searched(query),
  "search, queries": searched({ type: "search", queries: ["{seen}", "{seen}"] }),
  "search, query and queries": searched({ ...query, queries: ["{seen}"] }),
  "search, sources": searched({ ...query, sources: [{ type: "url", url: "https://example.com/{seen}" }] }),
  open_page: searched({ type: "open_page", url: "https://example.com/{seen}" }),
  "open_page, url null": silent("it does not say what it opened", ...searchedNothing()),
  find_in_page: searched({ type: "find_in_page", pattern: "{seen}", url: "https://example.com/{seen}" }),
  results: searched(query, { results: [{ type: "text_result", url: "https://example.com/{seen}", title: "T" }] }),
  searching: searched(query, { status: "searching" }),
  "in progress": searched(query, { status: "in_progress" }),
  failed: searched(query, { status: "failed" }),
  incomplete: searched(query, { status: "incomplete" }),
  "without an action": silent("it does not say what it searched", { type: "web_search_call", status: "completed" }),
} as const satisfies Sources;

function searchedNothing(): Fields[] {
  return [{ type: "web_search_call", id: "ws_{id}", status: "completed", action: { type: "open_page", url: null } }];
}

const found = { file_id: "f", filename: "{seen}.txt", score: 0.5, text: "{seen}", attributes: { year: 2026 } };
const files = (fields: Fields): Source => [
  { type: "file_search_call", id: "fs_{id}", status: "completed", queries: ["{seen}"], ...fields },
];

const file_search_call = {
  results: files({ results: [found] }),
  "two queries, two results": files({ queries: ["{seen}", "{seen}"], results: [found, found] }),
  "no results": files({ results: [] }),
  "results null": files({ results: null }),
  "without results": files({}),
  "attributes null": files({ results: [{ ...found, attributes: null }] }),
  searching: files({ status: "searching" }),
  incomplete: files({ status: "incomplete" }),
  failed: files({ status: "failed" }),
} as const satisfies Sources;

const ran = (fields: Fields): Source => [
  { type: "code_interpreter_call", id: "ci_{id}", status: "completed", container_id: "c", code: "{seen}", ...fields },
];
const logs = { type: "logs", logs: "{seen}" };

const code_interpreter_call = {
  logs: ran({ outputs: [logs] }),
  "logs and an image": ran({ outputs: [logs, { type: "image", url: "https://example.com/a.png" }] }),
  "no outputs": ran({ outputs: [] }),
  "outputs null": ran({ outputs: null }),
  "without outputs": ran({}),
  "code null": ran({ code: null, outputs: [logs] }),
  interpreting: ran({ status: "interpreting" }),
  failed: ran({ status: "failed", outputs: [logs] }),
} as const satisfies Sources;

const drew = (fields: Fields): Source => [
  { type: "image_generation_call", id: "ig_{id}", status: "completed", result: "iVBORw0KGgo=", ...fields },
];

const image_generation_call = {
  drawn: drew({ revised_prompt: "{seen}" }),
  "every option": drew({
    revised_prompt: "{seen}",
    action: "generate",
    background: "opaque",
    output_format: "png",
    quality: "high",
    size: "1024x1024",
  }),
  "every option null": drew({
    revised_prompt: "{seen}",
    action: null,
    background: null,
    output_format: null,
    quality: null,
    size: null,
  }),
  "usage of an SVG": drew({ revised_prompt: "{seen}", svg_usage: { model: "m", input_tokens: 1, output_tokens: 1 } }),
  failed: drew({
    status: "failed",
    result: null,
    revised_prompt: "{seen}",
    error: { code: null, message: "{seen}", param: null, type: "image_generation_error" },
  }),
  "in progress": silent("it does not say what is drawn", { type: "image_generation_call", status: "in_progress" }),
  "prompt null": silent("it does not say what was drawn", {
    type: "image_generation_call",
    result: "iVBORw0KGgo=",
    revised_prompt: null,
  }),
} as const satisfies Sources;

const listed = (tools: readonly Fields[], fields: Fields = {}): Source => [
  { type: "mcp_list_tools", id: "mcpl_{id}", server_label: "{seen}", tools, ...fields },
];
const listedTool = { name: "{seen}", input_schema: { type: "object" } };

const mcp_list_tools = {
  tools: listed([{ ...listedTool, description: "D", annotations: { readOnlyHint: true } }, listedTool]),
  "description and annotations null": listed([{ ...listedTool, description: null, annotations: null }]),
  "no tools": listed([]),
  error: listed([], { error: "{seen}" }),
  "error null": listed([listedTool], { error: null }),
  "error as an object": listed([], { error: { type: "http_error", code: 502, message: "{seen}" } }),
} as const satisfies Sources;

const mcp = (fields: Fields): Source => [
  {
    type: "mcp_call",
    id: "mcp_{id}",
    server_label: "{seen}",
    name: "{seen}",
    arguments: '{"q":"{seen}"}',
    ...fields,
  },
];

const mcp_call = {
  output: mcp({ output: "{seen}", status: "completed" }),
  "output and error null": mcp({ output: null, error: null }),
  "neither output nor error": mcp({}),
  "protocol error": mcp({ error: { type: "mcp_protocol_error", code: -32_602, message: "{seen}" } }),
  "execution error, text": mcp({ error: { type: "mcp_tool_execution_error", content: "{seen}" } }),
  "execution error, parts": mcp({
    error: { type: "mcp_tool_execution_error", content: [{ type: "text", text: "{seen}" }] },
  }),
  "HTTP error": mcp({ error: { type: "http_error", code: 502, message: "{seen}" }, status: "failed" }),
  "error as text": mcp({ error: "{seen}", status: "failed" }),
  approved: mcp({ approval_request_id: "mcpr_{id}", output: "{seen}" }),
  "approval null": mcp({ approval_request_id: null, output: "{seen}" }),
  calling: mcp({ status: "calling" }),
  "in progress": mcp({ status: "in_progress" }),
  incomplete: mcp({ status: "incomplete" }),
} as const satisfies Sources;

const request = {
  type: "mcp_approval_request",
  id: "mcpr_{id}",
  server_label: "{seen}",
  name: "{seen}",
  arguments: '{"q":"{seen}"}',
};
const approval = { type: "mcp_approval_response", approval_request_id: "mcpr_{id}", approve: true };

const mcp_approval_request = {
  "asked and not answered": [request],
  "asked and approved": [request, approval],
  "empty arguments": [{ ...request, arguments: "" }],
} as const satisfies Sources;

const mcp_approval_response = {
  approved: [request, { ...approval, reason: "{seen}" }],
  refused: [request, { ...approval, approve: false, reason: "{seen}" }],
  "with id": [request, { ...approval, id: "mcpa_{id}" }],
  "id and reason null": [request, { ...approval, id: null, reason: null }],
  "without its request": silent("it says yes, and to what is not known", approval),
} as const satisfies Sources;

const program_ = { type: "program", id: "prog_{id}", call_id: "call_{id}", code: "log('{seen}')", fingerprint: "f" };
const result = { type: "program_output", id: "progo_{id}", call_id: "call_{id}", result: "{seen}" };

const program = {
  "code and its result": [program_, { ...result, status: "completed" }],
  "without a result": [program_],
} as const satisfies Sources;

const program_output = {
  completed: [program_, { ...result, status: "completed" }],
  incomplete: [program_, { ...result, status: "incomplete" }],
  "without its program": [{ ...result, status: "completed" }],
} as const satisfies Sources;

const agent = (action: string, fields: Fields = {}): Fields => ({
  type: "multi_agent_call",
  call_id: "call_{id}",
  action,
  arguments: '{"task":"{seen}"}',
  ...fields,
});
const agents = (action: string, fields: Fields = {}): Source => [
  agent(action),
  {
    type: "multi_agent_call_output",
    call_id: "call_{id}",
    action,
    output: [{ type: "output_text", text: "{seen}", annotations: [] }],
    ...fields,
  },
];

const multi_agent_call = {
  spawn_agent: [agent("spawn_agent")],
  interrupt_agent: [agent("interrupt_agent")],
  list_agents: [agent("list_agents")],
  send_message: [agent("send_message")],
  followup_task: [agent("followup_task")],
  wait_agent: [agent("wait_agent")],
  "id and agent null": [agent("wait_agent", { id: null, agent: null })],
  "of a named agent": [agent("wait_agent", { id: "mac_{id}", agent: { agent_name: "root" } })],
} as const satisfies Sources;

const multi_agent_call_output = {
  "with its call": agents("spawn_agent"),
  "id and agent null": agents("wait_agent", { id: null, agent: null }),
  "with id": agents("list_agents", { id: "maco_{id}" }),
} as const satisfies Sources;

export const serverCalls = {
  web_search_call,
  file_search_call,
  code_interpreter_call,
  image_generation_call,
  mcp_list_tools,
  mcp_call,
  mcp_approval_request,
  mcp_approval_response,
  program,
  program_output,
  multi_agent_call,
  multi_agent_call_output,
} as const;
