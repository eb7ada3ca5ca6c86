/** Owns the table of the clients that are programs of their own, and what is checked of what they sent. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { at, fieldsOf, listOf, parse, textOf } from "../../src/spec/json.ts";
import { goProgram, goVersionOf, rustProgram, rustVersionOf } from "./builds.ts";
import { here } from "./install.ts";
import { type Played, played, type Program } from "./played.ts";
import { python, requirements } from "./python.ts";
import type { Stage } from "./suite.ts";

const prefixKept = (stage: Stage): void => stage.assertPrefixKept();

/** The thread came back with the thinking in it, sealed. */
function replayed(stage: Stage): void {
  const input = listOf(at(stage.exchanges().at(-1)?.body, "input"));
  const thinking = input.find(({ type }) => type === "reasoning");
  assert.ok(textOf(thinking?.["encrypted_content"]));
}

const ofAll: readonly Played[] = [
  played("tool loop", prefixKept),
  played("tool loop, streamed", prefixKept),
  // The scripted model can say one call in a turn.
  played("parallel calls", null, "upstream"),
  played("structured output"),
  played("image"),
  played("errors"),
];

const agentSteps: readonly Played[] = [
  played("run"),
  played("run, streamed"),
  ...ofAll,
  played("tool loop, previous_response_id", prefixKept),
  // The scripted model knows the name of one tool.
  played("handoff", null, "upstream"),
  played("session", prefixKept),
  played("reasoning replay", replayed),
];

const langchainSteps: readonly Played[] = [
  played("invoke"),
  played("stream"),
  ...ofAll,
  played("tool loop, previous_response_id", prefixKept),
  played("reasoning"),
];

const sdkSteps: readonly Played[] = [
  played("create"),
  played("create, cut"),
  played("stream"),
  played("stream, aborted"),
  played("eight streams at once"),
  ...ofAll,
  played("reasoning replay", replayed),
  played("retrieve, input_items, delete"),
  played("models"),
];

const aiSteps = (provider: string): readonly Played[] => [
  played("generateText"),
  played("generateText, cut"),
  played("streamText"),
  ...ofAll,
  played("structured output, streamed"),
  played("reasoning"),
  // The other provider asks for no sealed thinking.
  played("reasoning replay", provider === "openai" ? replayed : null),
];

const pinned = fieldsOf(at(parse(readFileSync(join(here, "package.json"), "utf8")), "dependencies"));
const versionOf = (name: string): string => textOf(pinned[name])?.replace(/^npm:.*@/, "") ?? "";
const pythonVersionOf = (name: string): string => new RegExp(`^${name}==(.+)$`, "m").exec(requirements)?.[1] ?? "";
const node = process.execPath;

export const programs: readonly Program[] = [
  {
    client: "agents-js",
    version: versionOf("@openai/agents"),
    words: [node, "agents.mjs"],
    steps: agentSteps,
    harmless: null,
  },
  ...["6", "7"].flatMap((major) =>
    ["openai", "open-responses"].map((provider): Program => ({
      client: `ai-sdk-${provider}`,
      version: versionOf(`ai-${major}`),
      words: [node, "ai-sdk.mjs", major, provider],
      steps: aiSteps(provider),
      harmless: null,
    })),
  ),
  {
    client: "langchain-js",
    version: versionOf("@langchain/openai"),
    words: [node, "langchain.mjs"],
    steps: langchainSteps,
    harmless: null,
  },
  {
    client: "openai-python",
    version: pythonVersionOf("openai"),
    words: [python, "openai_sdk.py"],
    steps: sdkSteps,
    harmless: null,
  },
  {
    client: "agents-python",
    version: pythonVersionOf("openai-agents"),
    words: [python, "agents_sdk.py"],
    steps: agentSteps,
    // Logged with each refusal that it raises; `errors` meets two.
    harmless: /^Error getting response$/,
  },
  {
    client: "langchain-python",
    version: pythonVersionOf("langchain-openai"),
    words: [python, "langchain_chat.py"],
    steps: langchainSteps,
    harmless: null,
  },
  {
    client: "async-openai",
    version: rustVersionOf("async-openai"),
    words: [rustProgram],
    steps: [...sdkSteps, played("reasoning")],
    harmless: null,
  },
  {
    client: "openai-go",
    version: goVersionOf("github.com/openai/openai-go/v3"),
    words: [goProgram],
    steps: [...sdkSteps, played("reasoning")],
    harmless: null,
  },
];
