/** Owns the samples of what is said: messages in every role and form, and thinking. */
import type { Fields } from "../../src/spec/json.ts";
import { silent, type Sources } from "./sample.ts";

type Role = "user" | "assistant" | "system" | "developer";

const message = (role: Role, content: unknown, rest: Fields = {}): Fields[] => [
  { type: "message", role, content, ...rest },
];
const easy = (role: Role, content: unknown, rest: Fields = {}): Fields[] => [{ role, content, ...rest }];
const says = (rest: Fields = {}): Fields => ({ type: "output_text", text: "{seen}", annotations: [], ...rest });
const asks = (rest: Fields = {}): Fields => ({ type: "input_text", text: "{seen}", ...rest });
const answer = (content: unknown, rest: Fields = {}): Fields[] =>
  message("assistant", content, { id: "msg_{id}", status: "completed", ...rest });
const citation = { type: "url_citation", start_index: 0, end_index: 4, title: "T", url: "https://example.com/{id}" };
const token = { token: "se", logprob: -0.1, bytes: [115, 101], top_logprobs: [] };

const messages = {
  "easy: user, string": easy("user", "{seen}"),
  "easy: assistant, string": easy("assistant", "{seen}"),
  "easy: system, string": easy("system", "{seen}"),
  "easy: developer, string": easy("developer", "{seen}"),
  "easy: user, parts": easy("user", [asks(), asks()]),
  "easy: assistant, parts": easy("assistant", [says()]),
  "easy: developer, parts": easy("developer", [asks()]),
  "easy: with type": message("user", "{seen}"),
  "easy: phase commentary": easy("assistant", "{seen}", { phase: "commentary" }),
  "easy: phase final_answer": easy("assistant", "{seen}", { phase: "final_answer" }),
  "easy: phase null": easy("assistant", "{seen}", { phase: null }),
  "easy: agent messages of a user": easy("user", "{seen}\n{seen}", { type: "message" }),
  "input: user": message("user", [asks()]),
  "input: system": message("system", [asks()]),
  "input: developer": message("developer", [asks()]),
  "input: with id and status": message("user", [asks()], { id: "msg_{id}", status: "completed" }),
  "input: in progress": message("user", [asks()], { status: "in_progress" }),
  "input: incomplete": message("user", [asks()], { status: "incomplete" }),
  "input: text with a cache breakpoint": message("user", [asks({ prompt_cache_breakpoint: { ttl: "30m" } })]),
  "input: image inline": message("user", [asks(), { type: "input_image", image_url: "{image}", detail: "auto" }]),
  "input: image, detail original": message("user", [
    { type: "input_image", image_url: "{image}", detail: "original" },
    asks(),
  ]),
  "input: image without detail": message("user", [{ type: "input_image", image_url: "{image}" }, asks()]),
  "input: image by URL": message("user", [
    asks(),
    { type: "input_image", image_url: "https://example.com/a.png", detail: "low" },
  ]),
  "input: image by file": message("user", [asks(), { type: "input_image", file_id: "file_{id}", detail: "high" }]),
  "input: image, all fields null": message("user", [
    asks(),
    { type: "input_image", image_url: null, file_id: null, detail: "auto" },
  ]),
  "input: file inline": message("user", [{ type: "input_file", filename: "{seen}.txt", file_data: "{file}" }, asks()]),
  "input: file, only its name": message("user", [asks(), { type: "input_file", filename: "{seen}.bin" }]),
  "input: file, detail": message("user", [
    asks(),
    { type: "input_file", file_data: "{file}", filename: "a.txt", detail: "high" },
  ]),
  "input: file by id": message("user", [asks(), { type: "input_file", file_id: "file_{id}" }]),
  "input: file by URL": message("user", [asks(), { type: "input_file", file_url: "https://example.com/a.pdf" }]),
  "input: file, nulls": message("user", [
    asks(),
    { type: "input_file", file_id: null, file_data: null, filename: null, file_url: null },
  ]),
  "input: audio": message("user", [asks(), { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } }]),
  "output: text": answer([says()]),
  "output: two texts": answer([says(), says()]),
  "output: annotations": answer([says({ annotations: [citation] })]),
  "output: every annotation": answer([
    says({
      annotations: [
        citation,
        { type: "file_citation", file_id: "f", filename: "a.txt", index: 0 },
        {
          type: "container_file_citation",
          container_id: "c",
          file_id: "f",
          filename: "a",
          start_index: 0,
          end_index: 1,
        },
        { type: "file_path", file_id: "f", index: 0 },
      ],
    }),
  ]),
  "output: logprobs": answer([says({ logprobs: [token] })]),
  "output: logprobs null": answer([says({ logprobs: null })]),
  "output: refusal": answer([{ type: "refusal", refusal: "{seen}" }]),
  "output: text and refusal": answer([says(), { type: "refusal", refusal: "{seen}" }]),
  "output: commentary": answer([says()], { phase: "commentary" }),
  "output: final answer": answer([says()], { phase: "final_answer" }),
  "output: phase null": answer([says()], { phase: null }),
  "output: in progress": answer([says()], { status: "in_progress" }),
  "output: incomplete": answer([says()], { status: "incomplete" }),
  "output: nothing said": silent("it says nothing", ...answer([])),
} as const satisfies Sources;

const thought = (fields: Fields): Fields[] => [{ type: "reasoning", id: "rs_{id}", summary: [], ...fields }];
const content = [{ type: "reasoning_text", text: "{seen}" }];
const summary = [{ type: "summary_text", text: "{seen}" }];
const sealed = "gAAAAAB{unseen}";
const foreign = "only the server that made it can read it";

const reasoning = {
  content: thought({ content }),
  "content of two parts": thought({ content: [...content, ...content] }),
  "content and status": thought({ content, status: "completed" }),
  "status in progress": thought({ content, status: "in_progress" }),
  "status incomplete": thought({ content, status: "incomplete" }),
  "content and a summary": thought({ content, summary: [{ type: "summary_text", text: "{unseen}" }] }),
  "content and encrypted": thought({ content, encrypted_content: sealed }),
  "content, encrypted null": thought({ content, encrypted_content: null }),
  summary: thought({ summary }),
  "summary of two parts": thought({ summary: [...summary, ...summary] }),
  "summary and encrypted": thought({ summary, encrypted_content: sealed }),
  "summary, content null": thought({ summary, content: null, encrypted_content: null }),
  "summary, content empty": thought({ summary, content: [] }),
  "before its message": [...thought({ content }), ...answer([says()])],
  "before a call": [
    ...thought({ content }),
    { type: "function_call", call_id: "call_{id}", name: "look", arguments: "{}" },
    { type: "function_call_output", call_id: "call_{id}", output: "{seen}" },
  ],
  "encrypted only": silent(foreign, ...thought({ encrypted_content: sealed })),
  "encrypted, content null": silent(foreign, ...thought({ content: null, encrypted_content: sealed })),
  "nothing in it": silent("it holds no thought", ...thought({})),
} as const satisfies Sources;

export const spoken = { message: messages, reasoning } as const;
