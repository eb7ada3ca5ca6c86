/** Owns the command `check-stream`: where a stream comes from, and how what the checker finds in it is told. */
import { createReadStream, readFileSync } from "node:fs";
import { request as ask } from "undici";
import { messageOf } from "./errors.ts";
import { limits } from "./limits.ts";
import type { LineOutput } from "./log.ts";
import { anything, StreamCheck } from "./spec/check/check.ts";
import { UnreadableStream } from "./spec/check/frames.ts";
import { type Invariant, type InvariantRow, invariants } from "./spec/check/invariants.ts";
import type { CheckContext, Violation } from "./spec/check/rules.ts";
import type { ClientDialect } from "./spec/client-dialects.ts";
import { at, type Fields, isFields, listOf, parse, words } from "./spec/json.ts";

export interface CheckOptions {
  /** A file, a URL of http or https, or `-` for standard input. */
  readonly source: string;
  /** File with the request, or null. */
  readonly body: string | null;
  /** Key for the server at the URL, or null. */
  readonly key: string | null;
  /** By whose rules; a server at a URL is asked for it. */
  readonly dialect: ClientDialect;
  /** Tells it as one JSON object. */
  readonly json: boolean;
}

export interface CheckIo {
  readonly input: AsyncIterable<Uint8Array | string>;
  readonly out: LineOutput;
  readonly errors: LineOutput;
}

/** Exit codes: nothing is broken, something is, the stream could not be read. */
export type CheckCode = 0 | 1 | 2;

/** Checks one stream and tells what is broken. Bytes are read in pieces, so its length does not matter within `limits`. */
export async function checkStream(options: CheckOptions, { input, out, errors }: CheckIo): Promise<CheckCode> {
  const { source, dialect, json } = options;
  const findings = new Findings();
  try {
    const request = options.body === null ? null : readRequest(options.body);
    const check = new StreamCheck(
      request === null ? { ...anything, dialect } : contextOf(request, dialect),
      (violation) => findings.add(violation),
    );
    await (isUrl(source)
      ? readUrl(check, options, request)
      : readAll(check, source === "-" ? input : createReadStream(source)));
    check.end();
    if (check.foreign !== null) throw new UnreadableStream(check.foreign);
    out.write(json ? asJson(source, check.events, findings) : asText(source, check.events, findings));
    return findings.broken.length > 0 ? 1 : 0;
  } catch (thrown) {
    const reason = reasonOf(thrown);
    if (json) out.write(`${JSON.stringify({ source, error: reason })}\n`);
    else errors.write(`antiphon: ${printable(`${source} cannot be checked: ${reason}`)}\n`);
    return 2;
  }
}

/** Why a stream could not be read; what is no such reason is a bug, and thrown on. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof UnreadableStream) return thrown.message;
  if (!(thrown instanceof Error && "code" in thrown && typeof thrown.code === "string")) throw thrown;
  if (thrown.code === "ENOENT" && "path" in thrown) return `there is no file ${String(thrown.path)}`;
  // Node tells of several addresses that were tried in an error without a message.
  return messageOf(thrown) || thrown.code;
}

const isUrl = (source: string): boolean => /^https?:\/\//i.test(source);

async function readAll(check: StreamCheck, bytes: AsyncIterable<Uint8Array | string>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const piece of bytes)
    check.push(typeof piece === "string" ? piece : decoder.decode(piece, { stream: true }));
  check.push(decoder.decode());
}

/** Asked where no other request is given. */
const smallRequest: Fields = { model: "default", input: "Say hello." };

async function readUrl(
  check: StreamCheck,
  { source, key, dialect }: CheckOptions,
  request: Fields | null,
): Promise<void> {
  const { statusCode, headers, body } = await ask(endpoint(source), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "text/event-stream",
      ...(dialect === "open-responses" ? { "openresponses-version": "latest" } : {}),
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ ...(request ?? smallRequest), stream: true }),
    headersTimeout: limits.upstreamHeadersMs,
    bodyTimeout: limits.upstreamIdleMs,
  });
  if (statusCode >= 300) throw new UnreadableStream(`the server answers ${statusCode}: ${await beginningOf(body)}`);
  check.answered(statusCode, words(headers["content-type"]) || null);
  await readAll(check, body);
}

