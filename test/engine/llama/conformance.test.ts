/** Owns the proof that the embedded engine keeps the contract, with a real llama.cpp and the scripted model. */
import { engineConformance } from "../conformance.ts";
import { loaded, scriptedEngine } from "./engine.ts";

engineConformance("llama", async () => {
  const made = await scriptedEngine();
  await loaded(made.engine);
  return made;
});
