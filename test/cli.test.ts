/** Owns the tests of the command line: which handler gets what, and what is said of a wrong one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { commands, helpText, type Invocation, runCommand, type Terminal, UsageError } from "../src/cli.ts";
import { ConfigError } from "../src/config.ts";
import { settings } from "../src/settings.ts";

interface Ran {
  readonly printed: string;
  /** The handler that was called, its words, port and flags. */
  readonly called: readonly [string, readonly string[], number | null, Invocation["flags"]?] | null;
}

async function run(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  let printed = "";
  let called: Ran["called"] = null;
  const handler =
    (name: string) =>
    ({ config, words: rest, flags }: Invocation): Promise<void> => {
      called = Object.keys(flags).length > 0 ? [name, rest, config.port, flags] : [name, rest, config.port];
      return Promise.resolve();
    };
  const version = (): Promise<void> => {
    called = ["version", [], null];
    return Promise.resolve();
  };
  const handlers = {
    serve: handler("serve"),
    pull: handler("pull"),
    engine: handler("engine"),
    models: handler("models"),
    "check-stream": handler("check-stream"),
    version,
  };
  const out = { write: (text: string) => (printed += text) };
  await runCommand({ words, env, folder: "nowhere" }, handlers, { out, program: "antiphon", modelForms: ["scripted"] });
  return { printed, called };
}

const calls: readonly (readonly [string, Ran["called"]])[] = [
  ["", ["serve", [], 8484]],
  ["--port 1", ["serve", [], 1]],
  ["serve --port 1", ["serve", [], 1]],
  ["--port=1 serve", ["serve", [], 1]],
  ["pull --port 1 hf:a/b", ["pull", ["hf:a/b"], 1]],
  ["models", ["models", [], 8484]],
  ["engine install --gpu cuda", ["engine", ["install"], 8484]],
  ["check-stream", ["check-stream", [], 8484]],
  ["check-stream - --json", ["check-stream", ["-"], 8484, { json: "" }]],
  ["--body a check-stream --key=k --port 1 b", ["check-stream", ["b"], 1, { body: "a", key: "k" }]],
  ["version", ["version", [], null]],
  ["--version", ["version", [], null]],
];

for (const [line, expected] of calls) {
  test(`antiphon ${line}`, async () => {
    assert.deepEqual(await run(line.split(" ").filter(Boolean)), { printed: "", called: expected });
  });
}

const wrong: readonly (readonly [string, RegExp])[] = [
  ["srve", /^Unknown command 'srve'. Did you mean 'serve'\? See antiphon --help\.$/],
  ["frobnicate", /^Unknown command 'frobnicate'. See antiphon --help\.$/],
  ["toString", /^Unknown command/],
  ["pull", /^Usage: antiphon pull MODEL$/],
  ["pull a b", /^Usage: antiphon pull MODEL$/],
  ["models all", /^Usage: antiphon models$/],
  ["check-stream a b", /^Usage: antiphon check-stream \[FILE\|URL\]$/],
  ["models --json", /^--json is no flag of 'models'\. See antiphon --help\.$/],
  ["--key k", /^--key is no flag of 'serve'/],
  ["./qwen.gguf", /To serve that model: antiphon --model \.\/qwen\.gguf$/],
  ["hf:a/b", /To serve that model: antiphon --model hf:a\/b$/],
];

for (const [line, message] of wrong) {
  test(`antiphon ${line} says what to type`, async () => {
    await assert.rejects(
      run(line.split(" ")),
      (thrown) => thrown instanceof UsageError && message.test(thrown.message),
    );
  });
}

test("help and version answer where the settings are broken", async () => {
  const env = { ANTIPHON_PORT: "x" };
  await assert.rejects(run([], env), ConfigError);
  for (const word of ["help", "--help", "-h"]) assert.match((await run([word], env)).printed, /^antiphon - /);
  assert.equal((await run(["version"], env)).called?.[0], "version");
});

const terminal = (isTTY: boolean): Terminal => ({
  out: { isTTY, write: () => true },
  program: "npm start --",
  modelForms: ["scripted"],
});

test("a command's flag that needs a value says so", async () => {
  await assert.rejects(run(["check-stream", "--body"]), /^ConfigError: --body needs a value: --body FILE$/);
});

test("the help names every command and setting, in lines that fit a screen", () => {
  const text = helpText(terminal(false));
  for (const { usage } of Object.values(commands)) assert.ok(text.includes(`\n  ${usage} `), usage);
  for (const name of Object.keys(settings)) assert.ok(text.includes(`\n  --${name} `), name);
  assert.deepEqual(
    text.split("\n").filter((line) => line.length > 100),
    [],
  );
  assert.match(text, /^ {2}npm start {2,}serve the model used last/m);
});

test("the help is coloured on a terminal only, and not where NO_COLOR is set", (t) => {
  const before = process.env["NO_COLOR"];
  t.after(() => {
    if (before === undefined) delete process.env["NO_COLOR"];
    else process.env["NO_COLOR"] = before;
  });
  delete process.env["NO_COLOR"];
  assert.ok(helpText(terminal(true)).includes("\u001B[1m"));
  assert.ok(!helpText(terminal(false)).includes("\u001B"));
  process.env["NO_COLOR"] = "1";
  assert.ok(!helpText(terminal(true)).includes("\u001B"));
});
