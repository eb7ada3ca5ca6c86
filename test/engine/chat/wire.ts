/** Owns how a behaviour of an upstream is written down: what it sends, and what that means. */
import { chunk } from "../upstream.ts";

export interface Behaviour {
  readonly title: string;
  /** Chunks as JSON, or raw text of the stream. */
  readonly sent: readonly unknown[];
  /** Items as `type: text`, calls as `call name: arguments`, "(cut)" where left open; last the finish or failure. */
  readonly means: readonly string[];
  /** input/cached/output/reasoning, "~" in front where estimated. */
  readonly usage?: string;
}

export const done = "data: [DONE]\n\n";
export const say = (content: unknown): unknown => chunk({ content });
export const think = (text: string): unknown => chunk({ reasoning_content: text });
export const call = (...parts: readonly unknown[]): unknown => chunk({ tool_calls: parts });
export const end = (reason: string): unknown => chunk({}, reason);
export const made = (name: unknown, args: unknown, rest: object = {}): unknown => ({
  ...rest,
  function: { name, arguments: args },
});
