/** Owns the acceptance of a turn: all that can be refused about a request is refused here, before anything is sent. */
import type { Engine, EngineRequest, ModelInfo } from "../engine/engine.ts";
import type { Log } from "../log.ts";
import { count } from "../metrics.ts";
import { newId } from "../spec/ids.ts";
import type { Item } from "../spec/items.ts";
import { at, wellFormed } from "../spec/json.ts";
import { extraFields, type Request } from "../spec/request.ts";
import { newResponse, type Response } from "../spec/response.ts";
import type { Store } from "../store/store.ts";
import { loadThread, resolveReferences } from "./history.ts";
import { normalise } from "./normalise.ts";
import type { FileReader } from "./files.ts";
import { heal } from "./heal.ts";
import { asOffered, makeOffer, type Offer } from "./offer.ts";
import { plan, type Shape } from "./prompt.ts";
import { skipped } from "./render.ts";
import { reveal } from "./reveal.ts";
import type { Seal } from "./seal.ts";

/** What the turns of a server share. */
export interface Line {
  readonly engine: Engine;
  readonly store: Store;
  readonly log: Log;
  /** Of the thinking that clients keep for us. */
  readonly seal: Seal;
  readonly files: FileReader;
  /** Milliseconds of silence on a stream after which `response.in_progress` is repeated. */
  readonly keepAliveMs: number;
  /** Milliseconds that a request for JSON waits for a model to be loaded. */
  readonly loadingMs: number;
  /** The shape that a model's template was last seen to accept of a thread, or of all that nobody names. */
  readonly shapes: Map<string, Shape>;
}

/** A turn that was accepted: it can fail, but not be refused any more. */
export interface Turn {
  readonly request: Request;
  /** The Response at its beginning. */
  readonly response: Response;
  /** Id of the model that answers. */
  readonly model: string;
  /** Whether its engine holds answers to a schema by itself. */
  readonly schemas: boolean;
  /** What the client sent, as it is stored. */
  readonly input: readonly Item[];
  /** The whole thread, references resolved. */
  readonly items: readonly Item[];
  readonly offer: Offer;
  readonly affinity: string | null;
}

/**
 * Throws an ApiError for whatever is wrong with `request`, and the reason of `signal` once the client is gone. `threadId` is
 * the client's own name for the thread, or null.
 */
export async function prepare(
  line: Line,
  request: Request,
  threadId: string | null,
  signal: AbortSignal,
): Promise<Turn> {
  const input = normalise(request.input);
  const previous = request.previous_response_id;
  const thread = previous ? await loadThread(line.store, previous) : [];
  const served = chooseModel(await line.engine.models(), request.model ?? null);
  const sent = [...instructionItems(request.instructions), ...thread, ...input];
  const read = await readable(line, sent, served?.capabilities.images ?? true, signal);
  const offer = makeOffer(request.tools ?? [], read, request.tool_choice ?? "auto");
  const items = asOffered(read, offer);
  // An upstream that is down names no models; it may know the name once it is back.
  const model = served?.id ?? request.model ?? "default";
  const response = newResponse(request, newId("resp"), request.model ?? model, seconds());
  const schemas = served?.capabilities.schemas ?? false;
  const affinity = threadId ?? request.prompt_cache_key ?? null;
  return { request, response, model, schemas, input, items, offer, affinity };
}

/** The items of a thread as the prompt is made of them: references resolved, mistakes healed, seals and files opened. */
async function readable(
  line: Line,
  thread: readonly Item[],
  images: boolean,
  signal: AbortSignal,
): Promise<readonly Item[]> {
  const { items, counts } = heal(await resolveReferences(line.store, thread));
  const revealed = await reveal(items, { seal: line.seal, files: line.files, images }, signal);
  for (const [rule, times] of Object.entries(counts)) count("antiphon_healed_items_total", { rule }, times);
  line.log.debug("items read", () => ({ items: items.length, healed: counts, skipped: skipped(revealed) }));
  return revealed;
}

/** Instructions may be items too, as prompts stored at OpenAI are; they stand before the thread. */
function instructionItems(instructions: Request["instructions"]): Item[] {
  if (!Array.isArray(instructions)) return [];
  return normalise(
    instructions.map((entry: unknown) =>
      typeof entry === "string" ? { type: "message", role: "developer", content: entry } : entry,
    ),
  );
}

/** A served model by its name, else the default: clients hard-code names like `gpt-4.1`. null where none is known. */
function chooseModel(models: readonly ModelInfo[], asked: string | null): ModelInfo | null {
  return models.find(({ id }) => id === asked) ?? models[0] ?? null;
}

/** What the engine is asked in this turn, with the prompt at `shape`; every text of it is well formed. */
export function engineRequest(turn: Turn, shape: Shape): EngineRequest {
  const { request, offer } = turn;
  return wellFormed<EngineRequest>({
    model: turn.model,
    messages: plan(typeof request.instructions === "string" ? request.instructions : null, turn.items, shape),
    tools: offer.shown,
    toolChoice: offer.choice,
    parallelToolCalls: request.parallel_tool_calls ?? true,
    format: outputFormat(request),
    effort: request.reasoning?.effort ?? configuredEffort(turn.items),
    sampling: {
      temperature: request.temperature ?? null,
      topP: request.top_p ?? null,
      presencePenalty: request.presence_penalty ?? null,
      frequencyPenalty: request.frequency_penalty ?? null,
      seed: typeof request["seed"] === "number" ? request["seed"] : null,
    },
    maxTokens: request.max_output_tokens ?? null,
    topLogprobs: wantsLogprobs(request) ? (request.top_logprobs ?? 0) : null,
    affinity: turn.affinity,
    extra: extraFields(request),
  });
}

/** What the last `configuration_update` of the thread sets for the turns after it. */
function configuredEffort(items: readonly Item[]): string | null {
  const effort = at(items.findLast(({ type }) => type === "configuration_update")?.["reasoning"], "effort");
  return typeof effort === "string" ? effort : null;
}

function outputFormat(request: Request): EngineRequest["format"] {
  const format = request.text?.format;
  if (format?.type !== "json_schema") return { type: format?.type ?? "text" };
  return { type: "json_schema", name: format.name, schema: format.schema, strict: format.strict ?? false };
}

function wantsLogprobs(request: Request): boolean {
  const include = Array.isArray(request.include) ? request.include : [];
  return (request.top_logprobs ?? 0) > 0 || include.includes("message.output_text.logprobs");
}

/** Now, in whole seconds since 1970. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
