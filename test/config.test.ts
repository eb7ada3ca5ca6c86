/** Owns the tests of settings: which source wins, and what is said of a wrong one. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Config, ConfigError, misspeltVariables, readConfig, type Sources } from "../src/config.ts";

const home = mkdtempSync(join(tmpdir(), "antiphon-config-"));
after(() => rmSync(home, { recursive: true, force: true }));

interface Given {
  readonly words?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly toml?: string;
}

function sourcesOf({ words = [], env = {}, toml }: Given): Sources {
  const folder = mkdtempSync(join(home, "settings-"));
  if (toml !== undefined) writeFileSync(join(folder, "antiphon.toml"), toml);
  return { words, env, folder };
}

const configOf = (given: Given): Config => readConfig(sourcesOf(given)).config;

test("defaults: this machine only, port 8484, no key, no model named", () => {
  const { host, port, apiKeys, models, upstream, slots } = configOf({});
  assert.deepEqual(
    { host, port, apiKeys, models, upstream, slots },
    {
      host: "127.0.0.1",
      port: 8484,
      apiKeys: [],
      models: [],
      upstream: null,
      slots: 2,
    },
  );
});

test("flags win over variables, variables over the file", () => {
  const toml = "port = 1\nthreads = 1\nctx = 1024";
  const env = { ANTIPHON_PORT: "2", ANTIPHON_THREADS: "2" };
  const { port, threads, contextSize } = configOf({ toml, env, words: ["--port", "3"] });
  assert.deepEqual([port, threads, contextSize], [3, 2, 1024]);
});

test("keys come from repeated flags, a comma separated variable, or a file with one a line", () => {
  assert.deepEqual(configOf({ words: ["--api-key", "a", "--api-key", "b"] }).apiKeys, ["a", "b"]);
  assert.deepEqual(configOf({ env: { ANTIPHON_API_KEY: "a, b" } }).apiKeys, ["a", "b"]);
  const file = join(home, "keys");
  writeFileSync(file, "# team\none\n\ntwo\n");
  assert.deepEqual(configOf({ words: ["--api-key-file", file] }).apiKeys, ["one", "two"]);
  assert.equal(configOf({ words: ["--upstream-key-file", file] }).upstreamKey, "one");
});

test("a choice nearer to the command line drops what stands for the same further off", () => {
  const { models, upstream } = configOf({ toml: 'model = "a.gguf"', words: ["--upstream", "http://b"] });
  assert.deepEqual([models, upstream], [[], "http://b"]);
  const file = join(home, "upstream-key");
  writeFileSync(file, "from-file\n");
  const env = { ANTIPHON_UPSTREAM_KEY: "from-variable" };
  assert.equal(configOf({ env, words: ["--upstream-key-file", file] }).upstreamKey, "from-file");
});

test("the file may give numbers as numbers, and lists as lists", () => {
  const { port, apiKeys } = configOf({ toml: 'port = 80\napi-key = ["a", "b"]' });
  assert.deepEqual([port, apiKeys], [80, ["a", "b"]]);
});

test("words that are no flags are left to the command line", () => {
  assert.deepEqual(readConfig(sourcesOf({ words: ["pull", "--port", "1", "hf:a/b"] })).rest, ["pull", "hf:a/b"]);
});

const empty = join(home, "empty");
writeFileSync(empty, "\n");

const wrong: readonly (readonly [string, Given, RegExp])[] = [
  ["an unknown flag", { words: ["--prot", "1"] }, /--prot is not known; did you mean '--port'/],
  ["a flag without its value", { words: ["--port"] }, /--port needs a value/],
  ["a port that is no number", { words: ["--port", "x"] }, /--port must be a whole number from 0 to 65535, not 'x'/],
  ["a port that is too high", { env: { ANTIPHON_PORT: "70000" } }, /ANTIPHON_PORT must be a whole number .* to 65535/],
  ["an idle time beyond all timers", { words: ["--unload-after", "40000"] }, /--unload-after must be .* to 35000/],
  ["less context than there can be", { words: ["--ctx", "10"] }, /--ctx must be .* at least 256/],
  ["no slots", { words: ["--slots", "0"] }, /--slots must be .* at least 1, not '0'/],
  ["a key that is empty", { words: ["--api-key="] }, /--api-key must not be empty/],
  ["a variable with blanks for a key", { env: { ANTIPHON_API_KEY: " , " } }, /ANTIPHON_API_KEY must not be empty/],
  ["an empty entry of a list", { toml: 'api-key = ["a", ""]' }, /'api-key' in .*antiphon\.toml must not be empty/],
  ["a file that names another", { toml: 'config = "x"' }, /'config' in .* cannot name another/],
  ["an unknown dialect", { words: ["--dialect", "x"] }, /--dialect must be one of llama-server/],
  [
    "an unknown key of the file",
    { toml: "modle = 'x'" },
    /'modle' in .*antiphon\.toml is not known; did you mean 'model'/,
  ],
  ["a table where text belongs", { toml: "[model]\na = 1" }, /'model' in .*antiphon\.toml must be text in quotes/],
  ["a list where one value belongs", { toml: "port = [1]" }, /'port' in .*antiphon\.toml must be a number/],
  ["a file that is no TOML", { toml: "model" }, /antiphon\.toml cannot be read/],
  ["a named file that is not there", { words: ["--config", "/nowhere.toml"] }, /\/nowhere\.toml cannot be read/],
  ["a key file without keys", { words: ["--api-key-file", empty] }, /holds no key/],
  ["two who shall answer", { words: ["--model", "a", "--upstream", "b"] }, /Both --model and --upstream/],
];

test("a misspelt variable is noticed; those of others, and those that are no settings, are not", () => {
  const env = {
    ANTIPHON_MODLE: "x",
    ANTIPHON_APIKEY: "x",
    ANTIPHON_PORT: "1",
    ANTIPHON_HOME: "/",
    ANTIPHON_KEY: "k",
    ANTIPHON_SERVICE_PORT_8484_TCP_ADDR: "10.0.0.1",
    MODLE: "x",
  };
  assert.deepEqual(misspeltVariables(env), [
    ["ANTIPHON_MODLE", "ANTIPHON_MODEL"],
    ["ANTIPHON_APIKEY", "ANTIPHON_API_KEY"],
  ]);
});

for (const [what, given, message] of wrong) {
  test(`says what is wrong with ${what}`, () => {
    assert.throws(
      () => configOf(given),
      (thrown) => thrown instanceof ConfigError && message.test(thrown.message),
    );
  });
}
