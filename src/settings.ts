/** Owns the table of settings: one row a flag, which is also a variable and a key of the file. */
import { logLevels } from "./log.ts";

export interface Setting {
  /** `list`: a flag may be repeated, a variable is comma separated. `file`: the value is read from the file it names. */
  readonly kind: "text" | "number" | "list" | "file";
  readonly group: "Model" | "Upstream" | "Server" | "Other";
  /** Stands for the value in the help. */
  readonly value: string;
  readonly help: string;
  readonly oneOf?: readonly string[];
}

export const dialectNames = ["llama-server", "vllm", "ollama", "lmstudio", "generic"] as const;

/** Of clients, as `spec/client-dialects` tells them apart. */
export const clientDialectNames = ["openai", "open-responses"] as const;

/** `llama-server`: one that we start, for what the embedded engine cannot do. */
export const engineNames = ["embedded", "llama-server"] as const;
export const gpuNames = ["auto", "cuda", "vulkan", "metal", "off"] as const;

/** By flag name; the variable of `api-key` is ANTIPHON_API_KEY, and its key in the file `api-key`. */
export const settings = {
  model: {
    kind: "list",
    group: "Model",
    value: "MODEL",
    help: "the model to run, see below; further ones wait on disk",
  },
  "models-loaded": { kind: "number", group: "Model", value: "N", help: "of several, in memory at a time (default 1)" },
  ctx: { kind: "number", group: "Model", value: "TOKENS", help: "context of a conversation (default: what fits)" },
  threads: { kind: "number", group: "Model", value: "N", help: "threads of llama.cpp (default: the cores but one)" },
  slots: { kind: "number", group: "Model", value: "N", help: "answers written at the same time (default 2)" },
  engine: {
    kind: "text",
    group: "Model",
    value: "NAME",
    help: `${engineNames.join(", ")} (default embedded)`,
    oneOf: engineNames,
  },
  "llama-server": { kind: "text", group: "Model", value: "FILE", help: "the program (default: the one on PATH)" },
  "llama-server-flag": {
    kind: "list",
    group: "Model",
    value: "FLAG",
    help: "a flag for it, as --flag=value; may be repeated",
  },
  gpu: {
    kind: "text",
    group: "Model",
    value: "NAME",
    help: `${gpuNames.join(", ")} (default auto: what is seen)`,
    oneOf: gpuNames,
  },
  "unload-after": {
    kind: "number",
    group: "Model",
    value: "MINUTES",
    help: "without a request (default 60; 0: never)",
  },
  "save-slots": {
    kind: "number",
    group: "Model",
    value: "GIB",
    help: "of disk, for threads while no model is loaded (default 0: none)",
  },
  upstream: { kind: "text", group: "Upstream", value: "URL", help: "a Chat Completions server that answers instead" },
  "upstream-key": { kind: "text", group: "Upstream", value: "KEY", help: "its key; better as a variable or a file" },
  "upstream-key-file": { kind: "file", group: "Upstream", value: "FILE", help: "a file that holds the key" },
  dialect: {
    kind: "text",
    group: "Upstream",
    value: "NAME",
    help: `${dialectNames.join(", ")} (default: found out)`,
    oneOf: dialectNames,
  },
  host: { kind: "text", group: "Server", value: "ADDRESS", help: "where to listen (default 127.0.0.1)" },
  port: { kind: "number", group: "Server", value: "PORT", help: "on which port (default 8484; 0: any that is free)" },
  "api-key": { kind: "list", group: "Server", value: "KEY", help: "a key that clients must send; may be repeated" },
  "api-key-file": { kind: "file", group: "Server", value: "FILE", help: "a file with such keys, one a line" },
  "allow-origin": { kind: "list", group: "Server", value: "ORIGIN", help: "a web page that may call; may be repeated" },
  "allow-host": { kind: "list", group: "Server", value: "NAME", help: "a Host name besides this machine's own" },
  "client-dialect": {
    kind: "text",
    group: "Server",
    value: "NAME",
    help: `${clientDialectNames.join(", ")} (default openai; clients may say)`,
    oneOf: clientDialectNames,
  },
  "log-level": {
    kind: "text",
    group: "Other",
    value: "LEVEL",
    help: `${logLevels.join(", ")} (default info)`,
    oneOf: logLevels,
  },
  config: { kind: "text", group: "Other", value: "FILE", help: "a settings file instead of the usual antiphon.toml" },
} as const satisfies Record<string, Setting>;
