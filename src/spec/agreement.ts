/**
 * Owns the agreement with OpenAI's types: fails to compile when the installed `openai` package names an item, tool, event
 * or request field that our tables lack. Types only; not part of the build.
 */
import type { ResponseCreateParamsBase, ResponseInputItem, ResponseItem } from "openai/resources/responses/responses";
import type { ResponseOutputItem, ResponseStreamEvent, Tool } from "openai/resources/responses/responses";
import type { EventName } from "./events.ts";
import type { ItemType } from "./items.ts";
import type { ParamName } from "./params.ts";
import type { ToolType } from "./tools.ts";

type Missing<Theirs, Ours> = Exclude<Theirs, Ours>;
type Typed<T> = T extends { type?: (infer Name) | null } ? NonNullable<Name> : never;

/** Each is `never` while we agree; a name that we lack makes its line an error that shows the name. */
export interface Agreement {
  readonly items: Missing<Typed<ResponseInputItem | ResponseItem | ResponseOutputItem>, ItemType>;
  readonly tools: Missing<Typed<Tool>, ToolType>;
  readonly events: Missing<ResponseStreamEvent["type"], EventName>;
  readonly params: Missing<keyof ResponseCreateParamsBase, ParamName>;
}

type Agreed<T extends Record<keyof T, never>> = T;
export type Checked = Agreed<Agreement>;
