/** Owns the shape of the suite: a client's steps, and the stage on which each is played. */
import type { Exchange } from "./tap.ts";

/** What the model behind the server says, word for word. */
export interface Lines {
  /** Without a command word. */
  readonly plain: string;
  /** On `[[think]]`: the thinking, and the answer after it. */
  readonly thought: string;
  readonly considered: string;
  /** Once a tool has answered. */
  readonly settled: string;
}

/** A server with one engine, seen through a tap. */
export interface Stage {
  readonly engine: EngineName;
  /** As clients are given it, ending in `/v1`. */
  readonly baseUrl: string;
  /** Id of the model. */
  readonly model: string;
  readonly lines: Lines;
  /** For what clients write; it is removed in the end. */
  readonly folder: string;
  /** What `serve` printed when it was ready, with the address of the tap. */
  readonly welcome: string;
  /** What this step's clients have asked, and got. */
  exchanges(): readonly Exchange[];
  /** Asserts that every prompt of this step began with the whole prompt before it, as the model saw them. */
  assertPrefixKept(): void;
  /** Keeps what a client printed, to be shown when the step fails. */
  note(text: string): void;
}

export const engineNames = ["embedded", "upstream"] as const;
export type EngineName = (typeof engineNames)[number];

export interface Step {
  readonly name: string;
  /** null: on every engine. */
  readonly only: EngineName | null;
  /** Throws when the client is not served as it should be. */
  play(stage: Stage): Promise<void>;
}

export interface Suite {
  readonly client: string;
  readonly version: string;
  readonly steps: readonly Step[];
  /** Played after the steps, whichever of them were wanted. */
  readonly last?: Step;
}

/** A step from its name and what it does, on every engine or on one. */
export function step(name: string, play: Step["play"], only: EngineName | null = null): Step {
  return { name, only, play };
}
