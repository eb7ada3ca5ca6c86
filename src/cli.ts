/** Owns the command line: the table of commands, their help, and which handler gets what. */
import { type Config, nearest, readConfig, type Setting, settings, type Sources } from "./config.ts";

interface Command {
  readonly usage: string;
  readonly help: string;
}

export const commands = {
  serve: { usage: "serve [--model MODEL | --upstream URL] [...]", help: "serve the API (what runs without a command)" },
  pull: { usage: "pull MODEL", help: "fetch a model, for use later or without a network" },
  models: { usage: "models", help: "list the models that are on this machine" },
  help: { usage: "help", help: "show this" },
  version: { usage: "version", help: "show the version" },
} as const satisfies Record<string, Command>;

type CommandName = keyof typeof commands;

/** Injected by main; each gets the settings and the words behind its name. */
export type Handlers = Readonly<Record<Exclude<CommandName, "help">, (invocation: Invocation) => Promise<void>>>;

export interface Invocation {
  readonly config: Config;
  readonly words: readonly string[];
}

/** The command line is wrong; the message says what to type. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Terminal {
  readonly out: NodeJS.WriteStream;
  /** How a model is named, for the help. */
  readonly modelForms: readonly string[];
}

/** Runs what `sources.words` ask for. Throws UsageError, ConfigError, and whatever handlers throw. */
export async function runCommand(sources: Sources, handlers: Handlers, terminal: Terminal): Promise<void> {
  const { words } = sources;
  const showHelp = (): void => void terminal.out.write(helpText(terminal));
  if (words.some((word) => word === "--help" || word === "-h")) return showHelp();
  if (words.includes("--version"))
    return handlers.version({ config: readConfig({ ...sources, words: [] }).config, words: [] });
  const { config, rest } = readConfig(sources);
  const [first = "serve", ...others] = rest;
  const name = (Object.keys(commands) as CommandName[]).find((command) => command === first);
  if (name === undefined) {
    const near = nearest(first, Object.keys(commands));
    throw new UsageError(`Unknown command '${first}'.${near === null ? "" : ` Did you mean '${near}'?`} See --help.`);
  }
  if (name === "help") return showHelp();
  if (others.length !== (name === "pull" ? 1 : 0)) throw new UsageError(`Usage: antiphon ${commands[name].usage}`);
  return handlers[name]({ config, words: others });
}

const examples = [
  ["antiphon", "serve the default model on http://127.0.0.1:8484/v1"],
  ["antiphon --model ./qwen.gguf --ctx 32768", "serve a model file"],
  ["antiphon --upstream http://127.0.0.1:8080", "put the API in front of a server you already run"],
  ["antiphon --host 0.0.0.0 --api-key-file keys", "serve the network, to those who know a key"],
] as const;

/** The help; coloured only where `out` is a terminal that wants it. */
export function helpText({ out, modelForms }: Terminal): string {
  const coloured = out.isTTY && !process.env["NO_COLOR"];
  const strong = (text: string): string => (coloured ? `\u001B[1m${text}\u001B[0m` : text);
  const section = (title: string, rows: readonly (readonly [string, string])[]): string => {
    const width = Math.max(...rows.map(([left]) => left.length));
    return `${strong(title)}\n${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n")}\n`;
  };
  const flags = Object.entries(settings) as [string, Setting][];
  const groups = [...new Set(flags.map(([, { group }]) => group))];
  return [
    `${strong("antiphon")} - the Responses API for the models you run yourself\n`,
    section(
      "Commands",
      Object.values(commands).map(({ usage, help }) => [usage, help]),
    ),
    ...groups.map((group) => {
      const rows = flags.filter(([, setting]) => setting.group === group);
      return section(
        group,
        rows.map(([name, { value, help }]) => [`--${name} ${value}`, help]),
      );
    }),
    `${strong("A MODEL is one of")}\n${modelForms.map((form) => `  ${form}\n`).join("")}`,
    section("Examples", examples),
    "Each flag is also a variable (--api-key: ANTIPHON_API_KEY) and a key of antiphon.toml (api-key).\n",
  ].join("\n");
}
