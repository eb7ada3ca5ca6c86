/** Owns the tests of the callable set: every kind of tool, every form of tool_choice, and schemas as clients send them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ApiError } from "../../src/errors.ts";
import { limits } from "../../src/limits.ts";
import { at, isFields } from "../../src/spec/json.ts";
import type { Tool } from "../../src/spec/tools.ts";
import { normalise } from "../../src/turn/normalise.ts";
import { asOffered, makeOffer, nameForEngine, type Offer, toolsIn } from "../../src/turn/offer.ts";
import { cleanSchema } from "../../src/turn/schema.ts";

const f = { type: "function", name: "f", parameters: { type: "object", properties: { a: { type: "string" } } } };
const g = { type: "function", name: "g" };
const patch = { type: "custom", name: "patch", format: { type: "grammar", syntax: "lark", definition: "start: /x/" } };
const files = {
  type: "namespace",
  name: "mcp__files",
  tools: [
    { type: "function", name: "read" },
    { type: "custom", name: "raw" },
  ],
};

function offer(tools: readonly Tool[], choice: unknown = "auto", input: readonly unknown[] = []): Offer {
  return makeOffer(tools, normalise([...input]), choice);
}

const names = ({ tools }: Offer): string[] => [...tools.keys()];

test("every tool that a client runs is a function; hosted and unknown ones are left out", () => {
  const shown = offer([
    f,
    patch,
    files,
    { type: "tool_search", execution: "client", parameters: { type: "object", properties: { q: {} } } },
    { type: "tool_search" },
    { type: "local_shell" },
    { type: "shell" },
    { type: "apply_patch" },
    { type: "web_search" },
    { type: "mcp", server_label: "x" },
    { type: "from_the_future" },
  ]);
  assert.deepEqual(names(shown), [
    "f",
    "patch",
    "mcp__files__read",
    "mcp__files__raw",
    "tool_search",
    "local_shell",
    "shell",
    "apply_patch",
  ]);
  assert.match(shown.tools.get("patch")?.engine.description ?? "", /lark grammar:\nstart: \/x\//);
  const read = shown.tools.get("mcp__files__read");
  assert.deepEqual([read?.name, read?.namespace], ["read", "mcp__files"]);
});

test("tools that items bring can be called; those after the first answer are told in the thread only", () => {
  const found = { type: "tool_search_output", call_id: "c", tools: [files] };
  const thread = [
    { type: "additional_tools", role: "developer", tools: [g] },
    { role: "user", content: "hi" },
    { type: "tool_search_call", call_id: "c", execution: "client", arguments: {} },
    found,
  ];
  const shown = offer([f], "auto", thread);
  const late = [...shown.tools.values()].map(({ engine }) => [engine.name, engine.inThread]);
  assert.deepEqual(late, [
    ["f", false],
    ["g", false],
    ["mcp__files__read", true],
    ["mcp__files__raw", true],
  ]);
});

test("calls name their namespace, and say that nothing in them is encrypted where Codex would think so", () => {
  const message = { type: "string", encrypted: true };
  const secret = { type: "function", name: "send", parameters: { type: "object", properties: { message } } };
  const shown = offer([f, secret, { type: "namespace", name: "team", tools: [secret] }]);
  const calls = Object.fromEntries([...shown.tools].map(([name, { callFields }]) => [name, callFields]));
  assert.deepEqual(calls, {
    f: {},
    send: { encrypted_function_args: [] },
    team__send: { namespace: "team", encrypted_function_args: [] },
  });
  assert.deepEqual(shown.tools.get("send")?.engine.parameters["properties"], { message: { type: "string" } });
});

test("two tools under one name are two functions, and the same tool twice is one", () => {
  const twin = { type: "function", name: "mcp__files__read" };
  const both = names(offer([files, twin, files]));
  assert.equal(both.length, 3);
  assert.equal(new Set(both).size, 3);
});

test("names are what upstreams accept, the same in every turn, and different for different tools", () => {
  const anyName = fc.oneof(fc.string({ maxLength: 90 }), fc.constant("é".repeat(70)), fc.constant("a.b"));
  fc.assert(
    fc.property(anyName, anyName, (one, other) => {
      const name = nameForEngine(one, null);
      assert.match(name, /^[A-Za-z0-9_-]{1,64}$/);
      assert.equal(nameForEngine(one, null), name);
      if (one !== other && one !== "" && other !== "") assert.notEqual(nameForEngine(other, null), name);
    }),
  );
});

const tools = [f, g, patch, files, { type: "shell" }];
const forms: readonly (readonly [string, unknown, Offer["choice"], (readonly string[])?])[] = [
  ["auto", "auto", "auto"],
  ["none", "none", "none"],
  ["required", "required", "required"],
  ["any, as others call it", "any", "required"],
  ["null", null, "auto"],
  ["a bare name", "g", { names: ["g"] }],
  ["a function", { type: "function", name: "f" }, { names: ["f"] }],
  ["a function as in Chat Completions", { type: "function", function: { name: "f" } }, { names: ["f"] }],
  ["a custom tool", { type: "custom", name: "patch" }, { names: ["patch"] }],
  [
    "a tool of a namespace",
    { type: "function", name: "read", namespace: "mcp__files" },
    { names: ["mcp__files__read"] },
  ],
  ["a kind of tool", { type: "shell" }, { names: ["shell"] }],
  ["a hosted tool", { type: "web_search_preview" }, "auto"],
  ["a server's tool", { type: "mcp", server_label: "x", name: "y" }, "auto"],
  ["allowed tools", { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "g" }] }, "auto", ["g"]],
  [
    "an allowed namespace",
    { type: "allowed_tools", mode: "required", tools: [{ type: "namespace", name: "mcp__files" }, {}] },
    "required",
    ["mcp__files__read", "mcp__files__raw"],
  ],
  [
    "allowed tools that are required, as in Chat Completions",
    {
      type: "allowed_tools",
      allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "f" } }] },
    },
    "required",
    ["f"],
  ],
];

test("two kinds of tools under one name are two functions, and a thread shows both as they are called", () => {
  const flat = { type: "function", name: "a__b" };
  const nested = { type: "namespace", name: "a", tools: [{ type: "function", name: "b" }] };
  const custom = { type: "custom", name: "a__b" };
  const made = offer([flat], "auto", [{ type: "additional_tools", tools: [nested, custom] }]);
  const [first, second = "", third = ""] = names(made);
  assert.equal(first, "a__b");
  assert.equal(new Set(names(made)).size, 3);
  assert.deepEqual([made.tools.get(second)?.namespace, made.tools.get(third)?.type], ["a", "custom"]);
  const thread = normalise([
    { type: "tool_search_output", call_id: "c", tools: [flat, nested] },
    { type: "function_call", name: "a__b" },
    { type: "function_call", name: "b", namespace: "a" },
    { type: "custom_tool_call", name: "a__b" },
  ]);
  const [found, ...calls] = asOffered(thread, made);
  assert(found);
  assert.deepEqual(
    toolsIn(found).map((tool) => at(tool, "name")),
    ["a__b", second],
  );
  assert.deepEqual(
    calls.map(({ name }) => name),
    ["a__b", second, third],
  );
});

test("tools that are not allowed for now are still listed, so that prompts begin as before", () => {
  const choice = { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "g" }] };
  const listed = offer([f, g], choice).shown.map(({ name, callable }) => [name, callable]);
  assert.deepEqual(listed, [
    ["f", false],
    ["g", true],
  ]);
  assert.deepEqual(
    offer([f, g]).shown.map(({ callable }) => callable),
    [true, true],
  );
});

test("what a thread brings beyond the limit of tools is left out", () => {
  const many = Array.from({ length: limits.tools + 10 }, (_, at) => ({ type: "function", name: `f${at}` }));
  assert.equal(names(offer([f], "auto", [{ type: "additional_tools", tools: many }])).length, limits.tools);
});

for (const [what, choice, expected, allowed] of forms) {
  test(`tool_choice: ${what}`, () => {
    const made = offer(tools, choice);
    assert.deepEqual(made.choice, expected);
    assert.deepEqual(names(made), allowed ?? names(offer(tools)));
  });
}

test("tool_choice that nothing on offer fits is refused, with the name", () => {
  for (const choice of ["h", { type: "function", name: "h" }, { type: "apply_patch" }]) {
    assert.throws(
      () => offer(tools, choice),
      (error) => error instanceof ApiError && error.param === "tool_choice" && /'(h|apply_patch)'/.test(error.message),
    );
  }
  const nothing = { type: "allowed_tools", mode: "required", tools: [] };
  assert.throws(() => offer(tools, nothing), /none of its allowed tools/);
});

test("schemas lose what is no JSON Schema and what leads nowhere, and nothing else", () => {
  const schema = {
    type: ["object", "null"],
    properties: {
      encrypted: { type: "boolean" },
      secret: { type: "string", encrypted: true },
      tree: { $ref: "#/$defs/node" },
      lost: { $ref: "#/$defs/nowhere", description: "stays" },
      far: { $ref: "https://example.com/schema" },
    },
    $defs: { node: { type: "object", properties: { next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } } } },
    required: ["secret"],
  };
  assert.deepEqual(cleanSchema(schema), {
    type: "object",
    properties: {
      encrypted: { type: "boolean" },
      secret: { type: "string" },
      tree: { $ref: "#/$defs/node" },
      lost: { description: "stays" },
      far: {},
    },
    $defs: { node: { type: "object", properties: { next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } } } },
    required: ["secret"],
  });
  assert.deepEqual(cleanSchema(null), { type: "object", properties: {} });
});

test("whatever the schema: cleaning ends in an object schema, and is pure", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const schema = cleanSchema(value);
      assert.equal(schema["type"], "object");
      assert.ok(isFields(schema["properties"]));
      assert.deepEqual(cleanSchema(schema), schema);
    }),
  );
});
