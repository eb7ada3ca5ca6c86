/** Owns the request fields of `POST /responses`: what becomes of each, and why. */

export interface ParamRow {
  /**
   * `used`: changes what happens. `echoed`: only stands in the Response. `ignored`: accepted, without effect. `refused`:
   * 400, since an answer without it would be the wrong one.
   */
  readonly use: "used" | "echoed" | "ignored" | "refused";
  readonly note: string;
}

const used = (note: string): ParamRow => ({ use: "used", note });
const echoed = (note: string): ParamRow => ({ use: "echoed", note });
const refused = (note: string): ParamRow => ({ use: "refused", note });
const ignored = (note: string): ParamRow => ({ use: "ignored", note });

export const params = {
  access_programs: ignored("programs of OpenAI's platform"),
  background: refused("`true`; streams are kept alive for as long as an answer takes"),
  context_management: ignored("the context is never cut silently"),
  conversation: refused(
    "none are kept, and without its items the model would have forgotten them; chain with `previous_response_id`",
  ),
  frequency_penalty: used("sampling"),
  image: ignored("images reach the model as they are"),
  include: used("`reasoning.encrypted_content` and `message.output_text.logprobs`; nothing else is left out anyway"),
  input: used("the items of this turn"),
  instructions: used("text or items; stands in front of the prompt, and is not carried over by previous_response_id"),
  max_output_tokens: used("any positive number; no cap by default"),
  max_tool_calls: echoed("0 or more; bounds tools that a server runs"),
  metadata: echoed(
    "up to 16 pairs, names to 64 characters, texts to 512; only texts, as strict clients read back nothing else",
  ),
  model: used("a served model by its name, else the default model"),
  moderation: ignored("no moderation service"),
  parallel_tool_calls: used("false: one call a turn"),
  presence_penalty: used("sampling"),
  previous_response_id: used("continues a stored thread"),
  prompt: refused("prompt templates are kept by OpenAI"),
  prompt_cache_key: used("affinity of caches, where no thread id is known"),
  prompt_cache_options: ignored("the prefix cache is always on"),
  prompt_cache_retention: ignored("the prefix cache is always on"),
  reasoning: used("any effort; it switches and scales thinking. summary chooses where thinking is shown"),
  safety_identifier: echoed("one user, one machine"),
  service_tier: echoed("one tier"),
  store: used("false: nothing is kept"),
  stream: used("server-sent events"),
  stream_options: ignored("streams are not obfuscated"),
  temperature: used("sampling"),
  text: used("format constrains the answer, a schema is checked first; verbosity is echoed"),
  tool_choice: used("a hard constraint"),
  tools: used("what the model may call; entries that are no tools are left out"),
  top_logprobs: used("sampling"),
  top_p: used("sampling"),
  truncation: echoed("the context is never cut silently"),
  user: echoed("one user, one machine"),
} as const satisfies Record<string, ParamRow>;

export type ParamName = keyof typeof params;

/**
 * Fields beyond OpenAI's that engines and upstreams know: handed on as they are. Every other unknown field stays here, as
 * strict upstreams refuse what they do not know (Codex sends `client_metadata`).
 */
export const passedOn = [
  "chat_template_kwargs",
  "dry_allowed_length",
  "dry_base",
  "dry_multiplier",
  "grammar",
  "logit_bias",
  "min_p",
  "min_tokens",
  "mirostat",
  "mirostat_eta",
  "mirostat_tau",
  "repeat_last_n",
  "repeat_penalty",
  "repetition_penalty",
  "seed",
  "stop",
  "stop_token_ids",
  "top_k",
  "top_n_sigma",
  "typical_p",
  "xtc_probability",
  "xtc_threshold",
] as const;
