/** Owns a stand-in for the program llama-server: its flags, its key, its long way to a loaded model, and its crashes. */
import { createServer } from "node:http";
import { parseArgs } from "node:util";

const text = { type: "string" };
const { values } = parseArgs({
  strict: false,
  options: { model: text, alias: text, port: text, host: text, parallel: text, "ctx-size": text, mood: text },
});
if (values.mood === "broken") {
  process.stderr.write("error: the model file is broken\n");
  process.exit(1);
}

let loaded = false;
setTimeout(() => {
  loaded = true;
}, 150);

function send(response, status, body) {
  response.writeHead(status, { "content-type": "application/json", server: "llama.cpp" });
  response.end(JSON.stringify(body));
}

function answer(response, prompt) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const say = (delta, rest = {}) =>
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null, ...rest }] })}\n\n`);
  if (prompt.includes("crash in the middle")) {
    say({ role: "assistant", content: "half" });
    setTimeout(() => process.kill(process.pid, "SIGKILL"), 50);
    return;
  }
  say({ role: "assistant", content: `pid ${process.pid} args ${process.argv.slice(2).join(" ")}` });
  say({}, { finish_reason: "stop" });
  response.end("data: [DONE]\n\n");
}

createServer((request, response) => {
  if (request.headers.authorization !== `Bearer ${process.env["LLAMA_API_KEY"]}`) {
    return send(response, 401, { error: { message: "Invalid API Key" } });
  }
  if (!loaded) return send(response, 503, { error: { message: "Loading model", code: 503 } });
  if (request.url?.endsWith("/models")) {
    return send(response, 200, { data: [{ id: values.alias, owned_by: "llamacpp", meta: { n_ctx: 4096 } }] });
  }
  if (request.url === "/props") {
    const settings = { n_ctx: Number(values["ctx-size"] ?? 8192) };
    return send(response, 200, { default_generation_settings: settings, modalities: { vision: true } });
  }
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => answer(response, body));
}).listen(values.mood === "deaf" ? 0 : Number(values.port), values.host);
