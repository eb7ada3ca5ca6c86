/** Owns the samples of calls that clients run, and of their outputs. */
import type { Fields } from "../../src/spec/json.ts";
import type { Source, Sources } from "./sample.ts";

const callId = "call_{id}";
const called = (fields: Fields = {}): Fields => ({
  type: "function_call",
  call_id: callId,
  name: "look_up",
  arguments: '{"city":"{seen}"}',
  ...fields,
});
const returned = (output: unknown, fields: Fields = {}): Fields => ({
  type: "function_call_output",
  call_id: callId,
  output,
  ...fields,
});
const pair = (call: Fields, output: Fields): Source => [called(call), returned("{seen}", output)];
const text = { type: "input_text", text: "{seen}" };
const image = { type: "input_image", image_url: "{image}", detail: "auto" };
const direct = { caller: { type: "direct" } };
const byProgram = { caller: { type: "program", caller_id: "prog_{id}" } };

const function_call = {
  "a call and its output": pair({}, {}),
  "with ids and status": pair({ id: "fc_{id}", status: "completed" }, { id: "fco_{id}", status: "completed" }),
  "ids and status null": pair({ id: null, status: null }, { id: null, status: null }),
  "in progress": pair({ status: "in_progress" }, {}),
  incomplete: pair({ status: "incomplete" }, {}),
  "name is shown": pair({ name: "{seen}" }, {}),
  "with a namespace": pair({ name: "{seen}", namespace: "{seen}" }, {}),
  "namespace null": pair({ namespace: null }, {}),
  "called directly": pair(direct, direct),
  "called by a program": pair(byProgram, byProgram),
  "caller null": pair({ caller: null }, { caller: null }),
  asynchronous: pair({ async: true }, {}),
  "empty object": pair({ arguments: "{}" }, {}),
  "nested arguments": pair({ arguments: '{"a":{"b":["{seen}",null,1.5,true]}}' }, {}),
  "arguments with line breaks": pair({ arguments: '{\n  "text": "{seen}\\n{seen}"\n}' }, {}),
  "a long name with dots": pair({ name: "mcp.server.{seen}.a_name_that_is_longer_than_sixty_four_characters" }, {}),
  "without an output": [called()],
  "two calls in parallel": [
    called(),
    called({ call_id: "second_{id}" }),
    returned("{seen}"),
    returned("{seen}", { call_id: "second_{id}" }),
  ],
  "two calls, outputs the other way round": [
    called(),
    called({ call_id: "second_{id}" }),
    returned("{seen}", { call_id: "second_{id}" }),
    returned("{seen}"),
  ],
  "encrypted arguments named": pair({ encrypted_function_args: [] }, {}),
} as const satisfies Sources;

const outputs = (type: string, call: Fields): Sources => {
  const result = (output: unknown, fields: Fields = {}): Source => [call, { type, call_id: callId, output, ...fields }];
  return {
    string: result("{seen}"),
    "empty string": result(""),
    "with id and status": result("{seen}", { id: "out_{id}", status: "completed" }),
    "id null": result("{seen}", { id: null }),
    "status incomplete": result("{seen}", { status: "incomplete" }),
    "called directly": result("{seen}", direct),
    "called by a program": result("{seen}", byProgram),
    parts: result([text]),
    "several parts": result([text, text]),
    "no parts": result([]),
    "text and image": result([text, image]),
    "an image": result([image, text]),
    "image by URL": result([{ type: "input_image", image_url: "https://example.com/a.png" }, text]),
    "image by file": result([text, { type: "input_image", file_id: "file_{id}", detail: "low" }]),
    "image null": result([text, { type: "input_image", image_url: null, file_id: null }]),
    "file inline": result([{ type: "input_file", filename: "{seen}.txt", file_data: "{file}" }]),
    "file by id": result([{ type: "input_file", file_id: "file_{id}" }, text]),
    "file by URL": result([{ type: "input_file", file_url: "https://example.com/a.txt" }, text]),
  };
};

const function_call_output = {
  ...outputs("function_call_output", called()),
  "with a name": pair({}, { name: "look_up" }),
  "with name and namespace": pair({ namespace: "maps" }, { name: "look_up", namespace: "maps" }),
  "name and namespace null": pair({}, { name: null, namespace: null }),
  "call_id null": pair({}, { call_id: null }),
  "call_id null, named": pair({}, { call_id: null, name: "look_up" }),
  "without call_id": [called(), { type: "function_call_output", output: "{seen}" }],
} as const satisfies Sources;

