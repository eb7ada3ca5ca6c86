/** Owns an MCP server with two tools, spoken to over standard input and output, a line a message. */
import { createInterface } from "node:readline";
import { at, fieldsOf, parse } from "../../src/spec/json.ts";
import { mcpAnswer, mcpPicture, mcpTool, pixel } from "./mcp.ts";

type Answer = (params: unknown) => object;

const methods: Readonly<Record<string, Answer>> = {
  initialize: (params) => ({
    protocolVersion: at(params, "protocolVersion"),
    capabilities: { tools: {} },
    serverInfo: { name: "probe", version: "1.0.0" },
  }),
  "tools/list": () => ({
    tools: [
      {
        name: mcpTool,
        description: "Looks up where a thing lies",
        inputSchema: { type: "object", properties: { thing: { type: "string" } }, required: ["thing"] },
      },
      { name: mcpPicture, description: "Takes a picture", inputSchema: { type: "object", properties: {} } },
    ],
  }),
  "tools/call": (params) => ({
    content: [
      at(params, "name") === mcpPicture
        ? { type: "image", data: pixel, mimeType: "image/png" }
        : { type: "text", text: mcpAnswer },
    ],
  }),
  ping: () => ({}),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = fieldsOf(parse(line));
  // Notifications want no answer.
  if (id === undefined) continue;
  const answer = methods[String(method)];
  const outcome = answer ? { result: answer(params) } : { error: { code: -32_601, message: "Method not found" } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...outcome })}\n`);
}
