#!/usr/bin/env node
// The published command: says what to do on an old Node, else starts the built program.
import { existsSync } from "node:fs";

const minimumNode = 24;
if (Number(process.versions.node.split(".")[0]) < minimumNode) {
  console.error(
    `antiphon needs Node ${minimumNode} or newer; this is Node ${process.versions.node}.\n` +
      "Install a newer Node. From a checkout, `npm start` brings one by itself.",
  );
  process.exit(1);
}
const program = new URL("../dist/main.js", import.meta.url);
if (!existsSync(program)) {
  console.error("antiphon is not built here: `npm start` serves from a checkout, `npm run build` builds this command.");
  process.exit(1);
}
await import(program);
