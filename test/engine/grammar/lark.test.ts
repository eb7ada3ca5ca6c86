/** Owns the tests of grammars that clients write, in Lark and as expressions, against llama.cpp and JavaScript as judges. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EngineTool } from "../../../src/engine/engine.ts";
import { answerGrammar } from "../../../src/engine/grammar/answer.ts";
import { larkExpression } from "../../../src/engine/grammar/lark.ts";
import { attempted, Inexpressible, patternExpression, regexExpression } from "../../../src/engine/grammar/regex.ts";
import { RuleBook } from "../../../src/engine/grammar/rules.ts";
import { asking } from "../asking.ts";
import { judge } from "./judge.ts";

/** Says of texts whether they fit, as they stand inside a JSON string. */
async function accepting(expression: string, rules = new RuleBook()): Promise<(text: string) => boolean> {
  const accepts = await judge(`root ::= ${expression}\n${rules.toString()}`);
  return (text) => accepts(JSON.stringify(text).slice(1, -1));
}

async function lark(definition: string): Promise<(text: string) => boolean> {
  const rules = new RuleBook();
  return accepting(larkExpression(definition, rules), rules);
}

/** A grammar of patches, with what Codex's uses of the notation. */
const patches = String.raw`
start: opening change+ closing  // the whole
opening: "BEGIN" LF
closing: "END" LF?

change: create | remove | edit
create: "NEW " path LF ("+" /(.*)/ LF -> line)+
remove: "GONE " path LF
edit: "EDIT " path LF moved? hunk+
moved: "TO " path LF
hunk: ("@@" | "@@ " /(.+)/) LF
    | ("+" | "-" | " ") /(.*)/ LF
path: /(.+)/

%import common.LF
`;

const good = [
  "BEGIN\nNEW a.txt\n+done\nEND\n",
  'BEGIN\nNEW a "b".txt\n+\tif (x) { return "\\n"; }\n+\nGONE old\nEND',
  "BEGIN\nEDIT src/é.ts\nTO src/e.ts\n@@ class A\n-a\n+b\n c\n@@\n+d\nEND\n",
];
const bad = [
  "",
  "BEGIN\nEND\n",
  "BEGIN\nNEW a\nEND\n",
  "BEGIN\nNEW \n+x\nEND\n",
  "```\nBEGIN\nGONE a\nEND\n```",
  "BEGIN\nGONE a\nEND\n\n",
  "NEW a",
];

test("patches in a grammar like Codex's", async () => {
  const accepts = await lark(patches);
  for (const text of good) assert.ok(accepts(text), text);
  for (const text of bad) assert.ok(!accepts(text), text);
});

function tool(name: string, inputGrammar: EngineTool["inputGrammar"]): EngineTool {
  const parameters = { type: "object", properties: { input: { type: "string" } }, required: ["input"] };
  return { name, description: "", parameters, strict: false, inputGrammar, inThread: false, callable: true };
}

/** JSON spells it with four digits, which grammars do not write; or "." stops at it in JavaScript alone. */
function isOdd(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return (
    (code < 32 && !"\n\t\b\f".includes(character)) ||
    code === 127 ||
    [0x2028, 0x2029].includes(code) ||
    /\p{Cs}/u.test(character)
  );
}

test("a custom tool's call holds its grammar, and another tool's does not", async () => {
  const tools = [
    tool("patch", { syntax: "lark", definition: patches }),
    tool("number", { syntax: "regex", definition: "-?[0-9]{1,3}" }),
    tool("free", null),
  ];
  const grammar = answerGrammar(asking("x", { tools, toolChoice: "required" }), { thinking: "none", exact: true });
  const accepts = await judge(grammar?.source ?? "");
  const says = (name: string, input: string): boolean =>
    accepts(`<tool_call>\n{"name": "${name}", "arguments": {"input": ${JSON.stringify(input)}}}\n</tool_call>`);
  assert.ok(says("patch", good[1] ?? "") && !says("patch", "x"));
  assert.ok(says("number", "-12") && !says("number", "12a") && !says("number", "1234"));
  assert.ok(says("free", 'any "thing"'));
});

