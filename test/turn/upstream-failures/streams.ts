/** Owns the failures of upstreams in mid-stream: what is broken, missing, odd or without end. */
import { call, done, end, made, say, think } from "../../engine/chat/wire.ts";
import { chunk, event } from "../../engine/upstream.ts";
import { answer, type Row, stream } from "./row.ts";

const failed = "failed server_error";

const opened = call(made("f", '{"x":', { index: 0, id: "a" }));
const silence = "message: [The model ended its turn without an answer.]";
const counts = { prompt_tokens: 10, completion_tokens: 5 };

const breaks: readonly Row[] = [
  {
    title: "a frame that is no JSON",
    answers: [stream(say("Hel"), "data: {oops\n\n")],
    means: [failed, "message (incomplete): Hel"],
    refusal: "upstream_error",
  },
  {
    title: "an error in mid-stream",
    answers: [stream(say("Hel"), { error: { code: 500, message: "slot died" } })],
    means: [failed, "message (incomplete): Hel"],
    refusal: "upstream_error",
  },
  {
    title: "an error that is a string",
    answers: [stream({ error: "llama runner process has terminated" })],
    means: [failed],
    refusal: "upstream_error",
  },
  {
    title: "an error inside a call",
    answers: [stream(opened, { error: { message: "cuda out of memory" } })],
    means: [failed, 'function_call f (incomplete): {"x":'],
    refusal: "upstream_error",
  },
  { title: "an end before anything", answers: [stream()], means: [failed], refusal: "upstream_error" },
  {
    title: "an end after text",
    answers: [stream(say("Hel"))],
    means: [failed, "message (incomplete): Hel"],
    refusal: "upstream_error",
  },
  {
    title: "an end inside a call",
    answers: [stream(opened)],
    means: [failed, 'function_call f (incomplete): {"x":'],
    refusal: "upstream_error",
  },
  {
    title: "an end behind a whole call",
    answers: [stream(call(made("f", '{"x":1}', { index: 0, id: "a" })))],
    means: [failed, 'function_call f (incomplete): {"x":1}'],
    refusal: "upstream_error",
  },
  {
    title: "a connection that breaks",
    answers: [{ sent: [say("Hel")], breaks: true }],
    means: [failed, "message (incomplete): Hel"],
    refusal: "upstream_error",
  },
  {
    title: "[DONE] without a reason",
    answers: [stream(say("Hel"), done)],
    means: [failed, "message (incomplete): Hel"],
    refusal: "upstream_error",
  },
  {
    title: "an answer given up (vLLM)",
    answers: [stream(say("Hel"), end("abort"), done)],
    means: [failed, "message (incomplete): Hel"],
    refusal: "upstream_error",
  },
];

const ends: readonly Row[] = [
  { title: "no [DONE]", answers: [stream(say("Hi"), end("stop"))], means: ["completed", "message: Hi"] },
  {
    title: "two finish reasons",
    answers: [stream(say("Hi"), end("stop"), end("stop"), done)],
    means: ["completed", "message: Hi"],
  },
  { title: "no usage", answers: [stream(say("Hi"), end("stop"), done)], means: ["completed", "message: Hi"] },
  {
    title: "usage that is null",
    answers: [stream(say("Hi"), { ...Object(end("stop")), usage: null }, done)],
    means: ["completed", "message: Hi"],
  },
  {
    title: "usage behind the finish",
    answers: [stream(say("Hi"), end("stop"), { choices: [], usage: counts }, done)],
    means: ["completed", "message: Hi"],
    usage: "10/5",
  },
  {
    title: "content filter",
    answers: [stream(say("Hel"), end("content_filter"), done)],
    means: ["incomplete content_filter", "message (incomplete): Hel"],
  },
  { title: "no answer at all, twice", answers: [stream(end("stop"), done)], means: ["completed", silence] },
  {
    title: "no answer at first",
    answers: [stream(end("stop"), done), stream(say("Hi"), end("stop"), done)],
    means: ["completed", "message: Hi"],
  },
  {
    title: "chunks of a role alone, twice",
    answers: [stream(chunk({ role: "assistant" }), chunk({ role: "assistant", content: null }), end("stop"), done)],
    means: ["completed", silence],
  },
  {
    title: "thinking alone, then an answer when told",
    answers: [stream(think("Hm."), end("stop"), done), stream(say("Hi"), end("stop"), done)],
    means: ["completed", "reasoning: Hm.", "message: Hi"],
  },
  {
    title: "thinking cut by length",
    answers: [stream(think("Hm"), end("length"), done)],
    means: ["incomplete max_output_tokens", "reasoning (incomplete): Hm"],
  },
];

