/** Owns the rules about the order of events: what comes first, last, once, and in which numbers. */
import { type Fields, nameOf, type Rules, show } from "./rules.ts";

const terminals = new Set(["response.completed", "response.incomplete", "response.failed"]);

export function sequenceRules(): Rules {
  let count = 0;
  let created = 0;
  let started = false;
  let ended = 0;
  let erred = false;

  return {
    event(event: Fields, report): void {
      const type = nameOf(event);
      if (event["error"] && type !== "error") report(7, `a top-level 'error': ${show(event["error"])}`);
      if (event["sequence_number"] !== count) report(12, `${show(event["sequence_number"])} where ${count} is due`);
      if (count === 0 && type !== "response.created") report(11, `the stream begins with '${show(type)}'`);
      if (type === "response.created" && ++created > 1) report(13, "a second response.created");
      if (ended > 0) report(5, `'${show(type)}' after the end`);
      if (terminals.has(type) && ++ended > 1) report(14, `a second terminal event, '${type}'`);
      if (terminals.has(type) && !started) report(17, `'${type}' before in_progress`);
      if (erred && !terminals.has(type)) report(18, `'${show(type)}' after an error event`);
      if (erred && terminals.has(type) && type !== "response.failed") report(18, `an error event led to '${type}'`);
      if (type === "response.in_progress") started = true;
      else if (!started && ("output_index" in event || "item_id" in event))
        report(15, `'${show(type)}' before in_progress`);
      if (type === "error") erred = true;
      count += 1;
    },
    end(report): void {
      if (ended === 0) report(14, "the stream has no terminal event");
    },
  };
}
