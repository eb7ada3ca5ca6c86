/** Owns the command line: the table of commands, their help, and which handler gets what. */
import { type Config, type Flag, readConfig, type Sources } from "./config.ts";
import type { LineOutput } from "./log.ts";
import { nearest } from "./nearest.ts";
import { type Setting, settings } from "./settings.ts";

interface Command {
  readonly usage: string;
  readonly help: string;
  /** How many words stand behind it, at least and at most. */
  readonly words: readonly [number, number];
  readonly flags?: Readonly<Record<string, Flag>>;
}

export const commands = {
  serve: { usage: "serve", help: "serve the API; the same without any command", words: [0, 0] },
  pull: { usage: "pull MODEL", help: "fetch a model, for later or for a machine without a network", words: [1, 1] },
  engine: {
    usage: "engine install",
    help: "fetch the engine beforehand; with --gpu its build for that",
    words: [1, 1],
  },
  models: { usage: "models", help: "list the models that are on this machine", words: [0, 0] },
  "check-stream": {
    usage: "check-stream [FILE|URL]",
    help: "name each rule that a stream breaks, of any server; -: standard input",
    words: [0, 1],
    flags: {
      body: { value: "FILE", help: "the request, as JSON: sent to a URL; its tools and settings are checked too" },
      key: { value: "KEY", help: "the key that the server at the URL asks for" },
      json: { value: null, help: "tell it to a program" },
    },
  },
  help: { usage: "help", help: "show this; also --help", words: [0, 0] },
  version: { usage: "version", help: "show the version; also --version", words: [0, 0] },
} as const satisfies Record<string, Command>;

type CommandName = keyof typeof commands;

const commandFlags: Readonly<Record<string, Flag>> = Object.assign(
  {},
  ...Object.values<Command>(commands).map(({ flags }) => flags),
);

/** What main does for each command. */
export interface Handlers {
  readonly serve: (invocation: Invocation) => Promise<void>;
  readonly pull: (invocation: Invocation) => Promise<void>;
  readonly engine: (invocation: Invocation) => Promise<void>;
  readonly models: (invocation: Invocation) => Promise<void>;
  readonly "check-stream": (invocation: Invocation) => Promise<void>;
  readonly version: () => Promise<void>;
}

export interface Invocation {
  readonly config: Config;
  /** What stands behind the command. */
  readonly words: readonly string[];
  /** The command's own flags; "" for those that take no value. */
  readonly flags: Readonly<Record<string, string>>;
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
  const { config, rest, own } = readConfig({ ...sources, flags: commandFlags });
  const [first = "serve", ...others] = rest;
  const name = (Object.keys(commands) as CommandName[]).find((command) => command === first);
  if (name === undefined) throw new UsageError(unknownCommand(first, terminal));
  if (name === "help") return showHelp();
  const { usage, words: allowed, flags = {} }: Command = commands[name];
  const foreign = Object.keys(own).find((flag) => !Object.hasOwn(flags, flag));
  if (foreign !== undefined)
    throw new UsageError(`--${foreign} is no flag of '${name}'. See ${terminal.program} --help.`);
  if (others.length < allowed[0] || others.length > allowed[1]) {
    throw new UsageError(`Usage: ${terminal.program} ${usage}`);
  }
  return handlers[name]({ config, words: others, flags: own });
}

function unknownCommand(word: string, { program }: Terminal): string {
  if (/[/:]|\.gguf$/i.test(word)) return `'${word}' is no command. To serve that model: ${program} --model ${word}`;
  const near = nearest(word, Object.keys(commands));
  if (near !== null) return `Unknown command '${word}'. Did you mean '${near}'? See ${program} --help.`;
  // npm keeps the flags before its dashes, and hands on what is left of them.
  const dashes = program.startsWith("npm") ? ` Settings stand behind the dashes: ${program} --port 8484.` : "";
  return `Unknown command '${word}'.${dashes} See ${program} --help.`;
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
    ...Object.entries<Command>(commands).flatMap(([name, { flags = {} }]) => {
      const rows = Object.entries(flags).map(([flag, { value, help }]): [string, string] => {
        return [`--${flag} ${value ?? ""}`.trimEnd(), help];
      });
      return rows.length === 0 ? [] : [section(`Flags of ${name}`, rows)];
    }),
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
