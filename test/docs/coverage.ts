/** Owns docs/coverage.md: what becomes of everything that the Responses API knows, from the tables that decide it. */
import { channels } from "../../src/spec/channels.ts";
import { type Difference, differences } from "../../src/spec/client-dialects.ts";
import { type EventRow, events } from "../../src/spec/events.ts";
import { errors } from "../../src/errors.ts";
import { aliases, type ItemRow, items } from "../../src/spec/items.ts";
import { params, passedOn } from "../../src/spec/params.ts";
import { type PartRow, parts } from "../../src/spec/parts.ts";
import { type ChoiceRow, choices, type ToolRow, tools } from "../../src/spec/tools.ts";
import { type Rule, rules } from "../../src/turn/heal.ts";

/** Where the page lies. */
export const coverageFile = new URL("../../docs/coverage.md", import.meta.url);

/** The page, in Markdown. */
export function coverage(): string {
  return [
    "# Coverage",
    "",
    "What Antiphon does with every part of the Responses API, as OpenAI's own SDK types name it. This page is generated from",
    "the tables in `src/spec/` (`npm run docs`); the program does not compile while one of them lacks a name that the SDK has.",
    "",
    ...section(
      "Request fields",
      ["field", "", "what it does"],
      rowsOf(params).map(([name, { use, note }]) => [code(name), use, note]),
    ),
    "Fields beyond these are accepted and ignored, but for those that engines know and are handed on as they are:",
    `${passedOn.map(code).join(", ")}.`,
    "",
    ...section(
      "Input items",
      ["item", "in output", "what the model sees of it"],
      rowsOf<ItemRow>(items).map(([name, { output, shown }]) => [code(name), output ? "yes" : "", shown]),
    ),
    `Also known as: ${rowsOf(aliases)
      .map(([other, name]) => `${code(other)} (${code(name)})`)
      .join(", ")}.`,
    "Items of any other type are kept as they are, listed as they came, and not shown to the model.",
    "[rendered.md](rendered.md) shows some 460 items as a model sees them.",
    "",
    ...section(
      "Healing",
      ["rule", "for"],
      rowsOf<Rule>(rules).map(([name, { client }]) => [code(name), client]),
    ),
    "Calls without outputs get one that says so; outputs without a call are told as text where they stand.",
    "",
    ...section(
      "Content parts",
      ["part", "what the model sees of it"],
      rowsOf<PartRow>(parts).map(([name, { shown }]) => [code(name), shown]),
    ),
    ...section(
      "Tools",
      ["tool", "leaves as", "what the model is shown"],
      rowsOf<ToolRow>(tools).map(([name, { call, shown }]) => [code(name), call === null ? "" : code(call), shown]),
    ),
    ...section(
      "Forms of tool_choice",
      ["form", "", "what it does"],
      rowsOf<ChoiceRow>(choices).map(([name, { use, note }]) => [code(name), use, note]),
    ),
    ...section(
      "Events",
      ["event", "sent"],
      rowsOf<EventRow>(events).map(([name, row]) => [code(name), sent(name, row)]),
    ),
    ...section(
      "Dialect of Open Responses",
      ["what", "here", "there"],
      rowsOf<Difference>(differences).map(([what, { openai, openResponses }]) => [what, openai, openResponses]),
    ),
    "It is spoken with `--client-dialect open-responses`, and to every request with the header `openresponses-version`.",
    "",
    ...section(
      "Errors",
      ["code", "HTTP status", "type"],
      rowsOf(errors).map(([name, { status, type }]) => [code(name), String(status), type]),
    ),
  ].join("\n");
}

function rowsOf<Row>(table: Readonly<Record<string, Row>>): [string, Row][] {
  return Object.entries(table);
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.map(escaped).join(" | ")} |`);
  return [`## ${title} (${rows.length})`, "", ...lines, ""];
}

/** Channels that some engine writes to today; the others are for tools that a server runs. */
const spoken = new Set(["output_text", "reasoning_text", "summary_text", "arguments", "input"]);

function sent(name: string, { shape, safe }: EventRow): string {
  if (!safe) return "never: async-openai fails on events that it does not know";
  if (shape === "lifecycle") return name === "response.queued" ? "not yet: nothing is queued for later" : "yes";
  const channel = Object.entries(channels).find(([, { event }]) => name.startsWith(`${event}.`))?.[0];
  if (channel !== undefined && !name.endsWith(".annotation.added"))
    return spoken.has(channel) ? "yes" : "not yet: no such tool is run";
  return shape === "item" || shape === "part" ? "yes" : "not yet: nothing that is run here makes it";
}

function code(name: string): string {
  return `\`${name}\``;
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}
