/** Owns the tests of echoes: whatever form tools and choices come in, they are echoed in the one that strict readers know. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { echoChoice, echoTool } from "../../src/spec/echo.ts";
import { newResponse } from "../../src/spec/response.ts";
import type { Tool } from "../../src/spec/tools.ts";
import { schemas } from "../schema/schemas.ts";

const f = { type: "function", name: "f", description: null, parameters: null, strict: null };
const text = { type: "text" };
const grammar = { type: "grammar", syntax: "lark", definition: "start: /x/" };

const tools: Readonly<Record<string, readonly [Tool, readonly Tool[]]>> = {
  "a function": [{ type: "function", name: "f" }, [f]],
  "a function of Chat Completions": [
    { type: "function", function: { name: "f", strict: true } },
    [{ ...f, strict: true }],
  ],
  "a function without a name": [{ type: "function", description: "?" }, []],
  "a custom tool": [{ type: "custom", name: "c" }, [{ type: "custom", name: "c", format: text }]],
  "a custom tool with a grammar": [
    { type: "custom", name: "c", format: grammar },
    [{ type: "custom", name: "c", format: grammar }],
  ],
  "a custom tool with half a grammar": [
    { type: "custom", name: "c", format: { type: "grammar" } },
    [{ type: "custom", name: "c", format: text }],
  ],
  "a namespace": [
    { type: "namespace", name: "n", tools: [{ type: "function", name: "f" }, { type: "function" }, null, 7] },
    [{ type: "namespace", name: "n", description: "", tools: [{ type: "function", name: "f" }] }],
  ],
  "a tool that a server runs": [{ type: "web_search" }, [{ type: "web_search" }]],
  "a tool of the future": [{ type: "hologram", depth: 3 }, [{ type: "hologram", depth: 3 }]],
};

for (const [title, [sent, echoed]] of Object.entries(tools)) {
  test(`echo: ${title}`, () => {
    assert.deepEqual(echoTool(sent), echoed);
    const response = newResponse({ input: "hi", tools: [sent] }, "resp_1", "m", 1);
    assert.deepEqual(schemas.deviations("response", response), []);
  });
}

const choices: readonly (readonly [unknown, unknown])[] = [
  ["auto", "auto"],
  ["any", "required"],
  ["f", { type: "function", name: "f" }],
  [
    { type: "function", name: "f" },
    { type: "function", name: "f" },
  ],
  [
    { type: "function", function: { name: "f" } },
    { type: "function", name: "f" },
  ],
  [{ type: "web_search" }, { type: "web_search" }],
  [{ type: "hologram" }, "auto"],
  [
    { type: "allowed_tools", allowed_tools: { mode: "required", tools: [{ type: "function", name: "f" }, null] } },
    { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "f" }] },
  ],
  [{ type: "allowed_tools" }, { type: "allowed_tools", mode: "auto", tools: [] }],
];

for (const [sent, echoed] of choices) {
  test(`echo of the choice ${JSON.stringify(sent)}`, () => {
    const choice = echoChoice(sent);
    assert.deepEqual(choice, echoed);
    const response = { ...newResponse({ input: "hi" }, "resp_1", "m", 1), tool_choice: choice };
    assert.deepEqual(schemas.deviations("response", response), []);
  });
}
