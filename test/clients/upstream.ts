/** Owns the model behind the upstream engine: a Chat-Completions server that does on command what a coding agent needs. */
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { at, countOf, fieldsOf, listOf, textOf } from "../../src/spec/json.ts";
import type { JsonSchema } from "../../src/engine/engine.ts";
import { sampleOf, scriptedContext } from "../engine/scripted.ts";
import { chunk, event, type Handler, identities, sendJson, startEvents } from "../engine/upstream.ts";
import type { Lines } from "./suite.ts";

export const upstreamLines: Lines = {
  plain: "Hello from the scripted upstream.",
  thought: "First I ponder.",
  considered: "My considered reply is forty-two.",
  settled: "The tools have answered; that is all.",
};

/** The file that `[[patch]]` adds by a patch, with `done` in it. */
export const patchedFile = "patched.txt";
const patch = `*** Begin Patch\n*** Add File: ${patchedFile}\n+done\n*** End Patch`;

interface Call {
  readonly name: string;
  readonly arguments: string;
}

/** What a request comes down to. */
interface Asked {
  /** The last user message. */
  readonly text: string;
  /** A tool has answered it. */
  readonly answered: boolean;
  readonly body: unknown;
}

/**
 * Plays a vLLM server. The last user message commands: until a tool has answered, `[[run COMMAND]]` (any number) and
 * `[[tool]]` call the first one, `[[call NAME]]` the one whose name ends so, `[[patch]]` apply_patch; `[[think]]` thinks,
 * `[[long]]` never ends, `[[cut]]` is cut by length, `[[wait SECONDS]]` is silent so long before and within the answer,
 * `[[full]]` does not fit the context unless it asks for a summary; a schema is filled in. It has no eyes.
 */
export const agentServer: Handler = async ({ path, body }, response) => {
  const identity = identities["vllm"] ?? {};
  if (path !== "/v1/chat/completions") {
    if (path in identity) sendJson(response, 200, identity[path]);
    else sendJson(response, 404, { error: { message: "Not Found", code: 404 } });
    return;
  }
  const messages = listOf(at(body, "messages"));
  if (messages.some(({ content }) => listOf(content).some(({ type }) => type === "image_url"))) {
    const message = "scripted is not a multimodal model";
    sendJson(response, 400, { error: { message, type: "BadRequestError", param: null, code: 400 } });
    return;
  }
  // A character is a token.
  const size = JSON.stringify(messages).length;
  const prompt = contentText(messages.findLast(({ role }) => role === "user")?.["content"]);
  if (size > scriptedContext || prompt.includes("[[full]]")) {
    const message = `This model's maximum context length is ${scriptedContext} tokens. However, you requested ${size} tokens.`;
    sendJson(response, 400, { error: { message, type: "BadRequestError", param: "input_tokens", code: 400 } });
    return;
  }
  // Images of tools come behind their results, in a message that commands nothing.
  const last = messages.findLastIndex(
    ({ role, content }) => role === "user" && !contentText(content).startsWith("Images of "),
  );
  const answered = messages.slice(last + 1).some(({ role }) => role === "tool");
  const asked = { text: contentText(messages[last]?.["content"]), answered, body };
  const calls = callsFor(asked);
  const cap = asked.text.includes("[[cut]]") ? 3 : (countOf(at(body, "max_tokens")) ?? Infinity);
  const wait = Number(/\[\[wait (\d+)\]\]/.exec(asked.text)?.[1] ?? 0) * 1_000;
  let tokens = 0;
  let thoughts = 0;
  let finish = calls.length > 0 ? "tool_calls" : "stop";
  startEvents(response);
  if (wait > 0) await sleep(wait);
  for (const delta of deltasFor(asked, calls)) {
    if (tokens === cap) finish = "length";
    if (tokens === cap || response.destroyed) break;
    tokens += 1;
    if ("reasoning_content" in delta) thoughts += 1;
    response.write(event(chunk(delta)));
    await (tokens === 1 && wait > 0 ? sleep(wait) : turn());
  }
  response.write(event(chunk({}, finish)));
  const usage = {
    prompt_tokens: size,
    completion_tokens: tokens,
    completion_tokens_details: { reasoning_tokens: thoughts },
  };
  response.end(event({ choices: [], usage }) + event("[DONE]"));
};

function* deltasFor(asked: Asked, calls: readonly Call[]): Generator<object> {
  if (asked.text.includes("[[think]]")) {
    for (const piece of pieces(upstreamLines.thought)) yield { reasoning_content: piece };
  }
  for (let count = 1; asked.text.includes("[[long]]"); count += 1) yield { content: ` ${count}` };
  for (const [index, call] of calls.entries()) yield* callDeltas(call, index);
  if (calls.length === 0) for (const piece of pieces(answerTo(asked))) yield { content: piece };
}

function answerTo({ text, answered, body }: Asked): string {
  const schema = at(body, "response_format", "json_schema", "schema");
  if (schema !== undefined) return JSON.stringify(sampleOf(schema as JsonSchema));
  if (answered) return upstreamLines.settled;
  return text.includes("[[think]]") ? upstreamLines.considered : upstreamLines.plain;
}

function callsFor({ text, answered, body }: Asked): Call[] {
  if (answered) return [];
  if (text.includes("[[patch]]")) return [{ name: "apply_patch", arguments: JSON.stringify({ input: patch }) }];
  const tools = listOf(at(body, "tools")).map((tool) => fieldsOf(tool["function"]));
  const wanted = /\[\[call (\w+)\]\]/.exec(text)?.[1];
  const tool = wanted === undefined ? tools[0] : tools.find(({ name }) => textOf(name)?.endsWith(wanted));
  if (tool === undefined) return [];
  const commands = [...text.matchAll(/\[\[run (.+?)\]\]/g)].map(([, command = ""]) => command);
  if (commands.length === 0 && (wanted !== undefined || text.includes("[[tool]]"))) commands.push("");
  const schema = fieldsOf(tool["parameters"]);
  return commands.map((command) => ({
    name: textOf(tool["name"]) ?? "",
    arguments: JSON.stringify(argumentsFor(schema, command)),
  }));
}

/** What `schema` requires, and what sub-agents are told, with `command` where an agent's shell tool expects it. */
function argumentsFor(schema: JsonSchema, command: string): object {
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  const told = at(schema, "properties", "message") === undefined ? {} : { message: "Say hello." };
  const filled = Object.fromEntries(
    required.map((name) => {
      const inner = fieldsOf(at(schema, "properties", name));
      if (name !== "cmd" && name !== "command") return [name, sampleOf(inner)];
      return [name, inner["type"] === "array" ? ["sh", "-c", command] : command];
    }),
  );
  return { ...told, ...filled };
}

function callDeltas({ name, arguments: text }: Call, index: number): object[] {
  const open = { index, id: `call_${index + 1}`, type: "function", function: { name, arguments: "" } };
  return [open, ...pieces(text).map((piece) => ({ index, function: { arguments: piece } }))].map((call) => ({
    tool_calls: [call],
  }));
}

const pieces = (text: string): string[] => text.match(/.{1,4}/gsu) ?? [];

function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  return listOf(content)
    .map(({ text }) => textOf(text) ?? "")
    .join("");
}
