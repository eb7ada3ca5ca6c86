/** Owns the names of members that a schema does not name, in GBNF: any JSON string but those that it does. */
import { limits } from "../../limits.ts";
import { characterClass, literal, oneOf } from "./rules.ts";

/**
 * An expression for a JSON string that means none of `names`; `character` is the rule of one character in a string. Up to
 * where it differs from all of them nothing is escaped, since an escape can spell any character.
 */
export function otherKey(names: readonly string[], character: string): string {
  const spelled = names.map((name) => Array.from(JSON.stringify(name).slice(1, -1)));
  return `${literal('"')} ${unlike(spelled, character, 0)}`;
}

/** What may follow a beginning behind which `names` go on so. */
function unlike(names: readonly (readonly string[])[], character: string, depth: number): string {
  const going = new Map<string, (readonly string[])[]>();
  for (const [first, ...rest] of names) if (first !== undefined) going.set(first, [...(going.get(first) ?? []), rest]);
  const firsts = [...going.keys()].filter((first) => first !== "\\");
  const choices = [`[^"\\\\\\x00-\\x1F\\x7F${firsts.map(characterClass).join("")}] ${character}* ${literal('"')}`];
  if (names.every((name) => name.length > 0)) choices.push(literal('"'));
  for (const first of depth < limits.grammarDepth ? firsts : []) {
    choices.push(`${literal(first)} ${unlike(going.get(first) ?? [], character, depth + 1)}`);
  }
  return oneOf(choices);
}
