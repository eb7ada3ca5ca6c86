/** Owns how the tests of the upstream engine connect one to a mock, and read what it answers. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import { type ChatEngineOptions, createChatEngine } from "../../../src/engine/chat/chat.ts";
import type { Engine, EngineRequest, Failure } from "../../../src/engine/engine.ts";
import { silentLog } from "../../../src/log.ts";
import { type Outcome, outcomeOf } from "../grammar.ts";
import { chunk, event, type Handler, startEvents, startUpstream, type Upstream } from "../upstream.ts";

export const neverAborted = new AbortController().signal;

/** An engine over a mock of `handler`; both end with the test. */
export async function connect(
  t: TestContext,
  handler: Handler,
  options: Partial<ChatEngineOptions> = {},
): Promise<{ engine: Engine; upstream: Upstream }> {
  const upstream = await startUpstream(handler);
  const engine = createChatEngine({
    baseUrl: upstream.url,
    apiKey: null,
    dialect: "generic",
    log: silentLog,
    ...options,
  });
  t.after(async () => {
    await engine.close();
    await upstream.close();
  });
  return { engine, upstream };
}

export const run = (engine: Engine, request: EngineRequest): Promise<Outcome> =>
  outcomeOf(engine.generate(request, neverAborted));
export const said = ({ items }: Outcome): string => items.map(({ text }) => text).join("");

export function failureOf({ end }: Outcome): Failure {
  assert.equal(end?.kind, "fail");
  return end.failure;
}

export function sendAnswer(response: ServerResponse, text = "Hi"): void {
  startEvents(response);
  response.end(event(chunk({ content: text }, "stop")) + event("[DONE]"));
}
