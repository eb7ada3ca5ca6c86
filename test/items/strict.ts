/** Owns what Chat Completions demand of a request, as the strictest servers do: one message for each rule that is broken. */
import { at, type Fields, isFields, listOf, parse } from "../../src/spec/json.ts";

const roles = new Set<unknown>(["system", "user", "assistant", "tool"]);
const functionName = /^[A-Za-z0-9_-]{1,64}$/;

/** What is wrong with `body`, in order; nothing where it is sound. */
export function violations(body: unknown): string[] {
  const messages = listOf(at(body, "messages"));
  const tools = listOf(at(body, "tools"));
  return [
    ...(messages.length === 0 ? ["there are no messages"] : []),
    ...messages.flatMap(ofMessage),
    ...ofCalls(messages),
    ...ofTools(tools),
    ...(isWellFormed(body) ? [] : ["a text holds half of a surrogate pair"]),
  ];
}

/** As llama-server's parser sees it. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  return typeof value !== "object" || value === null || Object.entries(value).flat().every(isWellFormed);
}

function ofMessage(message: Fields, index: number): string[] {
  const { role, content } = message;
  const wrong: string[] = [];
  if (!roles.has(role)) wrong.push(`message ${index} has the role ${String(role)}`);
  if (role === "system" && index > 0) wrong.push(`message ${index} is a system message and not the first`);
  const parts = typeof content === "string" || (role === "user" && Array.isArray(content) && content.every(isPart));
  if (!parts) wrong.push(`message ${index} (${String(role)}) has the content ${JSON.stringify(content)}`);
  return wrong;
}

function isPart(part: unknown): boolean {
  const { type, text, image_url: image } = isFields(part) ? part : {};
  if (type === "text") return typeof text === "string";
  const url = at(image, "url");
  return type === "image_url" && typeof url === "string" && url.startsWith("data:image/");
}

/** Every call is answered at once and once, and nothing else is. */
function ofCalls(messages: readonly Fields[]): string[] {
  const wrong: string[] = [];
  const seen = new Set<unknown>();
  let waiting = new Set<unknown>();
  for (const [index, message] of [...messages, { role: "end" }].entries()) {
    if (message["role"] === "tool") {
      if (!waiting.delete(message["tool_call_id"])) wrong.push(`message ${index} answers no call`);
      continue;
    }
    for (const id of waiting) wrong.push(`call ${String(id)} is not answered before message ${index}`);
    const calls = listOf(message["tool_calls"]);
    if (message["tool_calls"] !== undefined && calls.length === 0) wrong.push(`message ${index} has no calls`);
    wrong.push(...calls.flatMap((call) => ofCall(call, seen)));
    waiting = new Set(calls.map(({ id }) => id));
  }
  return wrong;
}

function ofCall(call: Fields, seen: Set<unknown>): string[] {
  const { id, type } = call;
  const name = at(call, "function", "name");
  const args = at(call, "function", "arguments");
  const wrong: string[] = [];
  if (typeof id !== "string" || id === "" || seen.has(id))
    wrong.push(`the call id ${String(id)} is empty or not unique`);
  if (type !== "function") wrong.push(`call ${String(id)} has the type ${String(type)}`);
  if (typeof name !== "string" || !functionName.test(name)) wrong.push(`call ${String(id)} names ${String(name)}`);
  if (typeof args !== "string" || !isFields(parse(args)) || !isWellFormed(parse(args)))
    wrong.push(`call ${String(id)} has arguments ${String(args)}`);
  seen.add(id);
  return wrong;
}

function ofTools(tools: readonly Fields[]): string[] {
  const names = tools.map((tool) => at(tool, "function", "name"));
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  const odd = names.filter((name) => typeof name !== "string" || !functionName.test(name));
  const formless = tools.filter((tool) => at(tool, "function", "parameters", "type") !== "object");
  return [
    ...twice.map((name) => `the tool ${String(name)} is offered twice`),
    ...odd.map((name) => `a tool has the name ${String(name)}`),
    ...formless.map((tool) => `parameters are no object: ${JSON.stringify(tool)}`),
  ];
}
