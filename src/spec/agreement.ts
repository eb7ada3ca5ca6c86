/**
 * Owns the agreement with OpenAI's types: fails to compile when the installed `openai` package names an item, content part,
 * tool, form of tool_choice, event or request field that our tables lack. Types only; not part of the build.
 */
import type {
  ResponseContent,
  ResponseCreateParamsBase,
  ResponseInputContent,
  ResponseInputItem,
  ResponseItem,
  ResponseOutputItem,
  ResponseStreamEvent,
  Tool,
} from "openai/resources/responses/responses";
import type { EventName } from "./events.ts";
import type { ItemType } from "./items.ts";
import type { ParamName } from "./params.ts";
import type { PartType } from "./parts.ts";
import type { ChoiceName, ToolType } from "./tools.ts";

type Missing<Theirs, Ours> = Exclude<Theirs, Ours>;
type Typed<T> = T extends { type?: (infer Name) | null } ? NonNullable<Name> : never;

/** Every form of `tool_choice`: its text, or the type of the object. */
type Wanted = NonNullable<ResponseCreateParamsBase["tool_choice"]>;
type Choice = Extract<Wanted, string> | Typed<Exclude<Wanted, string>>;

/** Each is `never` while we agree; a name that we lack makes its line an error that shows the name. */
export interface Agreement {
  readonly items: Missing<Typed<ResponseInputItem | ResponseItem | ResponseOutputItem>, ItemType>;
  readonly parts: Missing<Typed<ResponseContent | ResponseInputContent>, PartType>;
  readonly choices: Missing<Choice, ChoiceName>;
  readonly tools: Missing<Typed<Tool>, ToolType>;
  readonly events: Missing<ResponseStreamEvent["type"], EventName>;
  readonly params: Missing<keyof ResponseCreateParamsBase, ParamName>;
}

type Agreed<T extends Record<keyof T, never>> = T;
export type Checked = Agreed<Agreement>;
