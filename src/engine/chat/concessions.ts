/** Owns what we give up when an upstream refuses a field: one row a field that an answer can do without. */
import type { ChatBody } from "./request.ts";
import { type Fields, listOf } from "../../spec/json.ts";

interface Concession {
  /** The words of a refusal that this answers. */
  readonly refused: RegExp;
  /** `body` without what was refused; null where it holds nothing of the kind. */
  readonly concede: (body: ChatBody) => ChatBody | null;
}

/** Codex sends an effort with every request, SDKs send the rest: none of it is worth a dead thread. */
export const concessions = {
  effort: {
    // Ollama refuses it for models that do not think.
    refused: /does not support thinking|reasoning_effort|chat_template_kwargs|invalid think value/i,
    concede: (body) => without(body, ["reasoning_effort", "chat_template_kwargs"]),
  },
  images: {
    // llama-server without a projector, vLLM with a text model, Ollama, and others.
    refused:
      /image input is not supported|mmproj|not a multimodal model|missing data required for image|not support (?:image|vision|multimodal)/i,
    concede: withoutImages,
  },
  usage: { refused: /stream_options/i, concede: (body) => without(body, ["stream_options"]) },
  parallel: { refused: /parallel_tool_calls/i, concede: (body) => without(body, ["parallel_tool_calls"]) },
  logprobs: { refused: /logprobs/i, concede: (body) => without(body, ["logprobs", "top_logprobs"]) },
  maxTokens: {
    // OpenAI's own models that think.
    refused: /max_completion_tokens/i,
    concede: (body) => {
      const { max_tokens: maximum, ...rest } = body;
      return maximum === undefined ? null : { ...rest, max_completion_tokens: maximum };
    },
  },
} as const satisfies Record<string, Concession>;

export type ConcessionName = keyof typeof concessions;
const names = Object.keys(concessions) as readonly ConcessionName[];

/** The concession that answers a refusal of `body`, if one does. */
export function concessionFor(body: ChatBody, status: number, text: string): ConcessionName | null {
  // llama-server answers 500 to images that it cannot read.
  if (![400, 422, 500, 501].includes(status)) return null;
  const fitting = (name: ConcessionName): boolean =>
    concessions[name].refused.test(text) && concessions[name].concede(body) !== null;
  return names.find(fitting) ?? null;
}

/** `body` after all of `made`. */
export function conceded(body: ChatBody, made: Iterable<ConcessionName>): ChatBody {
  let left = body;
  for (const name of made) left = concessions[name].concede(left) ?? left;
  return left;
}

function without(body: ChatBody, fields: readonly string[]): ChatBody | null {
  const left = Object.entries(body).filter(([name]) => !fields.includes(name));
  return left.length === Object.keys(body).length ? null : (Object.fromEntries(left) as ChatBody);
}

const isImage = (part: Fields): boolean => part["type"] === "image_url";

function withoutImages(body: ChatBody): ChatBody | null {
  if (!body.messages.some(({ content }) => listOf(content).some(isImage))) return null;
  const messages = body.messages.map((message) => {
    if (!Array.isArray(message["content"])) return message;
    const texts = listOf(message["content"]).map((part) =>
      isImage(part) ? "[image omitted: this model cannot see images]" : String(part["text"]),
    );
    return { ...message, content: texts.join("\n") };
  });
  return { ...body, messages };
}
