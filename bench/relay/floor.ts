/**
 * Owns the floor: what any relay in Node must do, and nothing else. It reads each chunk of the upstream as JSON and writes
 * its text as an event; there are no items, no checks, no store, no limits.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fieldsOf, parse } from "../../src/spec/json.ts";

const [upstream = ""] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

const server = createServer((incoming, outgoing) => {
  void text(incoming).then((body) => {
    const { model, input, stream, max_output_tokens } = fieldsOf(parse(body));
    const messages = [{ role: "user", content: input }];
    const asked = JSON.stringify({ model, messages, max_tokens: max_output_tokens, stream: true });
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(asked) };
    request(`${upstream}/v1/chat/completions`, { method: "POST", agent, headers }, (answer) => {
      relay(answer, outgoing, stream === true);
    }).end(asked);
  });
});

function relay(answer: IncomingMessage, outgoing: ServerResponse, stream: boolean): void {
  let held = "";
  let whole = "";
  let sequence = 0;
  if (stream) outgoing.setHeader("content-type", "text/event-stream");
  answer.setEncoding("utf8").on("data", (piece: string) => {
    const lines = (held + piece).split("\n\n");
    held = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "data: [DONE]") continue;
      const { choices } = JSON.parse(line.slice("data: ".length)) as Chunk;
      const delta = choices[0]?.delta.content;
      if (delta === undefined) continue;
      whole += delta;
      const event = { type: "response.output_text.delta", sequence_number: sequence++, item_id: "msg_0", delta };
      if (stream) outgoing.write(`event: response.output_text.delta\ndata: ${JSON.stringify(event)}\n\n`);
    }
  });
  answer.on("end", () => {
    const event = { type: "response.completed", response: { status: "completed", output_text: whole } };
    if (stream) outgoing.end(`event: response.completed\ndata: ${JSON.stringify(event)}\n\n`);
    else outgoing.setHeader("content-type", "application/json").end(JSON.stringify(event.response));
  });
}

server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
