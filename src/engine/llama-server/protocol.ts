/** Owns the messages between us and the keeper of a llama-server. */

export interface KeepOrder {
  /** The program, by path or by name. */
  readonly program: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What the keeper tells: the number of the process that it holds. */
export interface KeepNotice {
  readonly pid: number;
}
