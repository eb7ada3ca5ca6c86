/** Owns the guess of which server an upstream is, from what it says about itself. */
import type { Connection } from "./connection.ts";
import { type Dialect, type DialectName, dialects } from "./dialects.ts";
import { at, fieldsOf, listOf } from "../../spec/json.ts";

const rows = Object.entries(dialects) as readonly (readonly [DialectName, Dialect])[];

export interface Guess {
  readonly name: DialectName;
  /** False where the upstream refused to answer for now: a limited or locked door says nothing about what is behind it. */
  readonly sure: boolean;
}

/** The dialect of the upstream; null where it cannot be reached, or is not ready to tell. */
export async function detectDialect(connection: Connection): Promise<Guess | null> {
  const answer = await connection.ask("/models", "api").catch(() => null);
  if (answer === null) return null;
  const named = rows.find(([, { server }]) => server !== null && server === answer.server);
  if (named) return { name: named[0], sure: true };
  if (answer.status >= 500) return null;
  const owners = new Set(listOf(at(answer.body, "data")).map((model) => model["owned_by"]));
  const owned = rows.find(([, { owners: known }]) => known.some((owner) => owners.has(owner)));
  if (owned) return { name: owned[0], sure: true };
  const proofs = await Promise.all(rows.map(([, { probe }]) => proves(connection, probe)));
  const proven = rows[proofs.indexOf(true)];
  return proven ? { name: proven[0], sure: true } : { name: "generic", sure: answer.status < 300 };
}

async function proves(connection: Connection, probe: Dialect["probe"]): Promise<boolean> {
  if (probe === null) return false;
  const answer = await connection.ask(probe.path, "root").catch(() => null);
  return answer?.status === 200 && probe.proves(fieldsOf(answer.body));
}
