/** Owns what the operator reads first: the address, who answers, and how to point clients here. */
import type { Config } from "./config.ts";
import { codingModels, recommend } from "./model/catalog.ts";
import type { Weights } from "./model/weights.ts";

export interface Arrival {
  /** Such as `http://127.0.0.1:8484`. */
  readonly address: string;
  readonly config: Config;
  /** Of the models here, the default first; none with an upstream. */
  readonly weights: readonly Weights[];
  /** Name to ask for. */
  readonly model: string;
  /** Why an upstream would not answer now; null where it would. */
  readonly trouble: string | null;
  /** Of this machine, in bytes. */
  readonly memory: number;
  /** What the operator types to start this program. */
  readonly program: string;
}

/** An address without the password or the key that may stand in it: screens are shared. */
function withoutSecrets(address: string): string {
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname === "/" ? "" : pathname}`;
}

/** A few lines, for standard output; tests and scripts read the address from the first. */
export function welcome({ address, config, weights, model, memory, program, trouble }: Arrival): string {
  // Where all addresses are listened on, clients on this machine find it at this one.
  const api = `${address.replace(/\/\/(?:0\.0\.0\.0|\[::\])/, "//127.0.0.1")}/v1`;
  const locked = config.apiKeys.length > 0;
  const [first, ...others] = weights;
  const coding = codingModels.some(({ source }) => source === first?.source);
  const better = first === undefined || coding ? null : recommend(memory);
  const rows = [
    `Antiphon is listening at ${address}/v1`,
    "",
    first === undefined
      ? `  Upstream   ${withoutSecrets(config.upstream ?? "")}${trouble === null ? "" : ` (${trouble})`}`
      : `  Model      ${first.id} (${first.source}): ${first.note}`,
    ...others.map(({ id, source, note }) => `  On demand  ${id} (${source}): ${note}`),
    `  Codex      codex -m ${quoted(model)} -c model_provider=antiphon -c ${quoted(codexProvider(api, locked))}`,
    `  OpenAI SDK OPENAI_BASE_URL=${api} OPENAI_API_KEY=${locked ? "..." : "none"}`,
    ...(locked
      ? ["  API key    export ANTIPHON_KEY=...   (one of those you named; the Codex line reads it there)"]
      : []),
    ...(better === null
      ? []
      : [`  To code    ${program} --model ${better.source}   (${better.note}; fits this machine's memory)`]),
    "",
  ];
  return `${rows.join("\n")}\n`;
}

/** Codex asks for the catalog only where it has a key to show; without the catalog it believes in 272,000 tokens. */
function codexProvider(api: string, locked: boolean): string {
  const provider = [
    'name="antiphon"',
    `base_url="${api}"`,
    'wire_api="responses"',
    "stream_idle_timeout_ms=3600000",
    `model_catalog_url="${api}/models"`,
    locked ? 'env_key="ANTIPHON_KEY"' : 'experimental_bearer_token="local"',
  ];
  return `model_providers.antiphon={${provider.join(",")}}`;
}

/** A word as a POSIX shell takes it whole; an upstream may name its models as it likes. */
function quoted(word: string): string {
  return /^[\w./:@+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
