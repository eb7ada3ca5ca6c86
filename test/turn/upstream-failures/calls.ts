/** Owns the failures of upstreams around tool calls. `f` demands a number `x`, `get_time` nothing. */
import { call, done, end, made, say } from "../../engine/chat/wire.ts";
import { chunk } from "../../engine/upstream.ts";
import { type Row, stream } from "./row.ts";

/** One call in one chunk. */
const whole = (name: unknown, args: unknown): unknown => call(made(name, args, { index: 0, id: "call_0" }));
const good = stream(whole("f", '{"x":1}'), end("tool_calls"), done);
const refused = "failed server_error";

const arguments_: readonly Row[] = [
  {
    title: "arguments that are no JSON, twice",
    answers: [stream(whole("f", "x is one"), end("tool_calls"), done)],
    refusal: "invalid_answer",
    means: [refused, "function_call f (incomplete): x is one"],
  },
  {
    title: "arguments that are no JSON, and better ones when told",
    answers: [stream(whole("f", "x is one"), end("tool_calls"), done), good],
    means: ["completed", 'function_call f: {"x":1}'],
  },
  {
    title: "arguments in the quotes of Python, fenced",
    answers: [stream(whole("f", "```json\n{'x': 1,}\n```"), end("tool_calls"), done)],
    means: ["completed", 'function_call f: {"x":1}'],
  },
  {
    title: "a call cut by length",
    answers: [stream(whole("f", '{"x":1'), end("length"), done)],
    means: ["incomplete max_output_tokens", 'function_call f (incomplete): {"x":1'],
  },
  {
    title: "a call that is whole, yet under length",
    answers: [stream(whole("f", '{"x":1}'), end("length"), done)],
    means: ["incomplete max_output_tokens", 'function_call f (incomplete): {"x":1}'],
  },
  {
    title: "a call cut short, under stop, twice",
    answers: [stream(whole("f", '{"x":1'), end("stop"), done)],
    refusal: "invalid_answer",
    means: [refused, 'function_call f (incomplete): {"x":1'],
  },
  {
    title: "the second of two calls cut by length",
    answers: [
      stream(
        whole("f", '{"x":1}'),
        call(made("get_time", '{"zone":"U', { index: 1, id: "call_1" })),
        end("length"),
        done,
      ),
    ],
    means: [
      "incomplete max_output_tokens",
      'function_call f: {"x":1}',
      'function_call get_time (incomplete): {"zone":"U',
    ],
  },
  {
    title: "arguments as an object",
    answers: [stream(whole("f", { x: 1 }), end("tool_calls"), done)],
    means: ["completed", 'function_call f: {"x":1}'],
  },
  {
    title: "arguments that are null, where none are demanded",
    answers: [stream(whole("get_time", null), end("tool_calls"), done)],
    means: ["completed", "function_call get_time: {}"],
  },
  {
    title: "arguments that are null, where some are demanded",
    answers: [stream(whole("f", null), end("tool_calls"), done)],
    refusal: "invalid_answer",
    means: [refused, "function_call f (incomplete): "],
  },
];

