/** Owns random engine programs: whatever an engine may do, lawful or not, as steps for the script engine. */
import fc from "fast-check";
import type { Delta, Failure, FinishReason } from "../../src/engine/engine.ts";
import type { Tool } from "../../src/spec/tools.ts";

/** The tools that the programs' requests offer. */
export const offeredTools: readonly Tool[] = [
  { type: "function", name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
  { type: "function", name: "must", parameters: { type: "object", required: ["x"], properties: { x: {} } } },
  { type: "custom", name: "apply_patch" },
  {
    type: "namespace",
    name: "mcp__files",
    tools: [{ type: "function", name: "read", parameters: { type: "object" } }],
  },
];

/** The same as the checker knows them. */
export const offeredNames: ReadonlySet<string> = new Set(["get_weather", "must", "apply_patch", "mcp__files.read"]);

const engineNames = ["get_weather", "must", "apply_patch", "mcp__files__read", "unknown_tool"];

export interface Program {
  readonly deltas: readonly Delta[];
  readonly request: Readonly<Record<string, unknown>>;
}

const texts = fc.array(fc.string({ minLength: 1, unit: "grapheme" }), { maxLength: 5 });

const logprobs = fc.option(
  fc.record({ token: fc.string(), logprob: fc.constant(-0.5), bytes: fc.constant([]), top: fc.constant([]) }),
  { nil: undefined },
);

const prose = fc.record({ type: fc.constantFrom("message" as const, "reasoning" as const), texts, logprob: logprobs });

const argumentTexts: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.jsonValue().map((value) => [JSON.stringify({ city: value })]),
  fc.constantFrom(['{"inp', 'ut":"*** Begin Patch"}'], ["{", "}"], [], ["null"], ['{"a":'], ["not json"], ["[1]"]),
);

const call = fc.oneof(
  fc.record({ type: fc.constant("call" as const), name: fc.constantFrom(...engineNames), texts: argumentTexts }),
  fc.constant({ type: "call" as const, name: "apply_patch", texts: ['{"input":"*** ', 'Begin Patch\\n"}'] }),
);

/** Calls that come together may interleave. */
const calls = fc.array(call, { minLength: 1, maxLength: 3 });
const blocks = fc.array(fc.oneof(prose, calls), { maxLength: 6 });

type Valued<A> = A extends fc.Arbitrary<infer T> ? T : never;
type Prose = Valued<typeof prose>;
type Block = Prose | Valued<typeof calls>;

const ends = fc.oneof(
  fc.constantFrom<FinishReason>("stop", "stop", "stop", "length", "content_filter").map((reason): Delta => {
    return { kind: "finish", reason };
  }),
  fc
    .constantFrom<Failure["code"]>(
      "server_error",
      "upstream_error",
      "context_length_exceeded",
      "engine_crashed",
      "template",
    )
    .map((code): Delta => ({ kind: "fail", failure: { code, message: "it broke" } })),
);

const requests = fc.record(
  {
    parallel_tool_calls: fc.boolean(),
    reasoning: fc.constantFrom({ summary: "auto" }, { effort: "max" }, null),
    tool_choice: fc.constantFrom("auto", "none", "required", { type: "function", name: "get_weather" }),
    instructions: fc.constantFrom("be brief", null),
    metadata: fc.constant({ key: "value" }),
    store: fc.boolean(),
    max_output_tokens: fc.constantFrom(1, 100),
  },
  { requiredKeys: [] },
);

/** Any program; `cut` is where the engine stops without closing, if it does. */
export const programs: fc.Arbitrary<Program> = fc
  .record({
    blocks,
    cut: fc.option(fc.nat(40)),
    end: ends,
    interleave: fc.boolean(),
    usage: fc.boolean(),
    request: requests,
  })
  .map(({ blocks, cut, end, interleave, usage, request }): Program => {
    const all = blocks.flatMap((block, at) => playBlock(block, at * 10, interleave));
    const deltas = cut === null ? all : all.slice(0, cut);
    const counts = { input: 7, cached: 3, output: deltas.length, reasoning: 0, estimated: false };
    return {
      deltas: [...deltas, ...(usage ? [{ kind: "usage", usage: counts } as const] : []), end],
      request: { ...request, input: "hello", tools: offeredTools },
    };
  });

function playBlock(block: Block, key: number, interleave: boolean): Delta[] {
  if (!Array.isArray(block)) {
    const { type, texts, logprob } = block;
    const extra = logprob && type === "message" ? { logprobs: [logprob] } : {};
    return [
      { kind: "open", key, item: { type } },
      ...texts.map((text): Delta => ({ kind: "text", key, text, ...extra })),
      { kind: "close", key },
    ];
  }
  const each = block.map(({ name, texts }, at): Delta[] => [
    { kind: "open", key: key + at, item: { type: "call", name } },
    ...texts.map((text): Delta => ({ kind: "text", key: key + at, text })),
    { kind: "close", key: key + at },
  ]);
  if (!interleave) return each.flat();
  const longest = Math.max(...each.map((deltas) => deltas.length));
  return Array.from({ length: longest }, (_, at) => each.flatMap((deltas) => deltas.slice(at, at + 1))).flat();
}
