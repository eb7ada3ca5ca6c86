/** Owns the reading of settings: defaults < file < environment < flags; what is wrong is named with its source. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parse as parseToml } from "smol-toml";
import { messageOf } from "./errors.ts";
import { type LogLevel, logLevels } from "./log.ts";
import { nearest } from "./nearest.ts";
import { clientDialectNames, dialectNames, engineNames, gpuNames, type Setting, settings } from "./settings.ts";

type SettingName = keyof typeof settings;
const names = Object.keys(settings) as readonly SettingName[];

/** Only one of each pair can hold: the one nearer to the command line, and never both from the same place. */
const alternatives = [
  ["model", "upstream"],
  ["upstream-key", "upstream-key-file"],
] as const satisfies readonly (readonly [SettingName, SettingName])[];

export interface Config {
  /** The first is the default; none: what this program chooses. */
  readonly models: readonly string[];
  readonly modelsLoaded: number;
  readonly contextSize: number | null;
  readonly threads: number | null;
  readonly slots: number;
  readonly engine: (typeof engineNames)[number];
  readonly llamaServer: { readonly program: string; readonly flags: readonly string[] };
  readonly gpu: (typeof gpuNames)[number];
  /** Minutes; null: never. */
  readonly unloadAfter: number | null;
  /** Bytes of disk for what was read of threads, while no process holds the model; null: nothing is saved. */
  readonly saveSlots: number | null;
  readonly upstream: string | null;
  readonly upstreamKey: string | null;
  readonly dialect: (typeof dialectNames)[number] | null;
  readonly clientDialect: (typeof clientDialectNames)[number];
  readonly host: string;
  readonly port: number;
  readonly apiKeys: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly logLevel: LogLevel;
}

/** What the operator set wrongly, in words for the terminal. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Values = Partial<Record<SettingName, readonly string[]>>;

/** A flag of one command; no setting, so neither variable nor file can set it. */
export interface Flag {
  /** Stands for the value in the help; null: the flag takes none. */
  readonly value: string | null;
  readonly help: string;
}

export interface Sources {
  /** Flags and words behind the command. */
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Folder of `antiphon.toml`. */
  readonly folder: string;
  /** Those of commands, by name. */
  readonly flags?: Readonly<Record<string, Flag>>;
}

export interface Read {
  readonly config: Config;
  /** The words that are no flags. */
  readonly rest: readonly string[];
  /** The flags of commands that are there, with their values; "" for those that take none. */
  readonly own: Readonly<Record<string, string>>;
}

/** The settings, and what else the command line says. Throws a ConfigError. */
export function readConfig({ words, env, folder, flags: known = {} }: Sources): Read {
  const { values: flags, rest, own } = fromFlags(words, known);
  const variables = fromEnvironment(env);
  const named = (flags.config ?? variables.config)?.at(-1);
  const file = fromFile(named ?? join(folder, "antiphon.toml"), named !== undefined);
  return { config: assemble([file, variables, flags].reduce(overlay, {})), rest, own };
}

/** What `above` sets wins over `below`, and over what stands for the same there. */
function overlay(below: Values, above: Values): Values {
  const values = { ...below };
  for (const [one, other] of alternatives) {
    if (above[one] && above[other]) throw new ConfigError(`Both --${one} and --${other} are set; choose one of them.`);
    if (above[one]) delete values[other];
    if (above[other]) delete values[one];
  }
  return { ...values, ...above };
}

function fromFlags(
  words: readonly string[],
  flags: Readonly<Record<string, Flag>>,
): { values: Values; rest: readonly string[]; own: Record<string, string> } {
  const switches = Object.keys(flags).filter((name) => flags[name]?.value === null);
  const texts = [...names, ...Object.keys(flags)].filter((name) => !switches.includes(name));
  const options = Object.fromEntries([
    ...texts.map((name) => [name, { type: "string", multiple: true } as const] as const),
    ...switches.map((name) => [name, { type: "boolean" } as const] as const),
  ]);
  const { tokens, positionals } = parseArgs({ args: [...words], options, strict: false, tokens: true });
  const values: Values = {};
  const own: Record<string, string> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined;
    if (flag) {
      if (flag.value !== null && token.value === undefined)
        throw new ConfigError(`${token.rawName} needs a value: ${token.rawName} ${flag.value}`);
      own[token.name] = token.value ?? "";
      continue;
    }
    const name = known(token.name, token.rawName, "--");
    if (token.value === undefined)
      throw new ConfigError(`${token.rawName} needs a value: --${name} ${settings[name].value}`);
    values[name] = [...(values[name] ?? []), checked(name, token.value, `--${name}`)];
  }
  return { values, rest: positionals, own };
}

const prefix = "ANTIPHON_";

function variableOf(name: string): string {
  return prefix + name.toUpperCase().replaceAll("-", "_");
}

/**
 * Variables that were meant to be settings, it seems, each with the nearest that is one. They are no error: others may set
 * variables of that prefix, as Kubernetes does for a service of this name.
 */
export function misspeltVariables(env: NodeJS.ProcessEnv): readonly (readonly [found: string, meant: string])[] {
  const known = [...names.map(variableOf), "ANTIPHON_HOME", "ANTIPHON_KEY"].map((name) => name.slice(prefix.length));
  return Object.keys(env).flatMap((variable) => {
    const name = variable.startsWith(prefix) ? variable.slice(prefix.length) : "";
    const near = name === "" || known.includes(name) ? null : nearest(name, known);
    return near === null ? [] : [[variable, prefix + near] as const];
  });
}

