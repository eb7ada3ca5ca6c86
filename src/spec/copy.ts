/** Owns the copying of JSON. */

/** A copy that shares nothing with `value`: what `structuredClone` does, without its way through a serialiser. */
export function copyOf<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((entry: unknown) => copyOf(entry)) as T;
  // Spread first: a client's "__proto__" is then a field like any other, and stays one.
  const copy = { ...value } as Record<string, unknown>;
  for (const [name, field] of Object.entries(copy)) if (typeof field === "object") copy[name] = copyOf(field);
  return copy as T;
}
