/** Owns the far side of `../played.ts` in Node: plays the steps it is told on standard input, and answers a line for each. */
import { createInterface } from "node:readline";

/** `Stage` of `../suite.ts`, as far as a program needs it, with `pixel`: a PNG in base64. */
export const stage = JSON.parse(process.env.STAGE);

/** `steps`: functions by name; one that throws has failed. Ends with standard input. */
export async function play(steps) {
  for await (const step of createInterface({ input: process.stdin })) {
    let problem = null;
    try {
      await steps[step]();
    } catch (error) {
      problem = String(error?.stack ?? error);
    }
    process.stdout.write(`${JSON.stringify({ step, problem })}\n`);
  }
}