const marks: readonly Row[] = [
  {
    title: "calls under stop",
    answers: [stream(whole("f", '{"x":1}'), end("stop"), done)],
    means: ["completed", 'function_call f: {"x":1}'],
  },
  {
    title: "tool_calls without a call",
    answers: [stream(say("Hi"), end("tool_calls"), done)],
    means: ["completed", "message: Hi"],
  },
  {
    title: "one id for two calls",
    answers: [
      stream(
        call(made("f", '{"x":1}', { index: 0, id: "a" })),
        call(made("f", '{"x":2}', { index: 1, id: "a" })),
        end("tool_calls"),
        done,
      ),
    ],
    means: ["completed", 'function_call f: {"x":1}', 'function_call f: {"x":2}'],
  },
  {
    title: "ids that are empty",
    answers: [
      stream(
        call(made("f", '{"x":1}', { index: 0, id: "" })),
        call(made("get_time", "{}", { index: 1, id: "" })),
        end("tool_calls"),
        done,
      ),
    ],
    means: ["completed", 'function_call f: {"x":1}', "function_call get_time: {}"],
  },
  {
    title: "no index",
    answers: [
      stream(
        call(made("f", '{"x"', { id: "a" })),
        call(made(null, ":1}")),
        call(made("get_time", "{}", { id: "b" })),
        end("tool_calls"),
        done,
      ),
    ],
    means: ["completed", 'function_call f: {"x":1}', "function_call get_time: {}"],
  },
  {
    title: "a name behind its arguments",
    answers: [
      stream(
        call(made(null, '{"x"', { index: 0, id: "a" })),
        call(made("f", ":1}", { index: 0 })),
        end("tool_calls"),
        done,
      ),
    ],
    means: ["completed", 'function_call f: {"x":1}'],
  },
  {
    title: "a name in pieces",
    answers: [
      stream(
        call(made("get_", "", { index: 0, id: "a" })),
        call(made("time", "", { index: 0 })),
        call(made(null, "{}", { index: 0 })),
        end("tool_calls"),
        done,
      ),
    ],
    means: ["completed", "function_call get_time: {}"],
  },
  {
    title: "a name in each chunk",
    answers: [stream(whole("f", '{"x"'), whole("f", ":1"), whole("f", "}"), end("tool_calls"), done)],
    means: ["completed", 'function_call f: {"x":1}'],
  },
  {
    title: "two calls, interleaved",
    answers: [
      stream(
        call(made("f", '{"x"', { index: 0, id: "a" }), made("get_time", "{", { index: 1, id: "b" })),
        call(made(null, "}", { index: 1 }), made(null, ":1}", { index: 0 })),
        end("tool_calls"),
        done,
      ),
    ],
    means: ["completed", 'function_call f: {"x":1}', "function_call get_time: {}"],
  },
  {
    title: "the call of Chat Completions' first years",
    answers: [stream(chunk({ function_call: { name: "f", arguments: '{"x":1}' } }), end("function_call"), done)],
    means: ["completed", 'function_call f: {"x":1}'],
  },
];

const unwanted: readonly Row[] = [
  {
    title: "a tool that nobody offered, twice",
    answers: [stream(whole("launch", "{}"), end("tool_calls"), done)],
    means: ["completed", "message: launch({})"],
  },
  {
    title: "a tool that nobody offered, and one that is when told",
    answers: [stream(whole("launch", "{}"), end("tool_calls"), done), good],
    means: ["completed", 'function_call f: {"x":1}'],
  },
  {
    title: "two calls where one is allowed",
    asks: { parallel_tool_calls: false },
    answers: [
      stream(whole("f", '{"x":1}'), call(made("f", '{"x":2}', { index: 1, id: "b" })), end("tool_calls"), done),
    ],
    means: ["completed", 'function_call f: {"x":1}'],
  },
  {
    title: "a call where none is allowed",
    asks: { tool_choice: "none" },
    answers: [good],
    means: ["completed", 'message: f({"x":1})'],
  },
  {
    title: "a call of another tool than the one that was chosen, twice",
    asks: { tool_choice: { type: "function", name: "get_time" } },
    answers: [good],
    refusal: "invalid_answer",
    means: [refused, 'message: f({"x":1})'],
  },
  {
    title: "no call where one is demanded, twice",
    asks: { tool_choice: "required" },
    answers: [stream(say("No."), end("stop"), done)],
    refusal: "invalid_answer",
    means: [refused, "message: No.", "message: No."],
  },
  {
    title: "text behind a call",
    answers: [stream(whole("f", '{"x":1}'), say("Done."), end("tool_calls"), done)],
    means: ["completed", 'function_call f: {"x":1}', "message: Done."],
  },
];

export const callRows: readonly Row[] = [...arguments_, ...marks, ...unwanted];
