/** Owns the engines that items are tried on: each behind a door of its own, with a look at what the engine was asked. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { createChatEngine } from "../../src/engine/chat/chat.ts";
import type { EngineRequest } from "../../src/engine/engine.ts";
import { createScriptEngine } from "../../src/engine/script.ts";
import { silentLog } from "../../src/log.ts";
import { at } from "../../src/spec/json.ts";
import { loaded, scriptedEngine } from "../engine/llama/engine.ts";
import { identities, scriptedServer, startUpstream } from "../engine/upstream.ts";
import { openTestDoor, says, type TestDoor } from "../http/door.ts";
import { violations } from "./strict.ts";

export interface Stand {
  readonly door: TestDoor;
  /** The messages and tools of the last turn, as text. Throws where they break a rule; null where nobody can look. */
  readonly seen: () => string | null;
  /** Threads at a time: one, where somebody looks. */
  readonly width: number;
}

export const stands = {
  script: async (t) => {
    let prompt = "";
    const engine = createScriptEngine((request) => {
      prompt = promptOf(request);
      return says("Understood.");
    });
    return { door: await openTestDoor(t, engine), seen: () => prompt, width: 1 };
  },
  chat: async (t) => {
    const broken: string[] = [];
    let prompt = "";
    const server = scriptedServer(identities["vllm"] ?? {});
    const upstream = await startUpstream((request, response) => {
      if (request.path === "/v1/chat/completions") {
        broken.push(...violations(request.body));
        prompt = JSON.stringify([at(request.body, "messages"), at(request.body, "tools")]);
      }
      return server(request, response);
    });
    const engine = createChatEngine({ baseUrl: upstream.url, apiKey: null, dialect: "vllm", log: silentLog });
    t.after(async () => {
      await engine.close();
      await upstream.close();
    });
    const seen = (): string => {
      assert.deepEqual(broken.splice(0), []);
      return prompt;
    };
    return { door: await openTestDoor(t, engine), seen, width: 1 };
  },
  llama: async (t) => {
    const made = await scriptedEngine();
    t.after(() => made.close());
    await loaded(made.engine);
    return { door: await openTestDoor(t, made.engine), seen: () => null, width: 4 };
  },
} as const satisfies Record<string, (t: TestContext) => Promise<Stand>>;

export function promptOf(request: EngineRequest | undefined): string {
  return JSON.stringify([request?.messages, request?.tools]);
}
