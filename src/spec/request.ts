/** Owns the body of `POST /responses`: its loose schema, and the one place where a bad one becomes a clear error. */
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { type ParamName, passedOn } from "./params.ts";
import type { Tool } from "./tools.ts";

const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, "at most 16 pairs");

const format = z.union([
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({
    type: z.literal("json_schema"),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().nullish(),
    description: z.string().nullish(),
  }),
]);

/** Tools of any type, known or not; what is not an object with a type cannot be one and is left out. */
const toolList = z.array(z.unknown()).transform((list) => list.filter(isTool));

function isTool(value: unknown): value is Tool {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** Null means absent in every field: clients send both. Only fields whose wrong type has no harmless reading are strict. */
const fields = {
  access_programs: z.unknown().optional(),
  background: z.boolean().nullish(),
  context_management: z.unknown().optional(),
  conversation: z.union([z.string(), z.looseObject({ id: z.string() })]).nullish(),
  frequency_penalty: z.number().nullish(),
  image: z.unknown().optional(),
  include: z.unknown().optional(),
  input: z.union([z.string(), z.array(z.unknown())]).nullish(),
  instructions: z.union([z.string(), z.array(z.unknown())]).nullish(),
  max_output_tokens: z.int().positive().nullish(),
  max_tool_calls: z.int().nullish(),
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
  tool_choice: z.union([z.string(), z.looseObject({})]).nullish(),
  tools: toolList.nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  user: z.string().nullish(),
} as const satisfies Record<ParamName, z.ZodType>;

const schema = z.looseObject(fields);

/** A request body that was checked; unknown fields are kept. */
export type Request = z.infer<typeof schema>;

/** Checks a parsed JSON body. Throws an ApiError (400) that names the field; nothing inside `input` is looked at. */
export function parseRequest(body: unknown): Request {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ApiError("invalid_type", "The request body must be a JSON object.");
  }
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const param = path(issue?.path ?? []);
  throw new ApiError("invalid_value", `Invalid value for '${param}': ${reason(issue)}.`, param);
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
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

function reason(issue: z.core.$ZodIssue | undefined): string {
  const message = issue?.message ?? "it is not valid";
  return message.charAt(0).toLowerCase() + message.slice(1);
}
