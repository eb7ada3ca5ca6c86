/** Owns every deviation of ours from the SDK's types, each with its reason: all else that leaves us is as they say. */
import { tools } from "../../src/spec/tools.ts";

export interface Change {
  /** A definition, and the way to a place in it. */
  readonly at: readonly string[];
  /** What the SDK has there, so that another release of it is looked at again; undefined where it has nothing. */
  readonly was?: unknown;
  readonly is: unknown;
  readonly why: string;
}

const openResponses = "Open Responses demands it of every Response";
const errorCodes: readonly string[] =
  `server_error rate_limit_exceeded invalid_prompt data_residency_mismatch bio_policy misalignment_policy_violation
  vector_store_timeout invalid_image invalid_image_format invalid_base64_image invalid_image_url image_too_large
  image_too_small image_parse_error image_content_policy_violation invalid_image_mode image_file_too_large
  unsupported_image_media_type empty_image_file failed_to_download_image image_file_not_found`.split(/\s+/);
const choiceTypes: readonly string[] =
  `file_search web_search_preview computer computer_use_preview computer_use web_search_preview_2025_03_11
  image_generation code_interpreter mcp`.split(/\s+/);

function withBytes(definition: string): Change {
  return {
    at: [definition, "properties", "bytes"],
    is: { type: "array", items: { type: "number" } },
    why: "a log probability looks the same in events as in the part of the message, where the SDK demands its bytes",
  };
}

export const patch: readonly Change[] = [
  { at: ["Response", "properties", "presence_penalty"], is: { type: "number" }, why: openResponses },
  { at: ["Response", "properties", "frequency_penalty"], is: { type: "number" }, why: openResponses },
  { at: ["Response", "properties", "store"], is: { type: "boolean" }, why: openResponses },
  {
    at: ["Response", "properties", "user"],
    was: { type: "string" },
    is: { type: ["string", "null"] },
    why: "every key is in every Response, and OpenAI's own examples have null here; the SDK only knows it absent",
  },
  {
    at: ["Response", "properties", "tools", "items"],
    was: { $ref: "#/definitions/Tool" },
    is: {
      type: "object",
      required: ["type"],
      if: { properties: { type: { enum: Object.keys(tools) } } },
      // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word
      then: { $ref: "#/definitions/Tool" },
    },
    why: "a tool of a type that no release knows is echoed as it came: a newer client sent it, and knows it",
  },
  {
    at: ["ResponseError", "properties", "code"],
    was: { type: "string", enum: errorCodes },
    is: { type: "string", enum: [...errorCodes, "context_length_exceeded", "insufficient_quota"] },
    why: "Codex compacts its thread on the first and tells of the second; OpenAI sends both, though its list lacks them",
  },
  {
    at: ["ResponseFunctionCallArgumentsDoneEvent", "properties", "name"],
    is: { type: "string" },
    why: "required by OpenAI's openapi document and by SDKs older than 7.11",
  },
  ...["ResponseTextDeltaEvent.Logprob", "ResponseTextDeltaEvent.Logprob.TopLogprob"].map(withBytes),
  ...["ResponseTextDoneEvent.Logprob", "ResponseTextDoneEvent.Logprob.TopLogprob"].map(withBytes),
  {
    at: ["ToolChoiceTypes", "properties", "type", "enum"],
    was: choiceTypes,
    is: [...choiceTypes, "web_search", "local_shell", "tool_search"],
    why: "tools that the SDK itself offers; its list forgets that they can be chosen",
  },
  {
    at: ["ResponseFunctionToolCall", "properties", "encrypted_function_args"],
    is: { type: "array", maxItems: 0 },
    why: "Codex reads it from calls of its sub-agents' tools, whose arguments are then plain text to it",
  },
  {
    at: ["ResponseCustomToolCall", "properties", "status"],
    is: { enum: ["in_progress", "completed", "incomplete"] },
    why: "Open Responses demands a status of every item; without it nobody can tell that a call was cut",
  },
  {
    at: ["ResponseItemList", "properties", "data", "items"],
    was: { $ref: "#/definitions/ResponseItem" },
    is: { type: "object", required: ["id", "type"], properties: { id: { type: "string" }, type: { type: "string" } } },
    why: "input is listed as the client sent it, right or wrong: nothing inside it is refused, and nothing is made up",
  },
  {
    at: ["ResponseItemList", "properties", "first_id"],
    was: { type: "string" },
    is: { type: ["string", "null"] },
    why: "an empty page has no first item",
  },
  {
    at: ["ResponseItemList", "properties", "last_id"],
    was: { type: "string" },
    is: { type: ["string", "null"] },
    why: "an empty page has no last item",
  },
];