test("the notation: strings, ranges, counts, options, priorities, imports, letters of either case", async () => {
  const accepts = await lark(String.raw`
    ?start: word ("," word)~1..2 [number] "!"i
    word.2: LETTER+ | "a".."c" "\"" "\\"
    !number: SIGNED_INT | FLOAT "e"i
    %import common.LETTER
    %import common (SIGNED_INT)
  `).catch((error: unknown) => error);
  assert.ok(accepts instanceof Inexpressible, "a list of imports is not known");
  const known = await lark(String.raw`
    ?start: word ("," word)~1..2 [NUM] "x!"i
    word.2: LETTER+ | "a".."c" "\"" "\\"
    %import common.LETTER
    %import common.SIGNED_INT -> NUM
  `);
  for (const text of ["ab,c x!".replace(" ", ""), "a,b,c-12X!", 'b"\\,zx!']) assert.ok(known(text), text);
  for (const text of ["abx!", "a,b,c,dx!", "a,b1.5x!", "a,b1y!"]) assert.ok(!known(text), text);
});

test("what has no GBNF has none, and says so", () => {
  const hopeless = [
    'start: start "a" | "a"',
    'start: x? start "a"\nx: "b"',
    'start: a\na: b\nb: a "x"',
    "start: missing",
    'begin: "a"',
    'start: "a"\n%ignore " "',
    "start: /a(?=b)/",
    "start: /a/i",
    "start: _sep{a}\n",
    'start: "a"\nstart: "b"',
    `start: ${"(".repeat(200)}"a"${")".repeat(200)}`,
    'start: "a',
    `start: "${"a".repeat(70_000)}"`,
  ];
  for (const definition of hopeless) {
    assert.throws(() => larkExpression(definition, new RuleBook()), Inexpressible, definition.slice(0, 60));
  }
  for (const source of [
    "(?=a)b",
    "(?<!a)b",
    "\\bword\\b",
    "(a)\\1",
    "a**",

    "(a",
    "[a",
    "a)",
    "\\p{L}",
    "a^b",
  ]) {
    assert.equal(
      attempted(() => regexExpression(source)),
      null,
      source,
    );
  }
});

const regexes = [
  "[A-Z]{2}-\\d{3,5}",
  "a|bc|",
  "(?:ab)+c?",
  '[^"\\\\]*',
  "\\w+@\\w+\\.(?:org|com)",
  ".*",
  ".+\\n.*",
  "[\\s\\S]{0,4}",
  "\\x41\\u00e9?",
  "[-+]?[0-9]+",
  "[\\]a-c-]+",
  "\\S\\W?",
  "(?<year>\\d{4})?x*?",
] as const;

test("expressions fit what JavaScript says they fit", async () => {
  const judges = await Promise.all(regexes.map((source) => accepting(regexExpression(source))));
  const text = fc.oneof(
    fc.string({
      unit: fc.constantFrom(
        "a",
        "b",
        "c",
        "A",
        "Z",
        "é",
        "x",
        "@",
        ".",
        "-",
        "1",
        "9",
        " ",
        "\n",
        '"',
        "\\",
        "]",
        "org",
      ),
      maxLength: 9,
    }),
    ...regexes.map((source) => fc.stringMatching(new RegExp(`^(?:${source})$`))),
  );
  fc.assert(
    fc.property(text, (given) => {
      fc.pre(!Array.from(given).some(isOdd));
      for (const [index, source] of regexes.entries()) {
        assert.equal(
          judges[index]?.(given),
          new RegExp(`^(?:${source})$`, "u").test(given),
          `${source} on ${JSON.stringify(given)}`,
        );
      }
    }),
    { numRuns: 500 },
  );
});

test("a pattern is found anywhere, unless it is bound", async () => {
  for (const [source, texts] of Object.entries({
    "b+": ["b", "abc", "a"],
    "^b": ["ba", "ab"],
    "b$|^x": ["ab", "xa", "bx"],
    "^a.c$": ["abc", "abcd"],
  })) {
    const accepts = await accepting(patternExpression(source) ?? "");
    for (const text of texts) assert.equal(accepts(text), new RegExp(source).test(text), `${source} on ${text}`);
  }
});
