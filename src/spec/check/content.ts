/** Owns the rules about what streams into an item: parts in their order, and the same text everywhere. */
import { isDeepStrictEqual } from "node:util";
import { type Channel, type ChannelRow, channels, type PartList, partEvents } from "../channels.ts";
import { words } from "../json.ts";
import type { Invariant } from "./invariants.ts";
import { type Fields, fieldsOf, listOf, nameOf, type Report, type Rules, show } from "./rules.ts";

const rows = Object.entries(channels) as readonly (readonly [Channel, ChannelRow])[];
const lists = Object.keys(partEvents) as readonly PartList[];

type Row = (typeof rows)[number];

const textEvents: ReadonlyMap<string, Row> = new Map(
  rows.flatMap((found) => [`${found[1].event}.delta`, `${found[1].event}.done`].map((name) => [name, found] as const)),
);

/** A channel's text within an item. */
interface Stream {
  readonly channel: Channel;
  readonly row: ChannelRow;
  readonly index: number;
  text: string;
  readonly logprobs: unknown[];
  readonly annotations: unknown[];
  textDone: boolean;
}

/** An item that is not done, and what streamed into it. */
interface Draft {
  readonly item: Fields;
  readonly streams: Stream[];
  /** The part that is open. */
  open: Stream | null;
}

export function contentRules(): Rules {
  return new ContentRules();
}

class ContentRules implements Rules {
  /** By item id; one at most, in a right stream. */
  readonly #drafts = new Map<unknown, Draft>();
  /** The one added last: events that name no item are taken for its own. */
  #last: Draft = newDraft({});

  event(event: Fields, report: Report): void {
    const type = nameOf(event);
    const draft = this.#drafts.get(event["item_id"]) ?? this.#last;
    if (type === "response.output_item.added") this.#added(fieldsOf(event["item"]));
    else if (type === "response.output_item.done") this.#done(fieldsOf(event["item"]), report);
    else if (type === "response.output_text.annotation.added") annotated(draft, event, report);
    else if (type.endsWith("_part.added")) partAdded(draft, event, report);
    else if (type.endsWith("_part.done")) partDone(draft, event, report);
    else if (type === "response.in_progress") repeated(this.#last, fieldsOf(event["response"]), report);
    else {
      const found = textEvents.get(type);
      if (found) streamed(draft, event, found, report);
    }
  }

  end(): void {}

  #added(item: Fields): void {
    this.#last = newDraft(item);
    this.#drafts.set(item["id"], this.#last);
  }

  #done(item: Fields, report: Report): void {
    itemDone(this.#drafts.get(item["id"]) ?? this.#last, item, report);
    this.#drafts.delete(item["id"]);
  }
}

function newDraft(item: Fields): Draft {
  return { item, streams: [], open: null };
}

function partAdded(draft: Draft, event: Fields, report: Report): void {
  const part = fieldsOf(event["part"]);
  const [channel, row] = rows.find(([name]) => name === part["type"]) ?? [];
  const list = row?.part;
  if (!channel || !list || !nameOf(event).startsWith(partEvents[list]) || row.item !== draft.item["type"]) {
    return report(47, `a part of type '${show(part["type"])}' in an item of type '${show(draft.item["type"])}'`);
  }
  if (part[row.field] !== "") report(47, "an added part is not empty");
  if (channel === "output_text" && !Array.isArray(part["annotations"])) report(52, "annotations are no list");
  if (draft.open) report(51, "a part is added while another is open");
  const index = draft.streams.filter((stream) => stream.row.part === list).length;
  checkIndex(event, row, index, report);
  draft.open = begin(draft, channel, row, index);
}

function streamed(draft: Draft, event: Fields, [channel, row]: Row, report: Report): void {
  const { item } = draft;
  if (row.item !== item["type"]) {
    const custom = row.item === "custom_tool_call" || item["type"] === "custom_tool_call";
    return report(custom ? 56 : 44, `an event for an item of type '${show(item["type"])}'`);
  }
  const stream = streamOf(draft, channel, row);
  if (!stream) return report(rule(row, 45), "text outside its part");
  checkIndex(event, row, stream.index, report);
  const logprobs = listOf(event["logprobs"]);
  if (channel === "output_text" && !Array.isArray(event["logprobs"])) report(53, "logprobs are no array");
  if (stream.textDone) return report(rule(row, 48), "more of a text that was done");
  if (nameOf(event).endsWith(".delta")) {
    stream.text += words(event["delta"]);
    stream.logprobs.push(...logprobs);
    return;
  }
  stream.textDone = true;
  if (event[row.field] !== stream.text) report(rule(row, 49), "the done text is not the sum of its deltas");
  if (channel === "output_text" && !isDeepStrictEqual(logprobs, stream.logprobs)) report(53, "logprobs do not add up");
}

