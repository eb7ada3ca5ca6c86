/** Owns the table of how upstreams send tool calls. */
import { limits } from "../../../src/limits.ts";
import { chunk } from "../upstream.ts";
import { type Behaviour, call, done, end, made, say } from "./wire.ts";

export const callBehaviours: readonly Behaviour[] = [
  {
    title: "a call in deltas",
    sent: [
      call(made("f", "", { index: 0, id: "a" })),
      call(made(null, '{"x"', { index: 0 })),
      call(made(null, ":1}", { index: 0 })),
      end("tool_calls"),
      done,
    ],
    means: ['call f: {"x":1}', "stop"],
  },
  {
    title: "a call in one chunk",
    sent: [call(made("f", '{"x":1}', { index: 0, id: "a" })), end("tool_calls"), done],
    means: ['call f: {"x":1}', "stop"],
  },
  {
    title: "text, then a call",
    sent: [say("Let me look."), call(made("f", "{}", { index: 0, id: "a" })), end("tool_calls"), done],
    means: ["message: Let me look.", "call f: {}", "stop"],
  },
  {
    title: "parallel calls, interleaved",
    sent: [
      call(made("f", "{", { index: 0, id: "a" }), made("g", "{", { index: 1, id: "b" })),
      call(made(null, '"x":1}', { index: 0 })),
      call(made(null, '"y":2}', { index: 1 })),
      end("tool_calls"),
      done,
    ],
    means: ['call f: {"x":1}', 'call g: {"y":2}', "stop"],
  },
  {
    title: "a late name",
    sent: [
      call(made("", '{"x"', { index: 0, id: "a" })),
      call(made("f", ":1}", { index: 0 })),
      end("tool_calls"),
      done,
    ],
    means: ['call f: {"x":1}', "stop"],
  },
  {
    title: "a name that never comes",
    sent: [call(made(null, "{}", { index: 0, id: "a" })), end("tool_calls"), done],
    means: ["call : {}", "stop"],
  },
  {
    title: "a name repeated in each chunk",
    sent: [
      call(made("f", "{", { index: 0, id: "a" })),
      call(made("f", "}", { index: 0, id: "a" })),
      end("tool_calls"),
      done,
    ],
    means: ["call f: {}", "stop"],
  },
  {
    title: "a name in pieces",
    sent: [
      call(made("get_", "", { index: 0, id: "a" })),
      call(made("weather", "", { index: 0 })),
      call(made(null, "{}", { index: 0 })),
      end("tool_calls"),
      done,
    ],
    means: ["call get_weather: {}", "stop"],
  },
  {
    title: "a name that grows in each chunk, then stays",
    sent: [
      call(made("get_", "", { index: 0, id: "a" })),
      call(made("get_weather", "", { index: 0, id: "a" })),
      call(made("get_weather", "{}", { index: 0, id: "a" })),
      call(made("get_weather", "", { index: 0, id: "a" })),
      end("tool_calls"),
      done,
    ],
    means: ["call get_weather: {}", "stop"],
  },
  {
    title: "no index",
    sent: [
      call(made("f", "{", { id: "a" })),
      call(made(null, "}")),
      call(made("g", "{}", { id: "b" })),
      end("tool_calls"),
      done,
    ],
    means: ["call f: {}", "call g: {}", "stop"],
  },
  {
    title: "no id",
    sent: [call(made("f", "{}", { index: 0 })), call(made("g", "{}", { index: 1 })), end("tool_calls"), done],
    means: ["call f: {}", "call g: {}", "stop"],
  },
  {
    title: "neither index nor id",
    sent: [call(made("f", "{}")), call(made("g", "{}")), end("tool_calls"), done],
    means: ["call f: {}", "call g: {}", "stop"],
  },
  {
    title: "index 0 for every call",
    sent: [
      call(made("f", "{}", { index: 0, id: "a" })),
      call(made("g", "{}", { index: 0, id: "b" })),
      end("tool_calls"),
      done,
    ],
    means: ["call f: {}", "call g: {}", "stop"],
  },
  {
    title: "arguments as an object",
    sent: [call(made("f", { x: 1 }, { index: 0, id: "a" })), end("tool_calls"), done],
    means: ['call f: {"x":1}', "stop"],
  },
  {
    title: "a character of the arguments cut in two",
    sent: [
      call(made("", '{"x":"\ud83d', { index: 0, id: "a" })),
      call(made("f", "\ude00", { index: 0 })),
      call(made(null, '\ud83d"}', { index: 0 })),
      end("tool_calls"),
      done,
    ],
    means: ['call f: {"x":"😀\ufffd"}', "stop"],
  },
  {
    title: "no arguments",
    sent: [call({ index: 0, id: "a", function: { name: "f" } }), end("tool_calls"), done],
    means: ["call f: ", "stop"],
  },
  {
    title: "calls under stop",
    sent: [call(made("f", "{}", { index: 0, id: "a" })), end("stop"), done],
    means: ["call f: {}", "stop"],
  },
  {
    title: "the old function_call",
    sent: [
      chunk({ function_call: { name: "f", arguments: "{" } }),
      chunk({ function_call: { arguments: "}" } }),
      end("function_call"),
      done,
    ],
    means: ["call f: {}", "stop"],
  },
  {
    title: "line breaks around calls are no message",
    sent: [say("\n\n"), call(made("f", "{}", { index: 0, id: "a" })), say("\n"), end("tool_calls"), done],
    means: ["call f: {}", "stop"],
  },
  {
    title: "text after a call waits for it",
    sent: [call(made("f", "{}", { index: 0, id: "a" })), say("So "), say("there."), end("stop"), done],
    means: ["call f: {}", "message: So there.", "stop"],
  },
  {
    title: "only the last call is cut",
    sent: [
      call(made("f", "{}", { index: 0, id: "a" })),
      call(made("g", '{"y"', { index: 1, id: "b" })),
      end("length"),
      done,
    ],
    means: ["call f: {}", 'call g (cut): {"y"', "length"],
  },
  {
    title: "cut in the text after a call",
    sent: [call(made("f", "{}", { index: 0, id: "a" })), say("So"), end("length"), done],
    means: ["call f: {}", "message (cut): So", "length"],
  },
  {
    title: "hundreds of calls are a broken upstream",
    sent: Array.from({ length: 2 * limits.openCalls }, (_, index) => call(made("f", "{}", { index }))),
    means: [...Array.from({ length: limits.openCalls }, () => "call f (cut): {}"), "fail upstream_error"],
  },
];
