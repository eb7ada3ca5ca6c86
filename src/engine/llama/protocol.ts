/** Owns the messages between the server and the engine process: one type a direction, plain data only. */
import type { EngineRequest, Failure, FinishReason, Logprob, Usage } from "../engine.ts";
import type { AnswerForm, CallForm } from "../format/forms.ts";
import type { Kept, SavePlace } from "./saved.ts";
import type { Loss } from "./slots.ts";

export interface LoadOptions {
  /** Where the engine package was installed. */
  readonly packageFolder: string;
  readonly modelPath: string;
  /** All files of the model, that one first. */
  readonly modelFiles: readonly string[];
  /** Tokens of one conversation; null: as many as the model was trained for and memory allows. */
  readonly contextSize: number | null;
  /** null: one less than the machine has cores, since llama.cpp collapses when another process takes one of its cores. */
  readonly threads: number | null;
  /** Whether a GPU is used where the package has a build for it. */
  readonly gpu: boolean;
  /** Conversations that are written at the same time. */
  readonly slots: number;
  /** Where slots lie while no process holds the model; null: nowhere. */
  readonly save: SavePlace | null;
  /** Whether slots are restored; not after a crash: what was saved might crash this process too. */
  readonly restore: boolean;
}

/** To the engine process. `id` is the asker's number for one generation or count. */
export type Order =
  | { readonly type: "load"; readonly options: LoadOptions }
  | { readonly type: "generate"; readonly id: number; readonly request: EngineRequest }
  | { readonly type: "count"; readonly id: number; readonly request: EngineRequest }
  /** So many more pieces were taken. */
  | { readonly type: "confirm"; readonly id: number; readonly pieces: number }
  | { readonly type: "cancel"; readonly id: number }
  /** Asks for `alive`. */
  | { readonly type: "ping" }
  /** Nobody wants answers any more: asks for `Saved`. */
  | { readonly type: "save" };

/** What is known of a model once it is loaded. */
export interface LoadedModel {
  readonly contextLength: number;
  /** Tokens of one conversation that its makers trained it for. */
  readonly trainedLength: number;
  readonly reasoning: boolean;
  /** Whether the template renders calls itself, and as what, or our own protocol is used. */
  readonly tools: `native, as ${CallForm["type"]}` | "prompted";
  /** Which program renders the template. */
  readonly renderer: "llama.cpp" | "javascript";
  /** What computes: `cuda`, `vulkan`, `metal`, or the CPU. */
  readonly device: string;
}

/** From the engine process about itself. */
export type Notice =
  | { readonly type: "loading"; readonly percent: number }
  /** `restored`: slots that hold what was saved of them; `trouble`: why none could. */
  | {
      readonly type: "ready";
      readonly model: LoadedModel;
      readonly restored: number;
      readonly trouble: string | null;
    }
  /** Milliseconds since llama.cpp began with the step it is at longest; 0 where it has none. */
  | { readonly type: "alive"; readonly stuckMs: number }
  /** The model cannot be loaded, and would not be next time either. */
  | { readonly type: "broken"; readonly message: string };

/** The last words of an engine process that is told to save. */
export interface Saved extends Kept {
  readonly type: "saved";
}

/** From the engine process about one generation or count; `done`, `failed` and `counted` are the last ones. */
export type Report =
  | { readonly type: "queued"; readonly id: number; readonly ahead: number }
  | { readonly type: "prefill"; readonly id: number; readonly done: number; readonly total: number }
  /** What was read of its thread must be read again, in part. */
  | { readonly type: "lost"; readonly id: number; readonly loss: Loss }
  /** `thinking`: the prompt already began it. */
  | { readonly type: "started"; readonly id: number; readonly thinking: boolean; readonly form: AnswerForm }
  /** `logprobs`: of the tokens that it was made from, where they are wanted. */
  | { readonly type: "piece"; readonly id: number; readonly text: string; readonly logprobs?: readonly Logprob[] }
  | { readonly type: "done"; readonly id: number; readonly reason: FinishReason; readonly usage: Usage }
  | { readonly type: "failed"; readonly id: number; readonly failure: Failure }
  | { readonly type: "counted"; readonly id: number; readonly input: number; readonly exact: boolean };
