/** Owns the command line: the table of commands, their help, and which handler gets what. */
import { type Config, nearest, readConfig, type Setting, settings, type Sources } from "./config.ts";
import type { LineOutput } from "./log.ts";

interface Command {
  readonly usage: string;
  readonly help: string;
}

export const commands = {
  serve: { usage: "serve", help: "serve the API; the same without any command" },
  pull: { usage: "pull MODEL", help: "fetch a model, for later or for a machine without a network" },
  models: { usage: "models", help: "list the models that are on this machine" },
  help: { usage: "help", help: "show this; also --help" },
  version: { usage: "version", help: "show the version; also --version" },
} as const satisfies Record<string, Command>;

type CommandName = keyof typeof commands;

/** What main does for each command. */
export interface Handlers {
  readonly serve: (invocation: Invocation) => Promise<void>;
  readonly pull: (invocation: Invocation) => Promise<void>;
  readonly models: (invocation: Invocation) => Promise<void>;
  readonly version: () => Promise<void>;
}

export interface Invocation {
  readonly config: Config;
  /** What stands behind the command. */
  readonly words: readonly string[];
}

/** The command line is wrong; the message says what to type. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Terminal {
  readonly out: LineOutput;
  /** What the reader types to start this program: `antiphon`, or npm's words for it in a checkout. */
  readonly program: string;
  /** How a model is named, for the help. */
  readonly modelForms: readonly string[];
}

/** Runs what `sources.words` ask for. Throws UsageError, ConfigError, and whatever handlers throw. */
export async function runCommand(sources: Sources, handlers: Handlers, terminal: Terminal): Promise<void> {
  const { words } = sources;
  const showHelp = (): void => void terminal.out.write(helpText(terminal));
  // Both must work where the settings are broken: they are what one asks for then.
  if (words[0] === "help" || words.some((word) => word === "--help" || word === "-h")) return showHelp();
  if (words[0] === "version" || words.includes("--version")) return handlers.version();
  const { config, rest } = readConfig(sources);
  const [first = "serve", ...others] = rest;
  const name = (Object.keys(commands) as CommandName[]).find((command) => command === first);
  if (name === undefined) throw new UsageError(unknownCommand(first, terminal));
  if (name === "help") return showHelp();
  if (others.length !== (name === "pull" ? 1 : 0)) {
    throw new UsageError(`Usage: ${terminal.program} ${commands[name].usage}`);
  }
  return handlers[name]({ config, words: others });
}

function unknownCommand(word: string, { program }: Terminal): string {
  if (/[/:]|\.gguf$/i.test(word)) return `'${word}' is no command. To serve that model: ${program} --model ${word}`;
  const near = nearest(word, Object.keys(commands));
  return `Unknown command '${word}'.${near === null ? "" : ` Did you mean '${near}'?`} See ${program} --help.`;
}

const examples = [
  ["", "serve the model used last, or a small one"],
  ["--model ./qwen.gguf --ctx 32768", "serve a model file"],
  ["--upstream http://127.0.0.1:8080", "put the API in front of a server you already run"],
  ["--host 0.0.0.0 --api-key-file keys", "serve the network, to those who know a key"],
  ["pull hf:unsloth/Qwen3-0.6B-GGUF", "fetch a model from Hugging Face"],
] as const;

/** The help; coloured only where `out` is a terminal that wants it (no-color.org). */
export function helpText({ out, program, modelForms }: Terminal): string {
  const coloured = out.isTTY === true && !process.env["NO_COLOR"];
  const strong = (text: string): string => (coloured ? `\u001B[1m${text}\u001B[0m` : text);
  const section = (title: string, rows: readonly (readonly [string, string])[]): string => {
    const width = Math.max(...rows.map(([left]) => left.length));
    return `${strong(title)}\n${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n")}\n`;
  };
  const flags = Object.entries(settings) as [string, Setting][];
  const groups = [...new Set(flags.map(([, { group }]) => group))];
  return [
    `${strong("antiphon")} - the Responses API for the models you run yourself\n\n${program} [COMMAND] [SETTINGS]\n`,
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
    section(
      "Examples",
      // npm wants its dashes only where words follow.
      examples.map(([words, help]) => [words === "" ? program.replace(/ --$/, "") : `${program} ${words}`, help]),
    ),
    "Every setting is also a variable (--api-key: ANTIPHON_API_KEY) and a key of antiphon.toml (api-key).\n" +
      "Flags win over variables, and variables over the file.\n",
  ].join("\n");
}
