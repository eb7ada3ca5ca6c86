/** Owns where files live on each platform: cache (weights, engine), data (stores, keys) and config. */
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { messageOf } from "./errors.ts";

export interface Folders {
  /** Can be deleted at any time: weights and the engine package are fetched again. */
  readonly cache: string;
  /** Must not be lost: stored responses, keys. */
  readonly data: string;
  readonly config: string;
}

/** The three folders for `env`; `ANTIPHON_HOME` overrides all. Nothing is created. */
export function locateFolders(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): Folders {
  const home = env["HOME"] || homedir();
  const own = env["ANTIPHON_HOME"];
  if (own) return { cache: join(own, "cache"), data: join(own, "data"), config: join(own, "config") };
  if (platform === "darwin") {
    const support = join(home, "Library", "Application Support", "antiphon");
    return { cache: join(home, "Library", "Caches", "antiphon"), data: support, config: support };
  }
  if (platform === "win32") {
    const local = join(env["LOCALAPPDATA"] || join(home, "AppData", "Local"), "antiphon");
    const roaming = join(env["APPDATA"] || join(home, "AppData", "Roaming"), "antiphon");
    return { cache: join(local, "cache"), data: join(local, "data"), config: roaming };
  }
  const xdg = (name: string, fallback: string): string => join(env[name] || join(home, fallback), "antiphon");
  return {
    cache: xdg("XDG_CACHE_HOME", ".cache"),
    data: xdg("XDG_DATA_HOME", ".local/share"),
    config: xdg("XDG_CONFIG_HOME", ".config"),
  };
}

/** Creates `folder` readable by its owner alone (keys and prompts lie there), and returns it. */
export function ensureFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    throw new Error(`The folder ${folder} cannot be made (${messageOf(thrown)}). ANTIPHON_HOME names another place.`, {
      cause: thrown,
    });
  }
  return folder;
}
