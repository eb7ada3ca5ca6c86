/** Owns the checker: reads the events or the bytes of one streamed response, and names every rule they break. */
import { contentRules } from "./content.ts";
import { type CheckContext, fieldsOf, type Violation } from "./invariants.ts";
import { itemRules } from "./items.ts";
import { sequenceRules } from "./sequence.ts";
import { snapshotRules } from "./snapshots.ts";

const anything: CheckContext = { tools: null, parallel: true, summary: true };

/** Every broken rule of a whole stream, in order. */
export function checkEvents(events: readonly unknown[], context: CheckContext = anything): Violation[] {
  const violations: Violation[] = [];
  const all = [sequenceRules(), snapshotRules(), itemRules(context), contentRules()];
  events.forEach((event, at) => {
    for (const rules of all) rules.event(fieldsOf(event), (row, message) => violations.push({ row, at, message }));
  });
  const at = events.length;
  for (const rules of all) rules.end((row, message) => violations.push({ row, at, message }));
  return violations;
}

/** The same for the text of an SSE body, with the rules of its framing. */
export function checkBody(
  body: string,
  context: CheckContext = anything,
): { events: unknown[]; violations: Violation[] } {
  const violations: Violation[] = [];
  const events: unknown[] = [];
  for (const block of body.split("\n\n")) {
    const lines = block.split("\n").filter((line) => line !== "" && !line.startsWith(":"));
    if (lines.length === 0) continue;
    const report = (row: 2 | 3 | 4, message: string): void => void violations.push({ row, at: events.length, message });
    const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice("data: ".length));
    if (data[0] === "[DONE]") report(4, "[DONE]");
    else {
      const event = parse(data.join("\n"));
      if (lines.length !== 2 || data.length !== 1 || !event) report(3, block.slice(0, 200));
      if (lines[0] !== `event: ${String(fieldsOf(event)["type"])}`) report(2, lines[0] ?? "");
      events.push(event);
    }
  }
  return { events, violations: [...violations, ...checkEvents(events, context)] };
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
