/** Owns what leaves the gate: whole calls and messages as deltas of items, and how their items begin. */
import type { Logprob } from "../engine/engine.ts";
import { channels } from "../spec/channels.ts";
import { newId } from "../spec/ids.ts";
import { type Item, items } from "../spec/items.ts";
import { type Fields, isFields, parse } from "../spec/json.ts";
import type { ItemDelta } from "./machine.ts";
import type { OfferedTool } from "./offer.ts";
import { repairJson } from "./repair.ts";

/** The call item's own fields; null where the model did not write the arguments of such a call. */
export function wireFields(tool: OfferedTool, written: string): Fields | null {
  const empty = written.trim() === "";
  if (empty && !requiresNothing(tool)) return null;
  const text = empty ? "{}" : parse(written) === undefined ? repairJson(written) : written;
  const args = parse(text ?? "");
  return text === null || !isFields(args) ? null : tool.kind.fields(args, text, tool.name);
}

function requiresNothing(tool: OfferedTool): boolean {
  const { required } = tool.engine.parameters;
  return !Array.isArray(required) || required.length === 0;
}

/** Call ids are ours: upstreams repeat theirs from turn to turn (`call_0`), and a thread needs them unique. */
export function* publish(tool: OfferedTool, fields: Fields, status: "completed" | "incomplete"): Generator<ItemDelta> {
  const { call: type, channel } = tool.kind;
  const item = { id: newId(items[type].prefix), type, status: "in_progress", call_id: newId("call") };
  if (channel === null) {
    yield { kind: "open", item: { ...item, ...fields } };
  } else {
    const { field } = channels[channel];
    yield { kind: "open", item: { ...item, name: tool.name, ...tool.callFields, [field]: "" } };
    const text = fields[field];
    if (typeof text === "string" && text !== "") yield { kind: "text", channel, text };
  }
  yield { kind: "close", status };
}

/** A whole message. */
export function messageOf(text: string): readonly ItemDelta[] {
  return [
    { kind: "open", item: newMessage() },
    { kind: "text", channel: "output_text", text },
    { kind: "close", status: "completed" },
  ];
}

export function newMessage(): Item {
  return { id: newId("msg"), type: "message", status: "in_progress", role: "assistant", content: [] };
}

export function newReasoning(): Item {
  return { id: newId("rs"), type: "reasoning", status: "in_progress", summary: [], content: [] };
}

export function wireLogprob({ token, logprob, bytes, top }: Logprob): Record<string, unknown> {
  return { token, logprob, bytes, top_logprobs: top };
}
