/**
 * Owns a process that holds a llama-server and ends with us: llama-server itself would go on for ever, with the memory of a
 * GPU in its hands, when this program is killed. What it writes goes to our standard error.
 */
import { spawn } from "node:child_process";
import type { KeepNotice, KeepOrder } from "./protocol.ts";

process.once("message", ({ program, words, env }: KeepOrder) => {
  const server = spawn(program, words, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  // Whoever started us may be gone meanwhile: a message that cannot be sent must not end us before our program.
  const notice = server.pid === undefined ? null : ({ pid: server.pid } satisfies KeepNotice);
  if (notice !== null) process.send?.(notice, undefined, undefined, () => undefined);
  server.on("error", (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  server.on("exit", (code, signal) => {
    if (signal !== null) process.stderr.write(`it was ended by ${signal}\n`);
    process.exit(code ?? 1);
  });
  process.on("disconnect", () => server.kill("SIGKILL"));
});

// Control-C and service managers signal the whole group; the one who holds us decides.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
