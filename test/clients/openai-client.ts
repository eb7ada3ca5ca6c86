/** Owns the SDK's client as the steps use it, and what they check of every answer. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import type { Response } from "openai/resources/responses/responses";
import type { Stage } from "./suite.ts";

/** Without retries: whatever goes wrong is seen. */
export function clientOf({ baseUrl }: Stage): OpenAI {
  return new OpenAI({ baseURL: baseUrl, apiKey: "none", maxRetries: 0 });
}

export function assertAnswered(response: Response, text: string): void {
  assert.equal(response.status, "completed");
  assert.equal(response.output_text, text);
}
