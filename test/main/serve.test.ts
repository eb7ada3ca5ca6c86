/** Owns the test of the whole program: started as a stranger would, asked over a socket, ended by a signal. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, truncate } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { writeScriptedModel } from "../../src/model/scripted.ts";
import { checkBody } from "../../src/spec/check/check.ts";
import { at } from "../../src/spec/json.ts";
import { enginePackage } from "../engine/llama/engine.ts";
import { assertEvents } from "../schema/lawful.ts";
import { identities, scriptedServer, startUpstream } from "../engine/upstream.ts";
import { startProgram } from "./program.ts";

async function stream(address: string, input: string): Promise<string> {
  const response = await fetch(`${address}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input, stream: true }),
  });
  assert.equal(response.status, 200);
  return response.text();
}

test("serves the scripted model: streams while it still loads, and ends with exit 0 on SIGTERM", async (t) => {
  const program = startProgram(["serve", "--model", "scripted", "--threads", "1", "--port", "0"]);
  t.after(() => program.child.kill("SIGKILL"));
  const address = await program.address;
  const { events, violations } = checkBody(await stream(address, "[[think]] hello"));
  assertEvents(events);
  assert.deepEqual(violations, []);
  const last = JSON.stringify(events.at(-1));
  assert.match(last, /"type":"response.completed".*forty-two/);
  program.child.kill("SIGTERM");
  const { code, stdout } = await program.ended;
  assert.equal(code, 0);
  assert.match(stdout, /Model +scripted .*\n +Codex +codex -m scripted /);
});

test("with --save-slots a thread goes on where it was when the program is started again", async (t) => {
  const home = await mkdtemp(join(tmpdir(), "antiphon-home-"));
  t.after(() => rm(home, { recursive: true }));
  await mkdir(join(home, "cache"));
  await symlink(dirname(await enginePackage()), join(home, "cache", "engine"));
  const model = join(home, "model.gguf");
  await writeScriptedModel(model);
  const cached: unknown[] = [];
  for (const input of ["hello ".repeat(50), `${"hello ".repeat(50)}again`]) {
    const words = ["--model", model, "--threads", "1", "--port", "0", "--ctx", "1024", "--save-slots", "1"];
    const program = startProgram(words, { ANTIPHON_HOME: home });
    t.after(() => program.child.kill("SIGKILL"));
    const { events } = checkBody(await stream(await program.address, input));
    cached.push(at(events.at(-1), "response", "usage", "input_tokens_details", "cached_tokens"));
    program.child.kill("SIGTERM");
    assert.equal((await program.ended).code, 0);
  }
  assert.equal(cached[0], 0);
  assert.ok(Number(cached[1]) > 250, cached.join());
});

test("a signal that comes twice at once, to the group and relayed, is one: the answer under way is finished", async (t) => {
  const upstream = await startUpstream(scriptedServer(identities["vllm"] ?? {}));
  const program = startProgram(["--upstream", upstream.url, "--port", "0"]);
  t.after(async () => {
    program.child.kill("SIGKILL");
    await upstream.close();
  });
  const address = await program.address;
  const response = await fetch(`${address}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: "hello", stream: true }),
  });
  program.child.kill("SIGTERM");
  program.child.kill("SIGTERM");
  const { events, violations } = checkBody(await response.text());
  assertEvents(events);
  assert.deepEqual(violations, []);
  assert.match(JSON.stringify(events.at(-1)), /"type":"response.completed"/);
  assert.equal((await program.ended).code, 0);
});

test("serves an upstream", async (t) => {
  const upstream = await startUpstream(scriptedServer(identities["vllm"] ?? {}));
  const program = startProgram(["--upstream", upstream.url, "--port", "0"]);
  t.after(async () => {
    program.child.kill("SIGKILL");
    await upstream.close();
  });
  const { violations, events } = checkBody(await stream(await program.address, "hello"));
  assertEvents(events);
  assert.deepEqual(violations, []);
  assert.match(JSON.stringify(events.at(-1)), /"type":"response.completed"/);
  program.child.kill("SIGINT");
  assert.equal((await program.ended).code, 0);
});

const refused: readonly (readonly [readonly string[], RegExp])[] = [
  [["--host", "0.0.0.0"], /needs a key: --api-key-file/],
  [["srve"], /Did you mean 'serve'/],
  // Of `npm start --port 8495` this is left.
  [["8495"], /Unknown command '8495'\. Settings stand behind the dashes: npm start -- --port/],
  [["pull"], /Usage: npm start -- pull MODEL/],
  [["--upstream", "nonsense"], /must be an http:\/\/ or https:\/\/ URL/],
];

for (const [words, message] of refused) {
  test(`antiphon ${words.join(" ")}: exit 2 and what to do`, async () => {
    const { code, stderr } = await startProgram(words).ended;
    assert.equal(code, 2);
    assert.match(stderr, message);
  });
}

test("a model that cannot be loaded: the open door is closed again, exit 1 and why", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "antiphon-main-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "cut.gguf");
  await writeScriptedModel(path);
  await truncate(path, 3000);
  const { code, stdout, stderr } = await startProgram(["--model", path, "--port", "0"]).ended;
  assert.equal(code, 1);
  assert.match(stdout, /listening at/);
  assert.match(stderr, /antiphon: The model could not be loaded: /);
});

test("a llama-server that is not there: exit 1 and what to do, and no word of a server that listens", async () => {
  const words = ["--model", "scripted", "--port", "0", "--engine", "llama-server", "--llama-server", "no-such-program"];
  const { code, stdout, stderr } = await startProgram(words).ended;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^antiphon: no-such-program was not found: install [^\n]*\n$/);
});

test("an interrupted pull is not taken for a finished one", async (t) => {
  const hub = createServer((request) => request.resume()).listen(0, "127.0.0.1");
  await once(hub, "listening");
  t.after(() => {
    hub.closeAllConnections();
    hub.close();
  });
  const { port } = hub.address() as AddressInfo;
  const home = await mkdtemp(join(tmpdir(), "antiphon-main-"));
  t.after(() => rm(home, { recursive: true }));
  const env = { HF_ENDPOINT: `http://127.0.0.1:${port}`, HOME: home, ANTIPHON_HOME: home };
  const asked = once(hub, "request");
  const program = startProgram(["pull", "hf:org/repo"], env);
  await asked;
  program.child.kill("SIGINT");
  const { code, stdout, stderr } = await program.ended;
  assert.deepEqual([code, stdout, stderr], [130, "", ""]);
});

test("a model that is not there: exit 1 and what to do", async () => {
  const { code, stderr } = await startProgram(["--model", "nowhere.gguf"]).ended;
  assert.equal(code, 1);
  assert.match(stderr, /nowhere\.gguf/);
});

test("a folder that cannot be made: exit 1, which it is and what to do", async () => {
  const { code, stderr } = await startProgram(["models"], { ANTIPHON_HOME: import.meta.filename }).ended;
  assert.equal(code, 1);
  assert.match(stderr, /^antiphon: The folder \S+serve\.test\.ts\S+ cannot be made \(ENOTDIR.*ANTIPHON_HOME/);
});

test("help is plain text where it is not read on a terminal", async () => {
  const { code, stdout } = await startProgram(["--help"]).ended;
  assert.equal(code, 0);
  assert.match(stdout, /serve .*\n +pull MODEL/);
  assert.ok(!stdout.includes("\u001B"));
});
