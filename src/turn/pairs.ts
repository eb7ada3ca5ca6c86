/**
 * Owns the pairing of calls and outputs: engines and templates want every call answered at once, every output called for,
 * and ids that are unique; histories have none of that.
 */
import { hash } from "node:crypto";
import type { EngineMessage } from "../engine/engine.ts";
import { text } from "./content.ts";
import type { AssistantDraft, Draft, DraftCall } from "./render.ts";

type Output = Extract<Draft, { role: "tool" }>;

type Heard = Exclude<Draft, AssistantDraft>;

/** One turn of the assistant, and what it heard until the next one. */
interface Exchange {
  readonly said: AssistantDraft[];
  readonly heard: Heard[];
}

/**
 * Messages in which every call is followed by its output. An output belongs to a call of the exchange it stands in; one
 * that comes later cannot be moved up, as the prompts in between were rendered without it, and is told where it stands.
 */
export function balance(drafts: readonly Draft[]): EngineMessage[] {
  const ids = new CallIds();
  const names = new Map<string, string>();
  return exchanges(drafts).flatMap(({ said, heard }) => {
    const calls = said.flatMap((draft) => draft.calls);
    for (const { callId, name } of calls) names.set(callId, name);
    const answers = pair(calls, heard.filter(isOutput));
    const used = new Set(answers.values());
    return [
      ...said.flatMap((draft) => answeredDraft(draft, answers, ids)),
      ...heard.flatMap((draft) => (!isOutput(draft) ? [draft] : used.has(draft) ? [] : [stray(draft, names)])),
    ];
  });
}

function exchanges(drafts: readonly Draft[]): Exchange[] {
  const list: Exchange[] = [{ said: [], heard: [] }];
  for (const draft of drafts) {
    const last = list.at(-1);
    if (draft.role !== "assistant") last?.heard.push(draft);
    else if (last?.heard.length === 0) last.said.push(draft);
    else list.push({ said: [draft], heard: [] });
  }
  return list;
}

/** By what a call and its output may recognise each other, the surest first; null where they cannot. */
const rounds: readonly {
  readonly call: (call: DraftCall) => string | null;
  readonly output: (output: Output) => string | null;
}[] = [
  { call: ({ callId }) => callId || null, output: ({ callId }) => callId || null },
  // Some name the call by the id of its item.
  { call: ({ itemId }) => itemId, output: ({ callId }) => callId || null },
  // An output without `call_id` may say the tool's name (Codex), or nothing.
  { call: ({ name }) => name, output: ({ callId, name }) => (callId === "" ? name : null) },
  { call: () => "", output: ({ callId, name }) => (callId === "" && name === null ? "" : null) },
  // And a call may be without one.
  { call: ({ callId }) => (callId === "" ? "" : null), output: () => "" },
];

function pair(calls: readonly DraftCall[], outputs: readonly Output[]): Map<DraftCall, Output> {
  const pairs = new Map<DraftCall, Output>();
  let left = outputs;
  for (const round of rounds) {
    const waiting = Map.groupBy(left, round.output);
    // Taken from the end.
    for (const queue of waiting.values()) queue.reverse();
    for (const call of calls) {
      const key = pairs.has(call) ? null : round.call(call);
      const output = key === null ? undefined : waiting.get(key)?.pop();
      if (output !== undefined) pairs.set(call, output);
    }
    const used = new Set(pairs.values());
    left = left.filter((output) => !used.has(output));
  }
  return pairs;
}

/** A message of the assistant, its calls under ids of our own, and their outputs in the order of the calls. */
function answeredDraft(draft: AssistantDraft, answers: ReadonlyMap<DraftCall, Output>, ids: CallIds): EngineMessage[] {
  const calls = draft.calls.map((call) => ({ call, id: ids.next(call.callId) }));
  const outputs = calls.map(({ call, id }): EngineMessage => {
    const content = answers.get(call)?.content ?? [text("[No output: the call was not answered.]")];
    return {
      role: "tool",
      callId: id,
      name: call.name,
      content: call.note === null ? content : [text(call.note), ...content],
    };
  });
  const named = calls.map(({ call, id }) => ({ id, name: call.name, arguments: call.arguments }));
  return [{ ...draft, calls: named }, ...outputs];
}

function stray(output: Output, names: ReadonlyMap<string, string>): EngineMessage {
  const called = output.callId === "" ? undefined : names.get(output.callId);
  const title =
    called === undefined
      ? `[Output of ${output.name ?? "a tool"}, of a call that is not in this conversation:]`
      : `[Late output of ${called}:]`;
  return { role: "user", content: [text(title), ...output.content] };
}

function isOutput(draft: Draft): draft is Output {
  return draft.role === "tool";
}

/**
 * Ids as the strictest template demands them (Mistral: nine letters or digits), made of the client's id and of how often
 * it occurred before, as upstreams begin anew with `call_0` in every turn.
 */
class CallIds {
  readonly #seen = new Map<string, number>();

  next(callId: string): string {
    const times = this.#seen.get(callId) ?? 0;
    this.#seen.set(callId, times + 1);
    const digest = hash("sha256", `${times} ${callId}`, "base64url");
    return digest.replace(/[-_]/g, "").slice(0, 9);
  }
}
