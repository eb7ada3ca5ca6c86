/** Owns the body of `POST /responses`: its loose schema, and the one place where a bad one becomes a clear error. */
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { limits } from "../limits.ts";
import { at, type Fields, fieldsOf, isFields } from "./json.ts";
import { type ParamName, passedOn } from "./params.ts";
import { schemaProblem } from "./schema.ts";
import type { Tool } from "./tools.ts";

const metadata = z
  .record(z.string().max(64), z.string().max(512), {
    error: ({ code }) =>
      code === "invalid_key" ? "names have at most 64 characters" : "it must be an object of texts",
  })
  .refine((pairs) => Object.keys(pairs).length <= 16, "it holds at most 16 pairs");

const jsonSchema = z.looseObject({
  type: z.literal("json_schema"),
  name: z
    .string("a name is needed")
    .regex(/^[a-zA-Z0-9_-]{1,64}$/, "it must be 1 to 64 of the characters a-z, A-Z, 0-9, _ and -"),
  schema: z.record(z.string(), z.unknown(), "it must be a JSON Schema, as an object").superRefine((schema, check) => {
    const problem = sizeProblem(schema) ?? schemaProblem(schema);
    if (problem !== null) check.addIssue({ code: "custom", message: problem });
  }),
  strict: z.boolean().nullish(),
  description: z.string().nullish(),
});

const format = z.discriminatedUnion(
  "type",
  [z.looseObject({ type: z.literal("text") }), z.looseObject({ type: z.literal("json_object") }), jsonSchema],
  "its type must be 'text', 'json_object' or 'json_schema'",
);

const content = z.union([z.string(), z.array(z.unknown())], "it must be a text or a list of items");
const choice = z.union(
  [z.string(), z.looseObject({})],
  "it must be 'auto', 'none', 'required', or an object that names a tool",
);

function sizeProblem(schema: Fields): string | null {
  if (countValues(schema, limits.schemaValues) <= limits.schemaValues) return null;
  return `it is made of more than ${limits.schemaValues} values; leave out what the answer does not need`;
}

/** Values in `value`, itself included, as far as `most`: beyond it the count stops. Bodies are not nested deeply. */
function countValues(value: unknown, most: number): number {
  let count = 1;
  if (typeof value !== "object" || value === null) return count;
  for (const inner of Object.values(value)) {
    if (count > most) return count;
    count += countValues(inner, most - count);
  }
  return count;
}

/** Tools of any type, known or not; what is not an object with a type cannot be one and is left out. */
const toolList = z
  .array(z.unknown(), "it must be a list of tools")
  .superRefine((list, check) => {
    let count = 0;
    for (const { name, path } of namedTools(list)) {
      count += 1;
      if (count > limits.tools) {
        check.addIssue({ code: "custom", message: `at most ${limits.tools} tools can be offered; offer fewer` });
        return;
      }
      if (typeof name !== "string" || name.length <= limits.toolNameChars) continue;
      const message = `names of tools have at most ${limits.toolNameChars} characters`;
      check.addIssue({ code: "custom", path: [...path], message });
      return;
    }
  })
  .transform((list) => list.filter(isTool));

/** Name and place of each tool of `list`, and of those in its namespaces. */
function* namedTools(list: readonly unknown[]): Generator<{ name: unknown; path: readonly PropertyKey[] }> {
  for (const [index, tool] of list.entries()) {
    yield nameOf(tool, [index]);
    const inner = fieldsOf(tool)["tools"];
    if (!Array.isArray(inner)) continue;
    for (const [place, member] of inner.entries()) yield nameOf(member, [index, "tools", place]);
  }
}

/** Chat-style tools nest their name. */
function nameOf(tool: unknown, path: readonly PropertyKey[]): { name: unknown; path: readonly PropertyKey[] } {
  const nested = isFields(at(tool, "function"));
  const steps = nested ? ["function", "name"] : ["name"];
  return { name: at(tool, ...steps), path: [...path, ...steps] };
}

