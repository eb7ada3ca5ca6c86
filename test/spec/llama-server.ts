/** Owns a stream as llama-server v0.5.0 sends it: thinking, a text, and a call that the limit cut. */

const message = { id: "msg_1", type: "message", role: "assistant" };
const call = { id: "fc_1", type: "function_call", call_id: "call_1", name: "f" };
const thinking = { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "" };
const text = { type: "output_text", text: "Hi", annotations: [], logprobs: [] };
const response = { id: "resp_1", object: "response" };
const usage = { input_tokens: 1, output_tokens: 2, total_tokens: 3, input_tokens_details: { cached_tokens: 0 } };

/**
 * No numbers and no indices, Responses of three keys, no part for thinking and no status at its end, no done for arguments,
 * all items done at the very end, and a cut call that counts as completed.
 */
const events: readonly (readonly [string, object])[] = [
  ["response.created", { response: { ...response, status: "in_progress" } }],
  ["response.in_progress", { response: { ...response, status: "in_progress" } }],
  ["response.output_item.added", { item: { ...thinking, content: [], status: "in_progress" } }],
  ["response.reasoning_text.delta", { item_id: "rs_1", delta: "Hm." }],
  ["response.output_item.added", { item: { ...message, content: [], status: "in_progress" } }],
  ["response.content_part.added", { item_id: "msg_1", part: { type: "output_text", text: "" } }],
  ["response.output_text.delta", { item_id: "msg_1", delta: "Hi" }],
  ["response.output_item.added", { item: { ...call, arguments: "", status: "in_progress" } }],
  ["response.function_call_arguments.delta", { item_id: "fc_1", delta: "{" }],
  ["response.output_item.done", { item: { ...thinking, content: [{ type: "reasoning_text", text: "Hm." }] } }],
  ["response.output_text.done", { item_id: "msg_1", text: "Hi" }],
  ["response.content_part.done", { item_id: "msg_1", part: text }],
  ["response.output_item.done", { item: { ...message, content: [text], status: "completed" } }],
  ["response.output_item.done", { item: { ...call, arguments: "{", status: "completed" } }],
  [
    "response.completed",
    { response: { ...response, created_at: 2, completed_at: 2, model: "m", output: [], status: "completed", usage } },
  ],
];

export const llamaServer = events
  .map(([type, fields]) => `event: ${type}\ndata: ${JSON.stringify({ ...fields, type })}\n\n`)
  .join("");