const custom: Fields = { type: "custom_tool_call", call_id: callId, name: "exec", input: "{seen}\nsecond line" };
const customOutput: Fields = { type: "custom_tool_call_output", call_id: callId, output: "{seen}" };

const custom_tool_call = {
  "a call and its output": [custom, customOutput],
  "with id": [{ ...custom, id: "ctc_{id}" }, customOutput],
  "with status": [{ ...custom, status: "completed" }, customOutput],
  "with a namespace": [{ ...custom, name: "{seen}", namespace: "{seen}" }, customOutput],
  "called by a program": [{ ...custom, ...byProgram }, customOutput],
  "empty input": [{ ...custom, input: "" }, customOutput],
  "a patch": [{ ...custom, name: "apply_patch", input: "*** Begin Patch\n+{seen}\n*** End Patch" }, customOutput],
  "without an output": [custom],
} as const satisfies Sources;

const search = (fields: Fields = {}): Fields => ({
  type: "tool_search_call",
  call_id: callId,
  execution: "client",
  arguments: { query: "{seen}" },
  ...fields,
});
const found = (tools: readonly unknown[], fields: Fields = {}): Fields => ({
  type: "tool_search_output",
  call_id: callId,
  execution: "client",
  status: "completed",
  tools,
  ...fields,
});
const tool = (rest: Fields = {}): Fields => ({
  type: "function",
  name: "{seen}",
  description: "{seen}",
  parameters: { type: "object", properties: { a: { type: "string", description: "{seen}" } } },
  strict: false,
  ...rest,
});
const namespace = { type: "namespace", name: "{seen}", description: "Maps", tools: [tool({ defer_loading: true })] };

const tool_search_call = {
  "a search and what it found": [search(), found([tool()])],
  "with id and status": [search({ id: "tsc_{id}", status: "completed" }), found([])],
  "id, status and call_id null": [search({ id: null, status: null, call_id: null }), found([], { call_id: null })],
  "run by a server": [search({ execution: "server" }), found([tool()], { execution: "server" })],
  "arguments as text": [search({ arguments: '{"query":"{seen}"}' }), found([])],
  "without an output": [search()],
} as const satisfies Sources;

const tool_search_output = {
  "a function": [search(), found([tool()])],
  "a custom tool": [search(), found([{ type: "custom", name: "{seen}", description: "{seen}" }])],
  "a namespace": [search(), found([namespace])],
  "two functions": [search(), found([tool(), tool()])],
  "nothing found": [search(), found([])],
  "ids null": [search({ call_id: null }), found([tool()], { id: null, call_id: null })],
  "from a server": [search({ execution: "server" }), found([tool()], { id: "tso_{id}", execution: "server" })],
  "status incomplete": [search(), found([tool()], { status: "incomplete" })],
} as const satisfies Sources;

const local = (action: Fields = {}, fields: Fields = {}): Fields => ({
  type: "local_shell_call",
  id: "lsh_{id}",
  call_id: callId,
  status: "completed",
  action: { type: "exec", command: ["echo", "{seen}"], env: {}, ...action },
  ...fields,
});
const localOutput = (fields: Fields = {}): Fields => ({
  type: "local_shell_call_output",
  id: callId,
  output: "{seen}",
  ...fields,
});

const local_shell_call = {
  "a command and its output": [local(), localOutput()],
  "all fields": [local({ timeout_ms: 1000, user: "root", working_directory: "/{seen}" }), localOutput()],
  nulls: [local({ timeout_ms: null, user: null, working_directory: null }), localOutput()],
  environment: [local({ env: { PATH: "/bin" } }), localOutput()],
  "in progress": [local({}, { status: "in_progress" }), localOutput()],
  "without an output": [local()],
} as const satisfies Sources;

const local_shell_call_output = {
  "named by its call's call_id": [local(), localOutput()],
  "named by its call's id": [local(), localOutput({ id: "lsh_{id}" })],
  "with a call_id": [local(), localOutput({ id: "lsho_{id}", call_id: callId })],
  "with status": [local(), localOutput({ status: "completed" })],
  "status null": [local(), localOutput({ status: null })],
  "an object as text": [local(), localOutput({ output: '{"output":"{seen}","metadata":{"exit_code":0}}' })],
} as const satisfies Sources;

export const clientCalls = {
  function_call,
  function_call_output,
  custom_tool_call,
  custom_tool_call_output: outputs("custom_tool_call_output", custom),
  tool_search_call,
  tool_search_output,
  local_shell_call,
  local_shell_call_output,
} as const;
