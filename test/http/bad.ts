/** Owns the bad requests: what is wrong with each, and how it is refused. */
import { limits } from "../../src/limits.ts";

export interface Bad {
  readonly what: string;
  /** Default: POST to /v1/responses. */
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are sent as JSON. */
  readonly body?: unknown;
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  /** What the message says, of the field and of what to do. */
  readonly says: RegExp;
}

/** A POST that is refused with 400 for the field `param`. */
export function wrong(what: string, body: unknown, param: string | null, says: RegExp, code = "invalid_value"): Bad {
  return { what, body, status: 400, code, param, says };
}

export const ask = (fields: object): object => ({ input: "hi", ...fields });
export const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, "v"]));
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const formatted = (format: object): object => ask({ text: { format } });
export const schema = (inner: object): object => formatted({ type: "json_schema", name: "x", schema: inner });
const named = (tools: readonly unknown[]): object => ask({ tools });
const tooLong = /at most 1024 characters/;
export const functions = (count: number): object[] =>
  Array.from({ length: count }, (_, at) => ({ type: "function", name: `f${at}` }));
const inSchema = "text.format.schema";
const unsupported = "unsupported_parameter";
const longName = "n".repeat(limits.toolNameChars + 1);

/** Bodies, and fields in them. */
export const badBodies: readonly Bad[] = [
  wrong("no body", "", null, /empty; it must be a JSON object/, "invalid_json"),
  wrong("white space", " \n", null, /empty/, "invalid_json"),
  wrong("no JSON", "{input: 1}", null, /not valid JSON.*position 1/, "invalid_json"),
  wrong("half a body", '{"input": "hi', null, /not valid JSON.*position 13.*ends too early/, "invalid_json"),
  wrong("a form", "input=hi", null, /a value was expected at position 0/, "invalid_json"),
  wrong("Latin-1", Buffer.from('{"input":"\u00e9"}', "latin1"), null, /not valid UTF-8; encode/, "invalid_json"),
  wrong("UTF-16", Buffer.from('\uFEFF{"input":"hi"}', "utf16le"), null, /not valid UTF-8/, "invalid_json"),
  wrong("a list", [], null, /must be a JSON object, such as/, "invalid_type"),
  wrong("a text", '"hi"', null, /must be a JSON object/, "invalid_type"),
  wrong("null", "null", null, /must be a JSON object/, "invalid_type"),
  wrong("too deep", `{"input":[${nested(limits.jsonDepth)}]}`, null, /deeper than 200 levels/, "invalid_json"),
  wrong(
    "no input",
    { inptu: "hi" },
    "input",
    /One of 'input' and 'previous_response_id' is needed/,
    "missing_required_parameter",
  ),
  wrong("input as null", { input: null }, "input", /send what the model shall answer to/, "missing_required_parameter"),
  wrong("input as a number", { input: 42 }, "input", /a text or a list of items/),
  wrong("input as an object", { input: { role: "user" } }, "input", /a text or a list of items/),
  wrong(
    "more items than the limit",
    { input: Array.from({ length: limits.inputItems + 1 }, () => 0) },
    "input",
    /at most 50000/,
  ),
  wrong(
    "messages of Chat Completions",
    { messages: [] },
    "messages",
    /'input', or use a server with \/chat\/completions/,
    unsupported,
  ),
  wrong("messages behind a response", { messages: [], previous_response_id: "r" }, "messages", /'input'/, unsupported),
  wrong(
    "a conversation and a previous response",
    ask({ conversation: "conv_1", previous_response_id: "resp_1" }),
    "conversation",
    /send 'previous_response_id'/,
    unsupported,
  ),
  wrong("a prompt template", { prompt: { id: "pmpt_1" } }, "prompt", /send their text as 'instructions'/, unsupported),
  wrong("a conversation", ask({ conversation: "conv_1" }), "conversation", /send 'previous_response_id'/, unsupported),
  wrong(
    "a conversation object",
    ask({ conversation: { id: "conv_1" } }),
    "conversation",
    /No conversations are kept/,
    unsupported,
  ),
  wrong("background", ask({ background: true }), "background", /send 'stream': true/, unsupported),
  wrong("background as a text", ask({ background: "yes" }), "background", /must be true or false/),
  wrong("stream as a text", ask({ stream: "true" }), "stream", /must be true or false/),
  wrong("store as a number", ask({ store: 1 }), "store", /must be true or false/),
  wrong("instructions as a number", ask({ instructions: 7 }), "instructions", /a text or a list of items/),
  wrong("model as a list", ask({ model: ["a"] }), "model", /must be a text/),
  wrong("a previous response as a number", ask({ previous_response_id: 7 }), "previous_response_id", /must be a text/),
  wrong("temperature too high", ask({ temperature: 2.1 }), "temperature", /at most 2/),
  wrong("temperature too low", ask({ temperature: -1 }), "temperature", /at least 0/),
  wrong("an endless temperature", '{"input":"hi","temperature":1e999}', "temperature", /must be a number/),
  wrong("temperature as a text", ask({ temperature: "hot" }), "temperature", /must be a (?:whole )?number/),
  wrong("top_p too high", ask({ top_p: 1.5 }), "top_p", /at most 1/),
  wrong("top_logprobs too high", ask({ top_logprobs: 21 }), "top_logprobs", /at most 20/),
  wrong("top_logprobs as a fraction", ask({ top_logprobs: 1.5 }), "top_logprobs", /a whole number/),
  wrong("no room for an answer", ask({ max_output_tokens: 0 }), "max_output_tokens", /more than 0/),
  wrong("less than no room", ask({ max_output_tokens: -5 }), "max_output_tokens", /more than 0/),
  wrong("room as a text", ask({ max_output_tokens: "many" }), "max_output_tokens", /must be a (?:whole )?number/),
  wrong("max_tool_calls as a text", ask({ max_tool_calls: "2" }), "max_tool_calls", /must be a (?:whole )?number/),
  wrong("fewer than no tool calls", ask({ max_tool_calls: -1 }), "max_tool_calls", /at least 0/),
  wrong("metadata as a list", ask({ metadata: ["a"] }), "metadata", /an object of texts/),
  wrong("too much metadata", ask({ metadata: many(17) }), "metadata", /at most 16 pairs/),
  wrong("metadata that is no text", ask({ metadata: { a: 1 } }), "metadata.a", /must be a text/),
  wrong(
    "a long name in metadata",
    ask({ metadata: { [`k${"x".repeat(64)}`]: "v" } }),
    `metadata.k${"x".repeat(64)}`,
    /at most 64 characters/,
  ),
  wrong("a long text in metadata", ask({ metadata: { a: "x".repeat(513) } }), "metadata.a", /at most 512 characters/),
  wrong("reasoning as a text", ask({ reasoning: "high" }), "reasoning", /must be an object/),
  wrong("effort as a number", ask({ reasoning: { effort: 3 } }), "reasoning.effort", /must be a text/),
  wrong("text as a text", ask({ text: "json" }), "text", /must be an object/),
  wrong("an unknown format", formatted({ type: "xml" }), "text.format.type", /'text', 'json_object' or 'json_schema'/),
  wrong("a format without type", formatted({}), "text.format.type", /'text', 'json_object' or 'json_schema'/),
  wrong(
    "a format of Chat Completions",
    formatted({ type: "json_schema", json_schema: { name: "x", schema: {} } }),
    "text.format.name",
    /a name is needed/,
  ),
  wrong(
    "a schema without name",
    formatted({ type: "json_schema", schema: {} }),
    "text.format.name",
    /a name is needed/,
  ),
  wrong(
    "a name with blanks",
    formatted({ type: "json_schema", name: "a b", schema: {} }),
    "text.format.name",
    /1 to 64 of the characters/,
  ),
  wrong(
    "a name too long",
    formatted({ type: "json_schema", name: "n".repeat(65), schema: {} }),
    "text.format.name",
    /1 to 64/,
  ),
  wrong("no schema", formatted({ type: "json_schema", name: "x" }), inSchema, /a JSON Schema, as an object/),
  wrong(
    "a schema as a text",
    formatted({ type: "json_schema", name: "x", schema: "{}" }),
    inSchema,
    /a JSON Schema, as an object/,
  ),
  wrong("a schema of no known type", schema({ type: "text" }), inSchema, /'type' is "text"; known are array, boolean/),
  wrong(
    "a property that is no schema",
    schema({ type: "object", properties: { a: "string" } }),
    inSchema,
    /'properties.a' must be an object or a boolean/,
  ),
  wrong(
    "properties as a list",
    schema({ type: "object", properties: ["a"] }),
    inSchema,
    /'properties' must be an object of schemas/,
  ),
  wrong("a list of no types", schema({ type: [] }), inSchema, /'type' is an empty list/),
  wrong("a reference by a bare name", schema({ $ref: "#node" }), inSchema, /'\$ref' leads nowhere/),
  wrong(
    "a reference that leads nowhere",
    schema({ $ref: "#/$defs/node" }),
    inSchema,
    /'\$ref' leads nowhere; use '#\/\$defs\/NAME'/,
  ),
  wrong(
    "a reference to elsewhere",
    schema({ properties: { a: { $ref: "https://example.com/a" } } }),
    inSchema,
    /'properties.a.\$ref' leads nowhere/,
  ),
  wrong("an empty enum", schema({ enum: [] }), inSchema, /'enum' must be a list of values/),
  wrong(
    "required as a text",
    schema({ type: "object", required: "a" }),
    inSchema,
    /'required' must be a list of names/,
  ),
  wrong(
    "a schema too deep",
    `{"input":"x","text":{"format":{"type":"json_schema","name":"x","schema":${'{"not":'.repeat(limits.schemaDepth + 2)}{}${"}".repeat(limits.schemaDepth + 2)}}}}`,
    inSchema,
    /deeper than 100 levels/,
  ),
  wrong(
    "a schema too large",
    schema({ enum: Array.from({ length: limits.schemaValues }, (_, at) => at) }),
    inSchema,
    /more than 50000 values; leave out/,
  ),
  wrong("tools as an object", ask({ tools: {} }), "tools", /a list of tools/),
  wrong("a tool's name too long", named([{ type: "function", name: longName }]), "tools[0].name", tooLong),
  wrong("a long name behind junk", named([null, 7, { type: "custom", name: longName }]), "tools[2].name", tooLong),
  wrong(
    "a long name in a namespace",
    named([{ type: "namespace", name: "a", tools: [null, { type: "function", name: longName }] }]),
    "tools[0].tools[1].name",
    tooLong,
  ),
  wrong(
    "a long name as in Chat Completions",
    named([{ type: "function", function: { name: longName } }]),
    "tools[0].function.name",
    tooLong,
  ),
  wrong("too many tools", named(functions(limits.tools + 1)), "tools", /at most 4096 tools.*offer fewer/),
  wrong(
    "too many tools in namespaces",
    named(Array.from({ length: 2 }, () => ({ type: "namespace", name: "a", tools: functions(limits.tools / 2) }))),
    "tools",
    /at most 4096 tools/,
  ),
  wrong("tool_choice as a number", ask({ tool_choice: 1 }), "tool_choice", /'auto', 'none', 'required'/),
  wrong(
    "tool_choice of no tool",
    ask({ tool_choice: { type: "function", name: "f" } }),
    "tool_choice",
    /names 'f', which is not in 'tools'. Offer that tool/,
  ),
  wrong("truncation of no kind", ask({ truncation: "some" }), "truncation", /'auto' or 'disabled'/),
  wrong("a penalty as a text", ask({ presence_penalty: "x" }), "presence_penalty", /must be a (?:whole )?number/),
];