function fromEnvironment(env: NodeJS.ProcessEnv): Values {
  const values: Values = {};
  for (const name of names) {
    const variable = variableOf(name);
    const value = env[variable];
    if (!value) continue;
    const parts = settings[name].kind === "list" ? value.split(",").map((part) => part.trim()) : [value];
    const there = parts.filter((part) => part !== "");
    if (there.length === 0) throw new ConfigError(`${variable} must not be empty.`);
    values[name] = there.map((part) => checked(name, part, variable));
  }
  return values;
}

function fromFile(file: string, demanded: boolean): Values {
  if (!demanded && !existsSync(file)) return {};
  let table: Record<string, unknown>;
  try {
    table = parseToml(readFileSync(file, "utf8"));
  } catch (thrown) {
    throw new ConfigError(`The settings file ${file} cannot be read: ${messageOf(thrown)}`);
  }
  const values: Values = {};
  for (const [key, value] of Object.entries(table)) {
    const source = `'${key}' in ${file}`;
    const name = known(key, source, "");
    if (name === "config") throw new ConfigError(`${source} has no effect: one settings file cannot name another.`);
    const list: unknown[] = Array.isArray(value) && settings[name].kind === "list" ? value : [value];
    values[name] = list.map((entry) => {
      if (typeof entry === "string" || typeof entry === "number") return checked(name, String(entry), source);
      throw new ConfigError(`${source} must be ${settings[name].kind === "number" ? "a number" : "text in quotes"}.`);
    });
  }
  return values;
}

function assemble(values: Values): Config {
  const last = (name: SettingName): string | null => values[name]?.at(-1) ?? null;
  const number = (name: SettingName): number | null => (last(name) === null ? null : Number(last(name)));
  return {
    models: values.model ?? [],
    modelsLoaded: number("models-loaded") ?? 1,
    contextSize: number("ctx"),
    threads: number("threads"),
    slots: number("slots") ?? 2,
    engine: engineNames.find((name) => name === last("engine")) ?? "embedded",
    llamaServer: {
      program: last("llama-server") ?? "llama-server",
      flags: (values["llama-server-flag"] ?? []).flatMap((flag) => flag.split(/=(.*)/s, 2)),
    },
    gpu: gpuNames.find((name) => name === last("gpu")) ?? "auto",
    unloadAfter: (number("unload-after") ?? 60) || null,
    saveSlots: (number("save-slots") ?? 0) * 1024 ** 3 || null,
    upstream: last("upstream"),
    upstreamKey: last("upstream-key") ?? linesOf(last("upstream-key-file"))[0] ?? null,
    dialect: dialectNames.find((name) => name === last("dialect")) ?? null,
    clientDialect: clientDialectNames.find((name) => name === last("client-dialect")) ?? "openai",
    host: last("host") ?? "127.0.0.1",
    port: number("port") ?? 8484,
    apiKeys: [...(values["api-key"] ?? []), ...linesOf(last("api-key-file"))],
    allowedOrigins: values["allow-origin"] ?? [],
    allowedHosts: values["allow-host"] ?? [],
    logLevel: logLevels.find((level) => level === last("log-level")) ?? "info",
  };
}

function linesOf(file: string | null): readonly string[] {
  if (file === null) return [];
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    throw new ConfigError(`The key file ${file} cannot be read: ${messageOf(thrown)}`);
  }
  const lines = text.split("\n").map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
  // An empty file must not open the door that it was meant to lock.
  if (keys.length === 0) throw new ConfigError(`The key file ${file} holds no key.`);
  return keys;
}

/** At least and at most. llama.cpp makes no smaller context; timers of Node count no further than so many minutes. */
const bounds: Partial<Record<SettingName, readonly [number, number]>> = {
  ctx: [256, Infinity],
  threads: [1, Infinity],
  slots: [1, Infinity],
  "models-loaded": [1, Infinity],
  port: [0, 65_535],
  "unload-after": [0, 35_000],
};

function checked(name: SettingName, value: string, source: string): string {
  const setting: Setting = settings[name];
  // A variable of the shell that was not set; an empty key would lock everybody out.
  if (value.trim() === "") throw new ConfigError(`${source} must not be empty.`);
  if (setting.kind === "number") {
    const [least, most] = bounds[name] ?? [0, Infinity];
    const fits = /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most;
    const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
    if (!fits) throw new ConfigError(`${source} must be a whole number ${range}, not '${value}'.`);
  }
  if (setting.oneOf && !setting.oneOf.includes(value)) {
    throw new ConfigError(`${source} must be one of ${setting.oneOf.join(", ")}, not '${value}'.`);
  }
  return value;
}

/** The setting called `key`; `dashes` stand before it where it was written. */
function known(key: string, source: string, dashes: string): SettingName {
  const name = names.find((candidate) => candidate === key);
  if (name) return name;
  const near = nearest(key, names);
  throw new ConfigError(
    `${source} is not known; ${near === null ? "--help shows every setting." : `did you mean '${dashes}${near}'?`}`,
  );
}
