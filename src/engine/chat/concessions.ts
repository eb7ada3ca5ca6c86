/** Owns what we give up when an upstream refuses a field: one row a field that an answer can do without. */
import { type Fields, fieldsOf, listOf } from "../../spec/json.ts";
import type { ChatBody } from "./request.ts";

interface Row {
  /** The words of a refusal that this answers. */
  readonly refused: RegExp;
  /** Words, beside those of an unknown field, that speak of every request; others may be about one value only. */
  readonly forGood: RegExp | null;
  /** `body` without what was refused; null where it holds nothing of the kind. */
  readonly concede: (body: ChatBody) => ChatBody | null;
}

const field =
  "['\"`]?(?:reasoning_effort|chat_template_kwargs|stream_options|parallel_tool_calls|(?:top_)?logprobs)\\b['\"`]?";
/** How servers say that they do not know a field: OpenAI and its kin, pydantic, serde, Python, JSON Schema. */
const unknownField = new RegExp(
  [
    "unsupported[_ ]parameter|argument not supported|extra_forbidden|extra (?:inputs|fields)|additional propert",
    "(?:unknown|unrecognized|unexpected)(?: request)?[_ ](?:field|argument|parameter|keyword|property|name)",
    `${field} (?:parameter |field )?(?:is|are) not (?:supported|permitted|available|allowed)`,
    `not support (?:the )?(?:parameter )?${field}`,
  ].join("|"),
  "i",
);

/** Codex sends an effort with every request, SDKs send the rest: none of it is worth a dead thread. */
export const concessions = {
  effort: {
    // Ollama refuses it for models that do not think; templates raise on an effort that they do not know.
    refused: /does not support thinking|reasoning_effort|invalid think value/i,
    forGood: /does not support thinking/i,
    concede: withoutEffort,
  },
  templateVariables: {
    refused: /chat_template_kwargs/i,
    forGood: null,
    concede: (body) => without(body, ["chat_template_kwargs"]),
  },
  images: {
    // llama-server without a projector, vLLM with a text model, Ollama, and others.
    refused:
      /image input is not supported|mmproj|not a multimodal model|missing data required for image|not support (?:image|vision|multimodal)/i,
    // But one server may not support an image's format.
    forGood: /^(?!.*\b(?:formats?|types?|urls?)\b)/is,
    concede: withoutImages,
  },
  usage: { refused: /stream_options/i, forGood: null, concede: (body) => without(body, ["stream_options"]) },
  parallel: {
    refused: /parallel_tool_calls/i,
    forGood: null,
    concede: (body) => without(body, ["parallel_tool_calls"]),
  },
  logprobs: { refused: /logprobs/i, forGood: null, concede: (body) => without(body, ["logprobs", "top_logprobs"]) },
  room: {
    // vLLM, where the answer may be longer than the context: without a bound, the context bounds it.
    refused: /max_(?:completion_)?tokens['"`]? is too large/i,
    forGood: null,
    concede: (body) => without(body, ["max_tokens", "max_completion_tokens"]),
  },
  maxTokens: {
    // OpenAI's own models that think.
    refused: /use ['"`]?max_completion_tokens/i,
    forGood: null,
    concede: (body) => {
      const { max_tokens: maximum, ...rest } = body;
      return maximum === undefined ? null : { ...rest, max_completion_tokens: maximum };
    },
  },
} as const satisfies Record<string, Row>;

export type ConcessionName = keyof typeof concessions;
const names = Object.keys(concessions) as readonly ConcessionName[];

export interface Concession {
  readonly name: ConcessionName;
  /** Whether the field itself was refused, for any request, rather than the value that this one has there. */
  readonly forGood: boolean;
}

/** The concession that answers a refusal of `body` in these words (`Words.all`), if one does. */
export function concessionFor(body: ChatBody, status: number, words: string): Concession | null {
  // llama-server answers 500 to images that it cannot read.
  if (![400, 422, 500, 501].includes(status)) return null;
  const fitting = (name: ConcessionName): boolean =>
    concessions[name].refused.test(words) && concessions[name].concede(body) !== null;
  const name = names.find(fitting);
  if (name === undefined) return null;
  return { name, forGood: unknownField.test(words) || concessions[name].forGood?.test(words) === true };
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

/** llama-server takes the effort as a variable of the template. */
function withoutEffort(body: ChatBody): ChatBody | null {
  const { reasoning_effort: inTemplate, ...variables } = fieldsOf(body["chat_template_kwargs"]);
  const left = without(body, ["reasoning_effort"]);
  return inTemplate === undefined ? left : { ...(left ?? body), chat_template_kwargs: variables };
}
