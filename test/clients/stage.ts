/** Owns the stages: our server with each engine, a model that plays a script behind it, and a tap in front. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { at, countOf, listOf, parse } from "../../src/spec/json.ts";
import { scripts } from "../../src/model/scripted-text.ts";
import { checkBody } from "../../src/spec/check/check.ts";
import { startUpstream } from "../engine/upstream.ts";
import { deviationsOf } from "../schema/lawful.ts";
import { startServer } from "./server.ts";
import type { EngineName, Lines, Stage } from "./suite.ts";
import { type Exchange, openTap } from "./tap.ts";
import { agentServer, upstreamLines } from "./upstream.ts";

export interface OpenStage extends Stage {
  /** Before a step: forgets what was asked, answered and noted. */
  clear(): void;
  notes(): string;
  /**
   * Asserts what holds for every step: each stream that came through the tap keeps all rules of the contract, and all
   * that came is what OpenAI's types say.
   */
  assertLawful(): void;
  /** What the server has logged. */
  log(): string;
  /** Ends everything; returns the server's exit code. */
  close(): Promise<number | null>;
}

const thinking = scripts.think.pieces.slice(0, scripts.think.withoutThinking).join("");

/** The scripted model's own words. */
const embeddedLines: Lines = {
  plain: scripts.userTurn.pieces.join(""),
  thought: thinking.replaceAll(/<\/?think>/g, "").trim(),
  considered: scripts.think.pieces.slice(scripts.think.withoutThinking).join(""),
  settled: scripts.toolResult.pieces.join(""),
};

/** Starts everything for `engine`; `folder` is for its files. */
export async function openStage(engine: EngineName, folder: string): Promise<OpenStage> {
  const upstream = engine === "upstream" ? await startUpstream(agentServer) : null;
  // More threads than cores make llama.cpp a hundred times slower, and other programs may be busy here.
  const words = upstream ? ["--upstream", upstream.url] : ["--model", "scripted", "--threads", "1"];
  const server = await startServer(words, join(folder, "server"));
  const tap = await openTap(server.address);
  let notes = "";
  let first = 0;
  return {
    engine,
    folder,
    baseUrl: `${tap.address}/v1`,
    model: "scripted",
    lines: upstream ? upstreamLines : embeddedLines,
    welcome: server.welcome.replaceAll(server.address, tap.address),
    exchanges: () => tap.exchanges,
    assertPrefixKept() {
      if (upstream) assertMessagesGrow(upstream.received.slice(first).map(({ body }) => body));
      else assertCached(tap.exchanges);
    },
    note: (text) => {
      notes += text;
    },
    clear() {
      notes = "";
      tap.exchanges.length = 0;
      first = upstream?.received.length ?? 0;
    },
    notes: () => notes,
    assertLawful() {
      for (const { contentType, answer, aborted } of tap.exchanges) {
        if (aborted) continue;
        if (contentType.startsWith("text/event-stream")) assert.deepEqual(checkBody(answer).violations, []);
        assert.deepEqual(deviationsOf(contentType, answer), []);
      }
    },
    log: () => server.log(),
    async close() {
      await tap.close();
      const exitCode = await server.stop();
      await upstream?.close();
      return exitCode;
    },
  };
}

/** The upstream was sent each list of messages as the beginning of the next, with the same tools. */
function assertMessagesGrow(bodies: readonly unknown[]): void {
  const prompts = bodies.filter((body) => body !== undefined);
  assert.ok(prompts.length > 1);
  prompts.slice(1).forEach((prompt, index) => {
    const before = listOf(at(prompts[index], "messages"));
    assert.deepEqual(listOf(at(prompt, "messages")).slice(0, before.length), before);
    assert.deepEqual(at(prompt, "tools"), at(prompts[index], "tools"));
  });
}

/** The engine found each prompt in its cache when it read the next. */
function assertCached(exchanges: readonly Exchange[]): void {
  const usages = exchanges.filter(({ method }) => method === "POST").map(finalUsage);
  assert.ok(usages.length > 1);
  usages.slice(1).forEach((usage, index) => {
    const cached = countOf(at(usage, "input_tokens_details", "cached_tokens")) ?? 0;
    const before = countOf(at(usages[index], "input_tokens")) ?? Infinity;
    assert.ok(cached >= before, `${cached} tokens of the prompt were cached; the prompt before had ${before}`);
  });
}

function finalUsage({ contentType, answer }: Exchange): unknown {
  if (contentType.startsWith("application/json")) return at(parse(answer), "usage");
  return at(checkBody(answer).events.at(-1), "response", "usage");
}
