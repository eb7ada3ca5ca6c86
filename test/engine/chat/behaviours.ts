/** Owns the table of what upstreams send: raw streams as observed or reported, and what each amounts to. */
import { chunk, event } from "../upstream.ts";
import { type Behaviour, call, done, end, made, say, think } from "./wire.ts";
import { callBehaviours } from "./calls.ts";

const texts: readonly Behaviour[] = [
  { title: "plain text", sent: [say("Hel"), say("lo"), end("stop"), done], means: ["message: Hello", "stop"] },
  {
    title: "a role chunk with null content",
    sent: [chunk({ role: "assistant", content: null }), say("Hi"), end("stop"), done],
    means: ["message: Hi", "stop"],
  },
  { title: "nothing at all", sent: [end("stop"), done], means: ["stop"] },
  {
    title: "text in the chunk that finishes",
    sent: [chunk({ content: "Hi" }, "stop"), done],
    means: ["message: Hi", "stop"],
  },
  { title: "no [DONE], but a finish reason", sent: [say("Hi"), end("stop")], means: ["message: Hi", "stop"] },
  {
    title: "a finish reason that is empty until the end",
    sent: [chunk({ content: "H" }, ""), chunk({ content: "i" }, ""), end("stop"), done],
    means: ["message: Hi", "stop"],
  },
  { title: "a finish reason of no table", sent: [say("Hi"), end("constructor"), done], means: ["message: Hi", "stop"] },
  {
    title: "a last event without its blank line",
    sent: [say("Hi"), event(end("stop")).trimEnd()],
    means: ["message: Hi", "stop"],
  },
  {
    title: "what follows [DONE] is not read",
    sent: [say("Hi"), end("stop"), done, say("?"), "data: {\n\n"],
    means: ["message: Hi", "stop"],
  },
  {
    title: "comments, other fields and CRLF",
    sent: [
      ": ping\r\n\r\n",
      "event: message\r\nid: 7\r\n",
      `data: ${JSON.stringify(say("Hi"))}\r\n\r\n`,
      end("stop"),
      "data:[DONE]\r\n\r\n",
    ],
    means: ["message: Hi", "stop"],
  },
  {
    title: "two choices, of which none was asked for",
    sent: [
      { choices: [{ index: 1, delta: { content: "B" } }] },
      { choices: [{ index: 0, delta: { content: "A" } }, null] },
      { choices: [{ index: 0, delta: {}, finish_reason: "length" }] },
      { choices: [{ index: 1, delta: { content: "." }, finish_reason: "stop" }] },
      done,
    ],
    means: ["message: B.", "stop"],
  },
  {
    title: "several bytes a character",
    sent: [say("😀é"), say("漢"), end("stop"), done],
    means: ["message: 😀é漢", "stop"],
  },
  {
    title: "a character cut in two",
    sent: [think("\ud83d"), think("\ude00"), say("Hi \ud83d"), say("\ude00\ud83d"), say("\ude00"), end("stop"), done],
    means: ["reasoning: 😀", "message: Hi 😀😀", "stop"],
  },
  {
    title: "half a character, whose other half never comes",
    sent: [think("\ud83d"), say("\ude00 a\ud83db\ud83d"), end("stop"), done],
    means: ["reasoning: \ufffd", "message: \ufffd a\ufffdb\ufffd", "stop"],
  },
  {
    title: "half a character, and the length is reached",
    sent: [say("Hi\ud83d"), end("length"), done],
    means: ["message (cut): Hi", "length"],
  },
  {
    title: "chunks without choices",
    sent: [{ choices: [] }, { choices: null }, {}, say("Hi"), end("stop"), done],
    means: ["message: Hi", "stop"],
  },
  {
    title: "a refusal is text",
    sent: [chunk({ refusal: "I will not." }), end("stop"), done],
    means: ["message: I will not.", "stop"],
  },
  {
    title: "content as parts, thinking among them (Mistral)",
    sent: [
      say([{ type: "thinking", thinking: [{ type: "text", text: "Hm." }] }]),
      say([{ type: "text", text: "Hi" }]),
      end("stop"),
      done,
    ],
    means: ["reasoning: Hm.", "message: Hi", "stop"],
  },
];

const thoughts: readonly Behaviour[] = [
  {
    title: "reasoning_content",
    sent: [think("Hm"), think("."), say("Hi"), end("stop"), done],
    means: ["reasoning: Hm.", "message: Hi", "stop"],
  },
  {
    title: "reasoning (newer vLLM, Ollama)",
    sent: [chunk({ reasoning: "Hm." }), say("Hi"), end("stop"), done],
    means: ["reasoning: Hm.", "message: Hi", "stop"],
  },
  {
    title: "both spellings at once count once",
    sent: [chunk({ reasoning: "Hm.", reasoning_content: "Hm." }), say("Hi"), end("stop"), done],
    means: ["reasoning: Hm.", "message: Hi", "stop"],
  },
  {
    title: "inline thinking split across chunks",
    sent: [say("<th"), say("ink>\nHm"), say(".\n</thi"), say("nk>\n\nHi"), end("stop"), done],
    means: ["reasoning: Hm.", "message: Hi", "stop"],
  },
  {
    title: "a think tag in mid-text is text",
    sent: [say("Use "), say("<think>"), end("stop"), done],
    means: ["message: Use <think>", "stop"],
  },
  {
    title: "inline thinking, then a call",
    sent: [say("<think>Hm.</think>\n"), call(made("f", "{}", { index: 0, id: "a" })), end("tool_calls"), done],
    means: ["reasoning: Hm.", "call f: {}", "stop"],
  },
  {
    title: "thinking again after text",
    sent: [think("1"), say("A"), think("2"), say("B"), end("stop"), done],
    means: ["reasoning: 1", "message: A", "reasoning: 2", "message: B", "stop"],
  },
  { title: "cut while thinking", sent: [think("Hm"), end("length"), done], means: ["reasoning (cut): Hm", "length"] },
];

