/** Owns the check that the script engine keeps the contract it is used to test others against. */
import { createScriptEngine, type Step } from "../../src/engine/script.ts";
import { engineConformance } from "./conformance.ts";
import { type Ask, askOf, say } from "./scripted.ts";

/** The shared program as steps; a pause before each endless piece lets others run. */
function* program(ask: Ask): Generator<Step> {
  const saying = say(ask);
  if (saying === null) {
    yield { kind: "fail", failure: { code: "context_length_exceeded", message: "The prompt is too long." } };
    return;
  }
  const spoken = [
    { item: { type: "reasoning" }, text: saying.reasoning },
    { item: { type: "message" }, text: saying.text },
    { item: { type: "call", name: saying.call?.name ?? "" }, text: saying.call?.arguments ?? [] },
  ] as const;
  const usage = { input: ask.size, cached: 0, output: 0, reasoning: 0, estimated: false };
  let key = 0;
  for (const { item, text } of spoken) {
    let opened = false;
    for (const piece of text) {
      if (usage.output === ask.maxTokens) {
        yield { kind: "usage", usage };
        yield { kind: "finish", reason: "length" };
        return;
      }
      if (!opened) yield { kind: "open", key, item };
      opened = true;
      yield { kind: "text", key, text: piece };
      usage.output += 1;
      if (item.type === "reasoning") usage.reasoning += 1;
      if (usage.output % 16 === 0) yield 0;
    }
    if (opened) yield { kind: "close", key };
    key += 1;
  }
  yield { kind: "usage", usage };
  yield { kind: "finish", reason: "stop" };
}

engineConformance("script", () => {
  const engine = createScriptEngine((request) => program(askOf(request)));
  return Promise.resolve({ engine, close: () => engine.close() });
});
