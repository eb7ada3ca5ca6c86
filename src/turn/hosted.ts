/** Owns the short texts that stand for what other servers did: searches, code runs, calls of MCP tools. */
import type { Item, ItemType, items } from "../spec/items.ts";
import { at, type Fields, isFields, listOf, words } from "../spec/json.ts";
import { plainText } from "./content.ts";

type HostedType = { [T in ItemType]: (typeof items)[T]["role"] extends "hosted" ? T : never }[ItemType];

/** One line or more for an item that a server ran itself; the model did not call a tool of ours, so it sees no call. */
export const hostedTexts = {
  web_search_call: ({ action, results }) =>
    note("Web search", [
      quoted([at(action, "query"), ...strings(at(action, "queries"))]),
      words(at(action, "pattern")),
      words(at(action, "url")),
      list(
        "sources",
        [...listOf(at(action, "sources")), ...listOf(results)].map(({ url }) => url),
      ),
    ]),
  file_search_call: ({ queries, results }) =>
    note("File search", [
      quoted(strings(queries)),
      ...listOf(results).map(({ filename, text }) => `${words(filename)}: ${words(text)}`),
    ]),
  code_interpreter_call: ({ code, outputs }) =>
    note("Ran code", [
      words(code),
      list(
        "output",
        listOf(outputs).map(({ logs, type }) => logs ?? type),
      ),
    ]),
  image_generation_call: ({ revised_prompt, result, error }) =>
    note(typeof result === "string" ? "Generated an image" : "Tried to generate an image", [
      words(revised_prompt),
      list("error", [told(error)]),
    ]),
  mcp_list_tools: ({ server_label, tools, error }) =>
    note(`Tools of the MCP server ${words(server_label)}`, [
      listOf(tools)
        .map(({ name }) => words(name))
        .join(", "),
      list("error", [told(error)]),
    ]),
  mcp_call: ({ server_label, name, arguments: args, output, error }) =>
    note(`Called ${words(name)} of the MCP server ${words(server_label)} with ${told(args)}`, [
      list("output", [told(output)]),
      list("error", [told(error)]),
    ]),
  mcp_approval_request: ({ server_label, name, arguments: args }) =>
    note(`Asked for leave to call ${words(name)} of the MCP server ${words(server_label)}`, [told(args)]),
  mcp_approval_response: ({ approve, reason }) =>
    note(approve === true ? "The user approved the call" : "The user refused the call", [words(reason)]),
  program: ({ code }) => note("Ran a program", [words(code)]),
  program_output: ({ result }) => note("Output of the program", [told(result)]),
  multi_agent_call: ({ action, arguments: args }) => note(`Agents: ${words(action)}`, [told(args)]),
  multi_agent_call_output: ({ action, output }) => note(`Result of ${words(action)}`, [plainText(output)]),
} as const satisfies Record<HostedType, (item: Fields) => string>;

export function isHosted(type: string): type is HostedType {
  return Object.hasOwn(hostedTexts, type);
}

export function hostedText(type: HostedType, item: Item): string {
  return hostedTexts[type](item);
}

/** In brackets, as all that we put into a prompt ourselves. */
function note(title: string, details: readonly string[]): string {
  const said = details.filter((detail) => detail !== "");
  return said.length === 0 ? `[${title}]` : `[${title}: ${said.join("\n")}]`;
}

function list(title: string, values: readonly unknown[]): string {
  const said = values.map(told).filter((value) => value !== "");
  return said.length === 0 ? "" : `${title}: ${said.join(", ")}`;
}

function quoted(values: readonly unknown[]): string {
  return [...new Set(values)]
    .filter((value) => typeof value === "string" && value !== "")
    .map((value) => `"${String(value)}"`)
    .join(", ");
}

function strings(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Text as it is; errors and results that are objects by their message, else as JSON. */
function told(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  return isFields(value) && typeof value["message"] === "string" ? value["message"] : JSON.stringify(value);
}
