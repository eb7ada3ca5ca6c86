/** Owns the list of what leaves our door, in OpenAI's types: the schemas are made of it. */
import type { Model } from "openai/resources/models";
import type { ResponseItemList } from "openai/resources/responses/input-items";
import type { InputTokenCountResponse } from "openai/resources/responses/input-tokens";
import type { CompactedResponse, Response, ResponseStreamEvent } from "openai/resources/responses/responses";
import type { ErrorObject } from "openai/resources/shared";

export interface Wire {
  readonly event: ResponseStreamEvent;
  readonly response: Response;
  readonly items: ResponseItemList;
  readonly model: Model;
  readonly tokens: InputTokenCountResponse;
  readonly compacted: CompactedResponse;
  readonly error: ErrorObject;
}
