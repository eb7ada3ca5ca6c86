/** Owns the rules about what streams into an item: parts in their order, and the same text everywhere. */
import { isDeepStrictEqual } from "node:util";
import { type Channel, type ChannelRow, channels, partEvents } from "../channels.ts";
import { type Fields, fieldsOf, type Invariant, listOf, nameOf, type Report, type Rules } from "./invariants.ts";

const rows = Object.entries(channels) as readonly (readonly [Channel, ChannelRow])[];

/** A channel's text within the open item. */
interface Stream {
  readonly channel: Channel;
  readonly row: ChannelRow;
  readonly index: number;
  text: string;
  readonly logprobs: unknown[];
  readonly annotations: unknown[];
  textDone: boolean;
}

export function contentRules(): Rules {
  return new ContentRules();
}

class ContentRules implements Rules {
  #item: Fields = {};
  #streams: Stream[] = [];
  #open: Stream | null = null;

  event(event: Fields, report: Report): void {
    const type = nameOf(event);
    if (type === "response.output_item.added") {
      this.#item = fieldsOf(event["item"]);
      this.#streams = [];
      this.#open = null;
    } else if (type === "response.output_item.done") this.#itemDone(fieldsOf(event["item"]), report);
    else if (type === "response.output_text.annotation.added") this.#annotated(event, report);
    else if (type.endsWith("_part.added")) this.#partAdded(event, report);
    else if (type.endsWith("_part.done")) this.#partDone(event, report);
    else if (type === "response.in_progress") this.#repeated(fieldsOf(event["response"]), report);
    else
      for (const [channel, row] of rows) if (type.startsWith(`${row.event}.`)) this.#text(event, channel, row, report);
  }

  end(): void {}

  #partAdded(event: Fields, report: Report): void {
    const part = fieldsOf(event["part"]);
    const found = rows.find(([channel]) => channel === part["type"]);
    const list = found?.[1].part;
    if (!found || !list || !nameOf(event).startsWith(partEvents[list]) || found[1].item !== this.#item["type"]) {
      return report(47, `a part of type '${String(part["type"])}'`);
    }
    if (part[found[1].field] !== "") report(47, "an added part is not empty");
    if (this.#open) report(51, "a part is added while another is open");
    const index = this.#streams.filter((stream) => stream.row.part === list).length;
    if (event[`${list}_index`] !== index) report(rule(found[1], 46), `index ${String(event[`${list}_index`])}`);
    this.#begin(found[0], found[1], index);
  }

  #text(event: Fields, channel: Channel, row: ChannelRow, report: Report): void {
    if (row.item !== this.#item["type"]) {
      return report(
        row.item === "custom_tool_call" || this.#item["type"] === "custom_tool_call" ? 56 : 44,
        nameOf(event),
      );
    }
    const stream = this.#stream(channel, row);
    if (!stream) return report(rule(row, 45), `'${nameOf(event)}' outside its part`);
    if (row.part !== null && event[`${row.part}_index`] !== stream.index) report(rule(row, 46), "another index");
    if (channel === "output_text" && !Array.isArray(event["logprobs"])) report(53, "logprobs are no array");
    if (stream.textDone) return report(rule(row, 48), `'${nameOf(event)}' after the text was done`);
    if (nameOf(event).endsWith(".delta")) {
      stream.text += String(event["delta"]);
      stream.logprobs.push(...listOf(event["logprobs"]));
      return;
    }
    stream.textDone = true;
    if (event[row.field] !== stream.text) report(rule(row, 49), "the done text is not the sum of its deltas");
    const logprobs = listOf(event["logprobs"]);
    if (channel === "output_text" && !isDeepStrictEqual(logprobs, stream.logprobs))
      report(53, "logprobs do not add up");
  }

  #annotated(event: Fields, report: Report): void {
    const stream = this.#open;
    if (stream?.channel !== "output_text") return report(45, "an annotation outside of text");
    if (event["annotation_index"] !== stream.annotations.length) report(52, "another index");
    stream.annotations.push(event["annotation"]);
  }

  #partDone(event: Fields, report: Report): void {
    const stream = this.#open;
    const part = fieldsOf(event["part"]);
    if (!stream || !stream.row.part) return report(48, "a part is done that is not open");
    if (!stream.textDone) report(rule(stream.row, 48), "a part is done before its text");
    if (event[`${stream.row.part}_index`] !== stream.index) report(rule(stream.row, 46), "another index");
    if (part["type"] !== stream.channel || part[stream.row.field] !== stream.text) {
      report(rule(stream.row, 49), "the done part differs from its deltas");
    }
    if (stream.channel === "output_text" && !isDeepStrictEqual(part["annotations"], stream.annotations)) {
      report(52, "annotations are missing in the part");
    }
    this.#open = null;
  }

  #itemDone(item: Fields, report: Report): void {
    if (this.#open) report(41, "a part is still open");
    for (const [, row] of rows) if (row.item === item["type"] && row.part === null) this.#ownText(item, row, report);
    for (const list of Object.keys(partEvents)) {
      const streams = this.#streams.filter((stream) => stream.row.part === list);
      const parts = listOf(item[list]).map(fieldsOf);
      const same = streams.every(({ row, text, channel }, at) => {
        return parts[at]?.["type"] === channel && parts[at][row.field] === text;
      });
      if (!same || parts.length !== streams.length)
        report(list === "summary" ? 61 : 49, `${list} differs from its parts`);
    }
  }

  /** Text that is the item's own: arguments, input, code. */
  #ownText(item: Fields, row: ChannelRow, report: Report): void {
    const stream = this.#streams.find((candidate) => candidate.row === row);
    const completed = item["status"] === "completed";
    if (completed && row.field !== "code" && !stream?.textDone) report(55, `${row.field} were not done`);
    if (stream && item[row.field] !== stream.text)
      report(rule(row, 49), `${row.field} are not the sum of their deltas`);
    if (completed && row.item === "function_call" && !isJsonObject(item[row.field])) report(54, "no JSON object");
  }

  /** A keep-alive in mid-item must not take back what was said: SDKs replace their snapshot with it. */
  #repeated(response: Fields, report: Report): void {
    const stream = this.#open;
    if (!stream?.row.part) return;
    const item = fieldsOf(listOf(response["output"]).at(-1));
    const part = fieldsOf(listOf(item[stream.row.part])[stream.index]);
    if (part[stream.row.field] !== stream.text) report(16, "the text so far is not this");
  }

  #stream(channel: Channel, row: ChannelRow): Stream | null {
    if (row.part !== null) return this.#open?.channel === channel ? this.#open : null;
    return this.#streams.find((stream) => stream.channel === channel) ?? this.#begin(channel, row, 0);
  }

  #begin(channel: Channel, row: ChannelRow, index: number): Stream {
    const state = { text: "", logprobs: [], annotations: [], textDone: false };
    const stream: Stream = { channel, row, index, ...state };
    this.#streams.push(stream);
    if (row.part !== null) this.#open = stream;
    return stream;
  }
}

/** The row to report under: summaries, arguments and custom input have rows of their own. */
function rule(row: ChannelRow, general: Invariant): Invariant {
  if (row.part === "summary") return 61;
  if (row.item === "custom_tool_call") return 56;
  return row.item === "function_call" && general === 49 ? 54 : general;
}

function isJsonObject(text: unknown): boolean {
  try {
    const value: unknown = JSON.parse(String(text));
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