function isTool(value: unknown): value is Tool {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** Null means absent in every field: clients send both. Only fields whose wrong type has no harmless reading are strict. */
const fields = {
  access_programs: z.unknown().optional(),
  background: z.boolean().nullish(),
  context_management: z.unknown().optional(),
  conversation: z.unknown().optional(),
  frequency_penalty: z.number().nullish(),
  image: z.unknown().optional(),
  include: z.unknown().optional(),
  input: content.nullish(),
  instructions: content.nullish(),
  max_output_tokens: z.int().positive().nullish(),
  max_tool_calls: z.int().min(0).nullish(),
  metadata: metadata.nullish(),
  model: z.string().nullish(),
  moderation: z.unknown().optional(),
  parallel_tool_calls: z.boolean().nullish(),
  presence_penalty: z.number().nullish(),
  previous_response_id: z.string().nullish(),
  prompt: z.unknown().optional(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_options: z.unknown().optional(),
  prompt_cache_retention: z.unknown().optional(),
  reasoning: z.looseObject({ effort: z.string().nullish(), summary: z.string().nullish() }).nullish(),
  safety_identifier: z.string().nullish(),
  service_tier: z.string().nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.unknown().optional(),
  temperature: z.number().min(0).max(2).nullish(),
  text: z.looseObject({ format: format.nullish(), verbosity: z.string().nullish() }).nullish(),
  tool_choice: choice.nullish(),
  tools: toolList.nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  user: z.string().nullish(),
} as const satisfies Record<ParamName, z.ZodType>;

const schema = z.looseObject(fields);

/** A request body that was checked; unknown fields are kept. */
export type Request = z.infer<typeof schema>;

/** What cannot be done, and what to do instead: a request that asks for it would otherwise get the wrong answer in silence. */
const refusals: readonly {
  readonly param: string;
  readonly asks: (request: Request) => boolean;
  readonly instead: string;
}[] = [
  {
    param: "messages",
    asks: ({ input, messages }) => (input ?? null) === null && Array.isArray(messages),
    instead: "This is the Responses API: send the conversation as 'input', or use a server with /chat/completions.",
  },
  {
    param: "prompt",
    asks: ({ prompt }) => (prompt ?? null) !== null,
    instead: "Prompt templates are kept by OpenAI; send their text as 'instructions' and 'input'.",
  },
  {
    param: "conversation",
    asks: ({ conversation }) => (conversation ?? null) !== null,
    instead: "No conversations are kept; send 'previous_response_id', or the whole thread as 'input'.",
  },
  {
    param: "background",
    asks: ({ background }) => background === true,
    instead:
      "Responses are not made in the background; send 'stream': true, which is kept alive for as long as it takes.",
  },
];

/** Checks a parsed JSON body. Throws an ApiError (400) that names the field; nothing inside `input` is looked at. */
export function parseRequest(body: unknown): Request {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ApiError("invalid_type", 'The request body must be a JSON object, such as {"input": "Hello"}.');
  }
  const result = schema.safeParse(body, { error: inWords });
  if (!result.success) {
    const issue = result.error.issues[0];
    const param = path(issue?.path ?? []);
    throw new ApiError("invalid_value", `Invalid value for '${param}': ${issue?.message ?? "it is not valid"}.`, param);
  }
  const refused = refusals.find(({ asks }) => asks(result.data));
  if (refused) {
    throw new ApiError(
      "unsupported_parameter",
      `'${refused.param}' is not supported. ${refused.instead}`,
      refused.param,
    );
  }
  const { input, previous_response_id: previous } = result.data;
  if ((input ?? previous ?? null) === null) {
    const message =
      "One of 'input' and 'previous_response_id' is needed; send what the model shall answer to as 'input'.";
    throw new ApiError("missing_required_parameter", message, "input");
  }
  return result.data;
}

/** The fields that engines and upstreams know beyond OpenAI's, where the client sent them. */
export function extraFields(request: Request): Record<string, unknown> {
  return Object.fromEntries(
    passedOn.filter((name) => Object.hasOwn(request, name)).map((name) => [name, request[name]]),
  );
}

function path(keys: readonly PropertyKey[]): string {
  return keys.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    const name = String(key).slice(0, limits.errorNameChars).toWellFormed();
    return text === "" ? name : `${text}.${name}`;
  }, "");
}

const kinds: Readonly<Record<string, string>> = {
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "an object",
  string: "a text",
};

/** What a value must be, where its schema has no words of its own. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `it must be ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `it must be ${issue.values.map((value) => `'${String(value)}'`).join(" or ")}`;
    case "too_big":
      return issue.origin === "string"
        ? `it must have at most ${issue.maximum} characters`
        : `it must be at most ${issue.maximum}`;
    case "too_small":
      return `it must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
    default:
      return undefined;
  }
}
