/**
 * Owns the soak: streams without pause on the embedded engine, some cancelled, and its process killed every minute. It ends
 * with an error where a stream does not end as it should, or where the memory of the server grows.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { StreamCheck, anything } from "../src/spec/check/check.ts";
import { at, fieldsOf, words } from "../src/spec/json.ts";
import { startProgram } from "../test/main/program.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    streams: { type: "string", default: "4" },
    model: { type: "string", default: "scripted" },
    json: { type: "boolean", default: false },
  },
});

const endsAt = performance.now() + Number(values.minutes) * 60_000;
/** A stream that says nothing for so long is stuck: keep-alives come every ten seconds. */
const stuckMs = 60_000;
const prompts = [
  "Say hello.",
  "[[think]]",
  "[[tool]]",
  "[[long]]",
  `${"All of this is read first. ".repeat(200)}Now answer.`,
];

type Outcome = "completed" | "incomplete" | "crashed" | "cancelled" | "stuck" | "broken" | "refused";
const outcomes: Record<Outcome, number> = {
  completed: 0,
  incomplete: 0,
  crashed: 0,
  cancelled: 0,
  stuck: 0,
  broken: 0,
  refused: 0,
};

/** Streams one answer; a third of them is cancelled after a random time. */
async function stream(address: string, prompt: string, thread: string): Promise<Outcome> {
  const leaving = new AbortController();
  const cancel = Math.random() < 1 / 3 || prompt === "[[long]]";
  const timer = cancel ? setTimeout(() => leaving.abort("cancelled"), Math.random() * 2_000) : undefined;
  let watch = setTimeout(() => leaving.abort("stuck"), stuckMs);
  const broken: string[] = [];
  let last = "";
  let code: unknown = null;
  const check = new StreamCheck(
    anything,
    ({ row, message }) => broken.push(`${row}: ${message}`),
    (event) => {
      last = words(fieldsOf(event)["type"]);
      code = at(event, "response", "error", "code");
    },
  );
  try {
    const answer = await fetch(`${address}/responses`, {
      method: "POST",
      headers: { "content-type": "application/json", "thread-id": thread },
      body: JSON.stringify({ input: prompt, stream: true, max_output_tokens: 200, tools }),
      signal: leaving.signal,
    });
    if (!answer.ok) return "refused";
    for await (const piece of answer.body ?? []) {
      clearTimeout(watch);
      watch = setTimeout(() => leaving.abort("stuck"), stuckMs);
      check.push(Buffer.from(piece).toString());
    }
    check.end();
  } catch (error) {
    return leaving.signal.aborted
      ? (leaving.signal.reason as Outcome)
      : (process.stderr.write(`${String(error)}\n`), "broken");
  } finally {
    clearTimeout(timer);
    clearTimeout(watch);
  }
  if (broken.length > 0) process.stderr.write(`${broken.join("\n")}\n`);
  if (broken.length > 0) return "broken";
  if (last === "response.failed") return code === "server_error" ? "crashed" : "broken";
  return last === "response.completed" ? "completed" : "incomplete";
}

const tools = [
  { type: "function", name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
];

async function keepStreaming(address: string, thread: string): Promise<void> {
  while (performance.now() < endsAt) {
    const prompt = prompts[Math.floor(Math.random() * prompts.length)] ?? "";
    outcomes[await stream(address, prompt, thread)] += 1;
  }
}

/** Memory that a process holds, in MiB. */
function residentMiB(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}

/** Processes that `pid` started. */
function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8")) ?? [];
        return Number(parent) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function killEveryMinute(pid: number): Promise<number> {
  let kills = 0;
  while (endsAt - performance.now() > 60_000) {
    await sleep(60_000);
    for (const child of childrenOf(pid)) process.kill(child, "SIGKILL");
    kills += 1;
  }
  return kills;
}

const program = startProgram([
  "serve",
  "--model",
  values.model,
  "--port",
  "0",
  "--threads",
  "1",
  "--log-level",
  "error",
]);
const address = await program.address;
const pid = program.child.pid ?? 0;
const memory: number[] = [];
const measuring = setInterval(() => memory.push(residentMiB(pid)), 10_000);
const streams = Array.from({ length: Number(values.streams) }, (_, index) => keepStreaming(address, `thread ${index}`));
const [kills] = await Promise.all([killEveryMinute(pid), ...streams]);
clearInterval(measuring);
program.child.kill("SIGTERM");
const { code } = await program.ended;

/** The first tenth warms up; after it the memory must stay where it is. */
const settled = memory.slice(Math.ceil(memory.length / 10));
const half = Math.floor(settled.length / 2);
const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
const [early, late] = [median(settled.slice(0, half)), median(settled.slice(half))];
const report = {
  minutes: Number(values.minutes),
  streams: Number(values.streams),
  kills,
  outcomes,
  memoryMiB: { early: Math.round(early), late: Math.round(late), peak: Math.round(Math.max(...memory)) },
  growth: Number((late / early).toFixed(3)),
  exitCode: code,
};
process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${JSON.stringify(report, null, 2)}\n`);
const { stuck, broken, refused, completed } = outcomes;
if (stuck + broken + refused > 0 || completed === 0 || late > early * 1.1 || code !== 0) process.exitCode = 1;
