/** Owns the test of the whole program: started as a stranger would, asked over a socket, ended by a signal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkBody } from "../../src/spec/check/check.ts";
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
  assert.deepEqual(violations, []);
  const last = JSON.stringify(events.at(-1));
  assert.match(last, /"type":"response.completed".*forty-two/);
  program.child.kill("SIGTERM");
  const { code, stdout } = await program.ended;
  assert.equal(code, 0);
  assert.match(stdout, /Model +scripted .*\n +Codex +codex -m scripted /);
});

test("serves an upstream", async (t) => {
  const upstream = await startUpstream(scriptedServer(identities["vllm"] ?? {}));
  const program = startProgram(["--upstream", upstream.url, "--port", "0"]);
  t.after(async () => {
    program.child.kill("SIGKILL");
    await upstream.close();
  });
  const { violations, events } = checkBody(await stream(await program.address, "hello"));
  assert.deepEqual(violations, []);
  assert.match(JSON.stringify(events.at(-1)), /"type":"response.completed"/);
  program.child.kill("SIGINT");
  assert.equal((await program.ended).code, 0);
});

const refused: readonly (readonly [readonly string[], RegExp])[] = [
  [["--host", "0.0.0.0"], /needs a key: --api-key-file/],
  [["srve"], /Did you mean 'serve'/],
  [["pull"], /Usage: antiphon pull MODEL/],
  [["--upstream", "nonsense"], /must be an http:\/\/ or https:\/\/ URL/],
];

for (const [words, message] of refused) {
  test(`antiphon ${words.join(" ")}: exit 2 and what to do`, async () => {
    const { code, stderr } = await startProgram(words).ended;
    assert.equal(code, 2);
    assert.match(stderr, message);
  });
}

test("a model that is not there: exit 1 and what to do", async () => {
  const { code, stderr } = await startProgram(["--model", "nowhere.gguf"]).ended;
  assert.equal(code, 1);
  assert.match(stderr, /nowhere\.gguf/);
});

test("help is plain text where it is not read on a terminal", async () => {
  const { code, stdout } = await startProgram(["--help"]).ended;
  assert.equal(code, 0);
  assert.match(stdout, /serve .*\n +pull MODEL/);
  assert.ok(!stdout.includes("\u001B"));
});