const ends: readonly Behaviour[] = [
  {
    title: "length leaves the message open",
    sent: [say("Hel"), end("length"), done],
    means: ["message (cut): Hel", "length"],
  },
  {
    title: "content_filter",
    sent: [say("Hel"), end("content_filter"), done],
    means: ["message (cut): Hel", "content_filter"],
  },
  { title: "a silent close", sent: [say("Hel")], means: ["message (cut): Hel", "fail upstream_error"] },
  {
    title: "[DONE], but no finish reason",
    sent: [say("Hi"), done],
    means: ["message (cut): Hi", "fail upstream_error"],
  },
  {
    title: "[DONE] in a call",
    sent: [call(made("f", "{}", { index: 0, id: "a" })), done],
    means: ["call f (cut): {}", "fail upstream_error"],
  },
  {
    title: "a silent close in a call",
    sent: [call(made("f", '{"x":1}', { index: 0, id: "a" }))],
    means: ['call f (cut): {"x":1}', "fail upstream_error"],
  },
  { title: "an empty body", sent: [], means: ["fail upstream_error"] },
  {
    title: "an upstream that aborts (vLLM)",
    sent: [say("Hel"), end("abort"), done],
    means: ["message (cut): Hel", "fail upstream_error"],
  },
  {
    title: "an error in mid-stream",
    sent: [say("Hel"), { error: { code: 500, message: "slot died", type: "server_error" } }],
    means: ["message (cut): Hel", "fail upstream_error"],
  },
  {
    title: "an error as a string",
    sent: [{ error: "llama runner process has terminated" }],
    means: ["fail upstream_error"],
  },
  {
    title: "an error of older vLLM",
    sent: [{ object: "error", message: "boom", code: 500 }, done],
    means: ["fail upstream_error"],
  },
  {
    title: "context exceeded in the stream",
    sent: [
      {
        error: {
          code: 400,
          type: "exceed_context_size_error",
          message: "the request exceeds the available context size",
        },
      },
    ],
    means: ["fail context_length_exceeded"],
  },
  {
    title: "a template error in the stream",
    sent: [{ error: { message: "System message must be at the beginning." } }],
    means: ["fail template"],
  },
  {
    title: "a template error after text is no template failure",
    sent: [say("Hi"), { error: { message: "jinja exploded" } }],
    means: ["message (cut): Hi", "fail upstream_error"],
  },
  {
    title: "an event that is not JSON",
    sent: [say("Hel"), "data: <html>\n\n"],
    means: ["message (cut): Hel", "fail upstream_error"],
  },
];

const counts = { prompt_tokens: 10, completion_tokens: 5 };
const usages: readonly Behaviour[] = [
  {
    title: "usage after the finish",
    sent: [say("Hi"), end("stop"), { choices: [], usage: counts }, done],
    means: ["message: Hi", "stop"],
    usage: "10/0/5/0",
  },
  {
    title: "details of usage",
    sent: [
      say("Hi"),
      end("stop"),
      {
        choices: [],
        usage: {
          ...counts,
          prompt_tokens_details: { cached_tokens: 8 },
          completion_tokens_details: { reasoning_tokens: 3 },
        },
      },
      done,
    ],
    means: ["message: Hi", "stop"],
    usage: "10/8/5/3",
  },
  {
    title: "details that are null",
    sent: [say("Hi"), end("stop"), { choices: [], usage: { ...counts, prompt_tokens_details: null } }, done],
    means: ["message: Hi", "stop"],
    usage: "10/0/5/0",
  },
  {
    title: "a part larger than its whole is clipped",
    sent: [say("Hi"), end("stop"), { usage: { ...counts, prompt_tokens_details: { cached_tokens: 80 } } }, done],
    means: ["message: Hi", "stop"],
    usage: "10/10/5/0",
  },
  {
    title: "usage in every chunk: the last counts",
    sent: [
      { ...(say("Hi") as object), usage: { prompt_tokens: 10, completion_tokens: 1 } },
      { ...(end("stop") as object), usage: counts },
      done,
    ],
    means: ["message: Hi", "stop"],
    usage: "10/0/5/0",
  },
  {
    title: "only timings (llama-server)",
    sent: [say("Hi"), { ...(end("stop") as object), timings: { cache_n: 8, prompt_n: 2, predicted_n: 5 } }, done],
    means: ["message: Hi", "stop"],
    usage: "10/8/5/0",
  },
  {
    title: "thinking counted by its chunks",
    sent: [think("a"), think("b"), say("Hi"), end("stop"), { usage: counts }, done],
    means: ["reasoning: ab", "message: Hi", "stop"],
    usage: "10/0/5/2",
  },
  {
    title: "no usage: estimated, and said so",
    sent: [say("Hello, you."), end("stop"), done],
    means: ["message: Hello, you.", "stop"],
    usage: "~25/0/3/0",
  },
];

export const behaviours: readonly Behaviour[] = [...texts, ...thoughts, ...ends, ...usages, ...callBehaviours];