function annotated({ open }: Draft, event: Fields, report: Report): void {
  if (open?.channel !== "output_text") return report(45, "an annotation outside of text");
  if (event["annotation_index"] !== open.annotations.length) {
    report(52, `annotation_index ${show(event["annotation_index"])}, ${open.annotations.length} is due`);
  }
  open.annotations.push(event["annotation"]);
}

function partDone(draft: Draft, event: Fields, report: Report): void {
  const stream = draft.open;
  const part = fieldsOf(event["part"]);
  if (!stream) return report(48, "a part is done that is not open");
  if (!stream.textDone) report(rule(stream.row, 48), "a part is done before its text");
  checkIndex(event, stream.row, stream.index, report);
  if (part["type"] !== stream.channel || part[stream.row.field] !== stream.text) {
    report(rule(stream.row, 49), "the done part differs from its deltas");
  }
  if (stream.channel === "output_text" && !isDeepStrictEqual(part["annotations"], stream.annotations)) {
    report(52, "annotations are missing in the part");
  }
  draft.open = null;
}

function itemDone({ streams, open }: Draft, item: Fields, report: Report): void {
  if (open) report(41, "a part is still open");
  for (const [, row] of rows) if (row.item === item["type"] && row.part === null) ownText(streams, item, row, report);
  for (const list of lists) {
    const own = streams.filter((stream) => stream.row.part === list);
    const parts = listOf(item[list]).map(fieldsOf);
    const same = own.every(({ row, text, channel }, at) => {
      return parts[at]?.["type"] === channel && parts[at][row.field] === text;
    });
    if (!same || parts.length !== own.length) report(list === "summary" ? 61 : 49, `${list} differs from its parts`);
  }
}

/** Text that is the item's own: arguments, input, code. */
function ownText(streams: readonly Stream[], item: Fields, row: ChannelRow, report: Report): void {
  const stream = streams.find((candidate) => candidate.row === row);
  const completed = item["status"] === "completed";
  if (completed && row.field !== "code" && !stream?.textDone) report(55, `no '${row.event}.done'`);
  if (stream && item[row.field] !== stream.text) report(rule(row, 49), `${row.field} are not the sum of their deltas`);
  if (completed && row.item === "function_call" && !isJsonObject(item[row.field])) {
    report(54, `arguments that are no JSON object: ${show(item[row.field])}`);
  }
}

/** A keep-alive in mid-item must not take back what was said: SDKs replace their snapshot with it. */
function repeated({ open }: Draft, response: Fields, report: Report): void {
  if (!open?.row.part) return;
  const item = fieldsOf(listOf(response["output"]).at(-1));
  const part = fieldsOf(listOf(item[open.row.part])[open.index]);
  if (part[open.row.field] !== open.text) report(16, "the text so far is not this");
}

function checkIndex(event: Fields, row: ChannelRow, index: number, report: Report): void {
  if (row.part === null) return;
  const found = event[`${row.part}_index`];
  if (found !== index) report(rule(row, 46), `${row.part}_index ${show(found)}, ${index} is due`);
}

/** Where the text of a channel goes; null where it has no part. */
function streamOf(draft: Draft, channel: Channel, row: ChannelRow): Stream | null {
  if (row.part !== null) return draft.open?.channel === channel ? draft.open : null;
  return draft.streams.find((stream) => stream.channel === channel) ?? begin(draft, channel, row, 0);
}

function begin(draft: Draft, channel: Channel, row: ChannelRow, index: number): Stream {
  const stream: Stream = { channel, row, index, text: "", logprobs: [], annotations: [], textDone: false };
  draft.streams.push(stream);
  return stream;
}

/** The row to report under: summaries, arguments and custom input have rows of their own. */
function rule(row: ChannelRow, general: Invariant): Invariant {
  if (row.part === "summary") return 61;
  if (row.item === "custom_tool_call") return 56;
  return row.item === "function_call" && general === 49 ? 54 : general;
}

function isJsonObject(text: unknown): boolean {
  try {
    const value: unknown = JSON.parse(words(text));
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
