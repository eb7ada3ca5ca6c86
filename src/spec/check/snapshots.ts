/** Owns the rules about the Responses that lifecycle events carry. */
import { isDeepStrictEqual } from "node:util";
import { events } from "../events.ts";
import { type Fields, fieldsOf, listOf, nameOf, type Report, type Rules, show } from "./rules.ts";

/** The keys that Open Responses requires and the SDK's type adds. */
const keys = (
  "id object created_at completed_at status incomplete_details model previous_response_id instructions output error tools " +
  "tool_choice truncation parallel_tool_calls text top_p presence_penalty frequency_penalty top_logprobs temperature " +
  "reasoning usage max_output_tokens max_tool_calls store background service_tier metadata safety_identifier " +
  "prompt_cache_key output_text access_programs conversation user"
).split(" ");

/** What changes from one Response of a stream to the next; everything else is an echo. */
const changing = new Set(["status", "completed_at", "error", "incomplete_details", "output", "output_text", "usage"]);

/** OpenAI's list, and the two that Codex acts on. */
const errorCodes = new Set(
  (
    "server_error rate_limit_exceeded invalid_prompt data_residency_mismatch bio_policy misalignment_policy_violation " +
    "vector_store_timeout invalid_image invalid_image_format invalid_base64_image invalid_image_url image_too_large " +
    "image_too_small image_parse_error image_content_policy_violation invalid_image_mode image_file_too_large " +
    "unsupported_image_media_type empty_image_file failed_to_download_image image_file_not_found " +
    "context_length_exceeded insufficient_quota"
  ).split(" "),
);

/** The events that carry a Response. */
const carriers: ReadonlySet<string> = new Set(
  Object.entries(events).flatMap(([name, { shape }]) => (shape === "lifecycle" ? [name] : [])),
);

const reasons = new Set(["max_output_tokens", "content_filter", "max_messages", "steered"]);

export function snapshotRules(): Rules {
  let first: Fields | null = null;
  return {
    event(event: Fields, report): void {
      if (!("response" in event)) {
        if (carriers.has(nameOf(event))) report(26, "missing: response");
        return;
      }
      const response = fieldsOf(event["response"]);
      const missing = keys.filter((key) => response[key] === undefined);
      if (missing.length > 0) report(26, `missing: ${someOf(missing)}`);
      // OpenAI sends null until the end; what is missing is missed by row 26.
      if ((response["usage"] ?? null) !== null) checkUsage(fieldsOf(response["usage"]), report);
      checkState(nameOf(event), response, first === null, report);
      if (first) checkEchoes(first, response, report);
      first ??= response;
    },
    end: () => {},
  };
}

function checkState(type: string, response: Fields, isFirst: boolean, report: Report): void {
  const { status, error, completed_at: end, incomplete_details: details, usage } = response;
  if (!Number.isInteger(response["created_at"])) report(28, "created_at is no integer");
  if (type !== `response.${show(status)}` && type !== "response.created")
    report(30, `'${show(type)}' with ${show(status)}`);
  if (type === "response.created" || type === "response.in_progress") {
    const filled = Object.entries({ error, completed_at: end, incomplete_details: details })
      .filter(([, value]) => (value ?? null) !== null)
      .map(([key]) => key);
    if ((usage ?? null) !== null && fieldsOf(usage)["total_tokens"] !== 0) filled.push("usage");
    if (isFirst && listOf(response["output"]).length > 0) filled.push("output");
    if (filled.length > 0) report(22, `not as at the beginning: ${filled.join(", ")}`);
  }
  if (type === "response.completed") {
    if (!(count(end) >= count(response["created_at"]))) report(23, `completed_at ${show(end)}`);
    if (error ?? details ?? null) report(23, `error ${show(error)}, incomplete_details ${show(details)}`);
    if (!usage) report(23, "no usage");
  }
  if (type === "response.incomplete") {
    const reason = fieldsOf(details)["reason"];
    if (typeof reason !== "string" || !reasons.has(reason) || (end ?? null) !== null)
      report(24, `reason ${show(reason)}, completed_at ${show(end)}`);
  }
  if (type === "response.failed") {
    const { code, message } = fieldsOf(error);
    if (typeof code !== "string" || !errorCodes.has(code) || !message)
      report(25, `code ${show(code)}, message ${show(message)}`);
  }
}

function checkEchoes(first: Fields, response: Fields, report: Report): void {
  if (response["id"] !== first["id"]) report(21, `${show(response["id"])} was ${show(first["id"])}`);
  const both = keys.filter((key) => response[key] !== undefined && first[key] !== undefined);
  const changed = both.filter((key) => !changing.has(key) && !isDeepStrictEqual(response[key], first[key]));
  if (changed.includes("created_at")) report(28, "created_at changed");
  const other = changed.filter((key) => key !== "id" && key !== "created_at");
  if (other.length > 0) report(27, `changed: ${other.join(", ")}`);
}

const mostNamed = 6;

function someOf(list: readonly string[]): string {
  const rest = list.length - mostNamed;
  return rest > 1 ? `${list.slice(0, mostNamed).join(", ")} and ${rest} more` : list.join(", ");
}

function checkUsage(usage: Fields, report: Report): void {
  const input = count(usage["input_tokens"]);
  const output = count(usage["output_tokens"]);
  const details = fieldsOf(usage["input_tokens_details"]);
  const cached = count(details["cached_tokens"]);
  const written = count(details["cache_write_tokens"]);
  const reasoning = count(fieldsOf(usage["output_tokens_details"])["reasoning_tokens"]);
  const whole = count(usage["total_tokens"]) === input + output;
  if (!(whole && cached <= input && written <= input && reasoning <= output)) report(29, show(usage));
}

function count(value: unknown): number {
  return Number.isInteger(value) ? Number(value) : Number.NaN;
}