const forms: readonly Row[] = [
  {
    title: "thinking as `reasoning`",
    answers: [stream(chunk({ reasoning: "Hm." }), say("Hi"), end("stop"), done)],
    means: ["completed", "reasoning: Hm.", "message: Hi"],
  },
  {
    title: "thinking as `reasoning_content`",
    answers: [stream(think("Hm."), say("Hi"), end("stop"), done)],
    means: ["completed", "reasoning: Hm.", "message: Hi"],
  },
  {
    title: "thinking in tags, cut anywhere",
    answers: [stream(say("<th"), say("ink>Hm.</thi"), say("nk>\n\nHi"), end("stop"), done)],
    means: ["completed", "reasoning: Hm.", "message: Hi"],
  },
  {
    title: "content as a list of parts",
    answers: [stream(say([{ type: "text", text: "Hi" }]), end("stop"), done)],
    means: ["completed", "message: Hi"],
  },
  {
    title: "two choices",
    answers: [
      stream(
        {
          choices: [
            { index: 0, delta: { content: "Hi" } },
            { index: 1, delta: { content: "Yo" } },
          ],
        },
        { choices: [{ index: 1, delta: {}, finish_reason: "length" }] },
        end("stop"),
        done,
      ),
    ],
    means: ["completed", "message: Hi"],
  },
  {
    title: "line ends of Windows, and comments",
    answers: [
      stream(
        ": ping\r\n\r\n",
        `data: ${JSON.stringify(say("Hi"))}\r\n\r\n`,
        `data: ${JSON.stringify(end("stop"))}\r\n\r\n`,
        "data: [DONE]\r\n\r\n",
      ),
    ],
    means: ["completed", "message: Hi"],
  },
  {
    title: "line ends of old Macs",
    answers: [
      stream(`data: ${JSON.stringify(say("Hi"))}\r\r`, `data: ${JSON.stringify(end("stop"))}\r\r`, "data: [DONE]\r\r"),
    ],
    means: ["completed", "message: Hi"],
  },
  {
    title: "a byte order mark",
    answers: [stream("\ufeff", say("Hi"), end("stop"), done)],
    means: ["completed", "message: Hi"],
  },
  {
    title: "bytes that are no UTF-8",
    answers: [
      stream(
        Buffer.from([...Buffer.from('data: {"choices":[{"delta":{"content":"H'), 0xff, ...Buffer.from('i"}}]}\n\n')]),
        end("stop"),
        done,
      ),
    ],
    means: ["completed", "message: H\ufffdi"],
  },
  {
    title: "half a character",
    answers: [stream(say("Hi\ud83d"), end("stop"), done)],
    means: ["completed", "message: Hi\ufffd"],
  },
  {
    title: "one JSON body instead of a stream",
    answers: [
      answer(
        200,
        "application/json",
        JSON.stringify({ choices: [{ message: { content: "Hi" }, finish_reason: "stop" }], usage: counts }),
      ),
    ],
    means: ["completed", "message: Hi"],
    usage: "10/5",
  },
];

const long = "x".repeat(1024 * 1024);
const blank = event(say(" ".repeat(256 * 1024)));

const bounds: readonly Row[] = [
  {
    title: "a line of a mebibyte",
    answers: [stream(say(long), end("stop"), done)],
    means: ["completed", `message: ${long}`],
  },
  {
    title: "a line without end",
    answers: [{ sent: [`data: ${long}`], endless: true }],
    means: [failed],
    refusal: "upstream_error",
  },
  {
    title: "white space without end",
    answers: [{ sent: [blank], endless: true }],
    means: ["incomplete max_output_tokens"],
  },
  {
    title: "arguments without end",
    answers: [{ sent: [opened, call(made(null, long, { index: 0 }))], endless: true }],
    means: [failed, `function_call f (incomplete): {"x":${long.repeat(8)}`],
  },
];

export const streamRows: readonly Row[] = [...breaks, ...ends, ...forms, ...bounds];
