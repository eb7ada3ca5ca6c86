/** Owns what differs between upstreams: one row a server that speaks Chat Completions in its own way. */
import { at, countOf, type Fields, fieldsOf, listOf, textOf } from "../../spec/json.ts";

export type DialectName = "llama-server" | "vllm" | "ollama" | "lmstudio" | "generic";

export interface Dialect {
  /** Values of `owned_by` in `/v1/models` that give the server away. */
  readonly owners: readonly string[];
  /** Its `server` header, where that is telling; llama-server sends one also while it loads and answers 503 to all else. */
  readonly server: string | null;
  /** A question beside the API that only this server answers so. */
  readonly probe: { readonly path: string; readonly proves: (body: Fields) => boolean } | null;
  /** Fields of an assistant message in which the server takes earlier thinking back; strict servers refuse any. */
  readonly reasoningFields: readonly string[];
  /** `filter`: the object form of `tool_choice` is ignored, so only the named tools are offered, with "required". */
  readonly namedChoice: "object" | "filter";
  /** Whether it holds answers to a schema by itself, token by token. */
  readonly schemas: boolean;
  /** How an answer of any JSON object is asked for. */
  readonly jsonObject: Fields;
  /** Body fields for an effort (OpenAI's names, or whatever the client wrote; "none" turns thinking off). */
  readonly effort: (effort: string) => Fields;
  /** Sent with every request. */
  readonly constants: Fields;
  /** Each chunk of its stream is one token. */
  readonly tokenPerChunk: boolean;
  /** Where a chat request is counted instead of answered, and the count in the reply. */
  readonly count: { readonly path: string; readonly where: "api" | "root"; readonly field: string } | null;
  /** Where, beside the API, models are described better than in `/v1/models`. */
  readonly details: string | null;
  /** `model`: an entry of `/v1/models`; `details`: the answer of `details`. null: not a model to chat with. */
  readonly describe: (model: Fields, details: Fields) => Description | null;
}

export interface Description {
  readonly contextLength: number | null;
  /** null where the server does not say. */
  readonly images: boolean | null;
  /** Whether it is in memory; such models come first. */
  readonly loaded: boolean;
}

/** The efforts that servers with three of them know, from those that clients send. */
const threeLevels: ReadonlyMap<string, string> = new Map([
  ["minimal", "low"],
  ["xhigh", "high"],
  ["max", "high"],
]);
const levelOf = (effort: string): string => threeLevels.get(effort) ?? effort;

/** Variables of chat templates: Qwen's and GLM's, then DeepSeek's. A template that knows neither ignores both. */
const thinking = (effort: string): Fields => ({ enable_thinking: effort !== "none", thinking: effort !== "none" });

const anyObject = { type: "json_object" } as const;

/** The context where `/v1/models` tells it: vLLM and SGLang, llama-server, OpenRouter, Groq. */
function contextIn(model: Fields): number | null {
  const said = [model["max_model_len"], at(model, "meta", "n_ctx"), model["context_length"], model["context_window"]];
  return said.map(countOf).find((count) => count !== null && count > 0) ?? null;
}

export const dialects = {
  "llama-server": {
    owners: ["llamacpp"],
    server: "llama.cpp",
    probe: { path: "/props", proves: (body) => "default_generation_settings" in body },
    reasoningFields: ["reasoning_content"],
    namedChoice: "filter",
    schemas: true,
    jsonObject: anyObject,
    effort: (effort) => ({
      chat_template_kwargs:
        effort === "none" ? thinking(effort) : { ...thinking(effort), reasoning_effort: levelOf(effort) },
    }),
    // Prompt progress keeps clients alive through a long prefill.
    constants: { cache_prompt: true, return_progress: true },
    tokenPerChunk: true,
    count: { path: "/chat/completions/input_tokens", where: "api", field: "input_tokens" },
    details: "/props",
    describe: (model, details) => ({
      contextLength: countOf(at(details, "default_generation_settings", "n_ctx")) || contextIn(model),
      images: "modalities" in details ? at(details, "modalities", "vision") === true : null,
      loaded: true,
    }),
  },
  vllm: {
    // SGLang shares its fields.
    owners: ["vllm", "sglang"],
    server: null,
    probe: { path: "/version", proves: (body) => typeof body["version"] === "string" },
    // It renamed the field; each version reads one of them.
    reasoningFields: ["reasoning", "reasoning_content"],
    namedChoice: "object",
    schemas: true,
    jsonObject: anyObject,
    effort: (effort) => ({
      chat_template_kwargs: thinking(effort),
      ...(effort === "none" ? {} : { reasoning_effort: levelOf(effort) }),
    }),
    constants: {},
    tokenPerChunk: false,
    count: { path: "/tokenize", where: "root", field: "count" },
    details: null,
    describe: (model) => ({ contextLength: contextIn(model), images: null, loaded: true }),
  },
  ollama: {
    owners: ["library"],
    server: null,
    probe: { path: "/api/version", proves: (body) => typeof body["version"] === "string" },
    reasoningFields: ["reasoning"],
    namedChoice: "filter",
    schemas: true,
    jsonObject: anyObject,
    effort: (effort) => ({ reasoning_effort: levelOf(effort) }),
    constants: {},
    tokenPerChunk: false,
    count: null,
    // The context that a model was loaded with; what it was trained for (/api/show) is not what it serves.
    details: "/api/ps",
    describe: (model, details) => {
      const running = listOf(details["models"]).find(({ name }) => name === model["id"]);
      return { contextLength: countOf(running?.["context_length"]), images: null, loaded: running !== undefined };
    },
  },
  lmstudio: {
    owners: ["organization_owner"],
    server: null,
    probe: { path: "/api/v0/models", proves: (body) => listOf(body["data"]).some((model) => "state" in model) },
    reasoningFields: ["reasoning_content"],
    namedChoice: "filter",
    // It knows no json_object.
    schemas: true,
    jsonObject: { type: "json_schema", json_schema: { name: "object", schema: { type: "object" } } },
    effort: (effort) => ({ reasoning_effort: levelOf(effort) }),
    constants: {},
    tokenPerChunk: false,
    count: null,
    details: "/api/v0/models",
    describe: (model, details) => {
      const known = fieldsOf(listOf(details["data"]).find(({ id }) => id === model["id"]));
      const type = textOf(known["type"]);
      if (type === "embeddings") return null;
      return {
        contextLength: countOf(known["loaded_context_length"]),
        images: type === null ? null : type === "vlm",
        loaded: known["state"] === "loaded",
      };
    },
  },
  generic: {
    owners: [],
    server: null,
    probe: null,
    reasoningFields: [],
    namedChoice: "object",
    schemas: false,
    jsonObject: anyObject,
    effort: (effort) => ({ reasoning_effort: effort }),
    constants: {},
    tokenPerChunk: false,
    count: null,
    details: null,
    describe: (model) => ({ contextLength: contextIn(model), images: null, loaded: true }),
  },
} as const satisfies Record<DialectName, Dialect>;