/** Base URLs are as good as the whole one. Throws UnreadableStream. */
function endpoint(source: string): URL {
  if (!URL.canParse(source)) throw new UnreadableStream("this is no URL");
  const url = new URL(source);
  const path = url.pathname.replace(/\/+$/, "");
  if (!path.endsWith("/responses")) url.pathname = path === "" ? "/v1/responses" : `${path}/responses`;
  return url;
}

async function beginningOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of body) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > limits.upstreamQuoteChars) break;
  }
  return text.slice(0, limits.upstreamQuoteChars).toWellFormed();
}

/** Throws UnreadableStream, and what the file system throws. */
function readRequest(file: string): Fields {
  const request = parse(readFileSync(file, "utf8"));
  if (!isFields(request)) throw new UnreadableStream(`the request in ${file} is no JSON object`);
  return request;
}

/** What a request lets the checker know. */
function contextOf(request: Fields, dialect: ClientDialect): CheckContext {
  return {
    dialect,
    tools: offered(request),
    parallel: request["parallel_tool_calls"] !== false,
    summary: Boolean(at(request, "reasoning", "summary")),
  };
}

const toolTypes: ReadonlySet<string> = new Set(["function", "custom", "namespace"]);

/** Names of the tools on offer; null where the model may know others, from its thread or from its server. */
function offered(request: Fields): ReadonlySet<string> | null {
  const tools = listOf(request["tools"]);
  const all = tools.every((tool) => toolTypes.has(words(tool["type"])));
  const learnt = listOf(request["input"]).some(
    ({ type }) => type === "additional_tools" || type === "tool_search_output",
  );
  if (!all || learnt || words(request["previous_response_id"]) !== "") return null;
  return new Set(
    tools.flatMap((tool) => {
      const name = words(tool["name"]);
      return tool["type"] === "namespace"
        ? listOf(tool["tools"]).map((inner) => `${name}.${words(inner["name"])}`)
        : [name];
    }),
  );
}

interface Broken {
  readonly number: Invariant;
  readonly row: InvariantRow;
  count: number;
  /** The first of them. */
  readonly places: Violation[];
}

/** Violations by rule: a stream without sequence numbers breaks one rule in every event. */
class Findings {
  readonly #broken = new Map<Invariant, Broken>();

  add(violation: Violation): void {
    const { row: number } = violation;
    const found = this.#broken.get(number) ?? { number, row: invariants[number], count: 0, places: [] };
    this.#broken.set(number, found);
    found.count += 1;
    if (found.places.length < limits.checkPlaces) found.places.push(violation);
  }

  get broken(): readonly Broken[] {
    return [...this.#broken.values()].sort((one, other) => one.number - other.number);
  }
}

function asText(source: string, events: number, { broken }: Findings): string {
  const name = source === "-" ? "standard input" : source;
  const sum = broken.length === 0 ? "no rule is broken" : `${count(broken.length, "rule")} broken`;
  const lines = [`${name}: ${count(events, "event")}, ${sum}`];
  for (const { number, row, count: times, places } of broken) {
    lines.push("", `${String(number).padStart(2)}  ${row.rule}`);
    if (row.breaks.length > 0) lines.push(`    fails: ${row.breaks.join(", ")}`);
    if (row.demanded.length > 0) lines.push(`    demanded by: ${row.demanded.join(", ")}`);
    const shown = places.slice(0, limits.checkPlacesShown);
    lines.push(...shown.map((violation) => `    ${placeOf(violation, events)}: ${violation.message}`));
    if (times > shown.length) lines.push(`    and ${times - shown.length} more`);
  }
  return `${lines.map(printable).join("\n")}\n`;
}

function placeOf({ at: event, line, type }: Violation, events: number): string {
  if (line === null) return "the answer";
  if (event >= events && type === "") return `the end, line ${line}`;
  return `event ${event}, line ${line}${type === "" ? "" : ` (${type})`}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function asJson(source: string, events: number, { broken }: Findings): string {
  const rules = broken.map(({ number, row, count: times, places }) => ({
    number,
    ...row,
    count: times,
    places: places.map(({ at: event, line, type, message }) => ({ event, line, type, found: message })),
  }));
  return `${JSON.stringify({ source, events, broken: rules }, null, 2)}\n`;
}

/** Nothing that a stream holds may steer the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
