/** Owns the proof that a web page cannot use the local model, and that keys keep others out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createScriptEngine } from "../../src/engine/script.ts";
import { openDoor } from "../../src/http/server.ts";
import { makeLine } from "../turn/line.ts";
import { errorOf, json, openTestDoor, says, send, type TestDoor } from "./door.ts";

const script = (): ReturnType<typeof says> => says("ok");

test("a foreign Host is refused: DNS rebinding shows its own name there", async (t) => {
  const door = await openTestDoor(t, script, { allowedHosts: ["models.lan", "Box.Example:9000"] });
  const { port } = door;
  const own = [
    "localhost",
    `localhost:${port}`,
    `127.0.0.1:${port}`,
    "127.1.2.3",
    `[::1]:${port}`,
    "LOCALHOST.",
    "[::1]",
  ];
  const named = ["models.lan", "MODELS.lan:80", "box.example:1"];
  for (const host of [...own, ...named]) {
    assert.equal((await send(door, "/v1/models", { headers: { host } })).status, 200, host);
  }
  const rebound = [
    "evil.example",
    `evil.example:${port}`,
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.1.2.3",
  ];
  const others = ["[::2]", "x127.0.0.1", "models.lan.evil"];
  for (const host of [...rebound, ...others]) {
    const answer = await send(door, "/v1/models", { headers: { host } });
    assert.equal(answer.status, 403, host);
    assert.equal((await errorOf(answer)).code, "forbidden_origin");
    assert.equal((await send(door, "/health", { headers: { host } })).status, 403);
  }
  for (const host of ["a b", "evil@localhost", "localhost/x", "[", "127.0.0.1:port"]) {
    assert.ok((await send(door, "/v1/models", { headers: { host } })).status >= 400, host);
  }
  assert.deepEqual(door.complaints, []);
});

test("where every address is listened on, the one that was called is known", async (t) => {
  const door = await openTestDoor(t, script, { host: "0.0.0.0" });
  assert.equal((await send(door, "/health", { headers: { host: `127.0.0.1:${door.port}` } })).status, 200);
  assert.equal((await send(door, "/health", { headers: { host: "evil.example" } })).status, 403);
});

test("a web page is refused unless its origin is allowed", async (t) => {
  const door = await openTestDoor(t, script, { allowedOrigins: ["https://app.example"] });
  const post = (origin: string): ReturnType<typeof send> =>
    send(door, "/v1/responses", { method: "POST", headers: { origin }, body: '{"input":"hi"}' });
  for (const origin of ["https://evil.example", "null", "http://localhost:3000", "https://app.example.evil", ""]) {
    const answer = await post(origin);
    assert.equal(answer.status, 403, origin);
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  }
  const allowed = await post("https://app.example");
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers["access-control-allow-origin"], "https://app.example");
  assert.equal(allowed.headers.vary, "origin");
  const stream = await send(door, "/v1/responses", {
    method: "POST",
    headers: { origin: "https://app.example" },
    body: '{"input":"hi","stream":true}',
  });
  assert.equal(stream.headers["access-control-allow-origin"], "https://app.example");
});

test("a preflight is answered for allowed origins only, without a key", async (t) => {
  const door = await openTestDoor(t, script, { allowedOrigins: ["https://app.example"], apiKeys: ["k"] });
  const ask = (origin: string): ReturnType<typeof send> =>
    send(door, "/v1/responses", {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-mine",
      },
    });
  const answer = await ask("https://app.example");
  assert.equal(answer.status, 204);
  assert.equal(answer.headers["access-control-allow-headers"], "authorization,x-mine");
  assert.match(answer.headers["access-control-allow-methods"] ?? "", /POST/);
  assert.equal((await ask("https://evil.example")).status, 403);
  const bare = await send(door, "/v1/models", { method: "OPTIONS", headers: { authorization: "Bearer k" } });
  assert.equal(bare.status, 405);
});

test("with keys, one of them must be shown; health stays open", async (t) => {
  const door = await openTestDoor(t, script, { apiKeys: ["first", "second-key"] });
  const status = async (authorization: string | null, path = "/v1/models"): Promise<number> =>
    (await send(door, path, { headers: authorization === null ? {} : { authorization } })).status;
  for (const good of ["Bearer first", "bearer second-key", "Bearer  first "])
    assert.equal(await status(good), 200, good);
  for (const bad of [null, "", "Bearer", "Bearer ", "Bearer firs", "Bearer firstt", "Basic first", "first"]) {
    assert.equal(await status(bad), 401, String(bad));
  }
  assert.equal(await status(null, "/health"), 200);
  const answer = await send(door, "/v1/responses", { method: "POST", body: '{"input":"hi"}' });
  assert.equal(answer.status, 401);
  assert.equal((await errorOf(answer)).code, "invalid_api_key");
});

const detail = async (door: TestDoor, headers: Record<string, string> = {}): Promise<unknown> =>
  (await json(await send(door, "/health", { headers })))["detail"];

test("why a server is not well is told to those who hold a key", async (t) => {
  const secret = { state: "down", detail: "the upstream at 10.0.0.7 says no" } as const;
  const engine = { ...createScriptEngine(script), health: () => Promise.resolve(secret) };
  const guarded = await openTestDoor(t, engine, { apiKeys: ["first"] });
  assert.equal(await detail(guarded), null);
  assert.equal(await detail(guarded, { authorization: "Bearer first" }), secret.detail);
  assert.equal(await detail(await openTestDoor(t, engine)), secret.detail);
});

test("without keys any Authorization is ignored", async (t) => {
  const door = await openTestDoor(t, script);
  assert.equal((await send(door, "/v1/models", { headers: { authorization: "Bearer dummy" } })).status, 200);
});

test("a taken port is said in words", async (t) => {
  const door = await openTestDoor(t, script);
  const options = { host: "127.0.0.1", port: door.port, apiKeys: [], allowedOrigins: [], allowedHosts: [] };
  await assert.rejects(openDoor(makeLine(script), options), /Port \d+ on 127\.0\.0\.1 is taken/);
});
