/** Owns the tests of the corpus: what real clients sent is answered, and each prompt begins with the one before it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineRequest } from "../../src/engine/engine.ts";
import { Shield } from "../../src/engine/llama/shield.ts";
import { ChatTemplate } from "../../src/engine/llama/template.ts";
import { chatTemplate } from "../../src/model/scripted-text.ts";
import type { Item } from "../../src/spec/items.ts";
import { type Fields, isFields } from "../../src/spec/json.ts";
import { parseRequest } from "../../src/spec/request.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { engineRequest, prepare, type Turn } from "../../src/turn/prepare.ts";
import { shapes } from "../../src/turn/prompt.ts";
import { nativeLlama } from "../engine/llama/native.ts";
import { json, openTestDoor, says } from "../http/door.ts";
import { sampleOf } from "../engine/scripted.ts";
import { makeLine } from "../turn/line.ts";
import { continuations, corpus } from "./corpus.ts";
import { redact } from "./redact.ts";

test("the corpus is there: several clients, threads that go on, every version of Codex", () => {
  const codex = ["codex-0.169.0", "codex-0.147.0", "codex-0.114.0"];
  for (const client of [...codex, "openai-node", "openai-python", "agents", "ai-sdk", "langchain", "opencode"]) {
    assert.ok(
      corpus.some(({ name }) => name.startsWith(client)),
      client,
    );
  }
  assert.ok(continuations.length >= 30, `${continuations.length} continuations`);
});

test("every recorded request is answered", async (t) => {
  const door = await openTestDoor(t, ({ format }) =>
    says(format.type === "json_schema" ? JSON.stringify(sampleOf(format.schema)) : "Understood."),
  );
  for (const { name, bodies } of corpus) {
    let last: unknown = null;
    for (const body of bodies) {
      // What it names was the answer of another server.
      const chained = body["previous_response_id"] ? { previous_response_id: last } : {};
      const answer = await door.ask({ ...body, ...chained, stream: false, store: true });
      const response = await json(answer);
      assert.deepEqual([name, answer.status, response["status"]], [name, 200, "completed"]);
      last = response["id"];
    }
  }
});

/** What a reference names was kept by the server that the client was recorded with; here it is anything of its type. */
function recalled(id: string): Item {
  const text = `what ${id} says`;
  if (id.startsWith("rs_")) return { id, type: "reasoning", summary: [], content: [{ type: "reasoning_text", text }] };
  return { id, type: "message", role: "assistant", content: [{ type: "output_text", text }] };
}

function turnOf(body: Fields): Promise<Turn> {
  const store = { ...createMemoryStore(), item: (id: string) => Promise.resolve(recalled(id)) };
  return prepare(
    makeLine(() => [], { store }),
    parseRequest({ ...body, previous_response_id: null }),
    null,
    new AbortController().signal,
  );
}

for (const shape of shapes) {
  test(`at shape ${shape} the messages of a turn begin those of the next`, async () => {
    for (const { name, before, after } of continuations) {
      const [first, next] = (await Promise.all([before, after].map(turnOf))).map((turn) => engineRequest(turn, shape));
      assert(first && next);
      assert.deepEqual(next.messages.slice(0, first.messages.length), first.messages, name);
    }
  });
}

test("the prompt of a turn, as the embedded engine renders it, begins the next one to the byte", async () => {
  const llama = await nativeLlama();
  const renderer = llama._bindings?.AddonJinjaRenderer;
  assert(renderer);
  const template = new ChatTemplate(chatTemplate, renderer, { bos_token: "", eos_token: "" });
  const render = (request: EngineRequest): string => template.render(request, new Shield([]));
  for (const { name, before, after } of continuations) {
    const [first, next] = await Promise.all(
      [before, after].map(async (body) => render(engineRequest(await turnOf(body), 0))),
    );
    assert(first !== undefined && next !== undefined);
    assert.ok(next.startsWith(first), `${name}: ${next.slice(0, 80)}`);
  }
});

test("nothing in the corpus is anybody else's text, or says where it was recorded", () => {
  for (const { name, bodies } of corpus) {
    assert.deepEqual(redact(bodies), bodies, name);
    assert.doesNotMatch(JSON.stringify(bodies), /\/tmp\/|\/home\/|\/root|127\.0\.0\.1/, name);
  }
});

test("a text is kept only where it is ours", () => {
  const body = {
    input: [{ text: "You are a coding agent. Be brief." }, { text: "<a b='c'>zwei Worte</a>" }, { text: "[[patch]]" }],
  };
  const kept = redact({ ...body, arguments: '{"cmd":"cat /etc/passwd"}', id: "msg_1", path: "/home/me" });
  assert(isFields(kept));
  assert.deepEqual(kept["input"], [
    { text: "[text of 33 characters]" },
    { text: "<a>[text of 10 characters]</a>" },
    { text: "[[patch]]" },
  ]);
  assert.deepEqual(
    [kept["arguments"], kept["id"], kept["path"]],
    ['{"cmd":"[text of 15 characters]"}', "msg_1", "[text of 8 characters]"],
  );
});
