#!/usr/bin/env node
// The published command: says what to do on an old Node, else starts the built program.
const minimumNode = 24;
if (Number(process.versions.node.split(".")[0]) < minimumNode) {
  console.error(
    `antiphon needs Node ${minimumNode} or newer; this is Node ${process.versions.node}.\n` +
      "Install a newer Node, or let npm bring one for this command alone:\n\n" +
      "  npx --package node@26 --package antiphon antiphon serve\n",
  );
  process.exit(1);
}
await import("../dist/main.js");
