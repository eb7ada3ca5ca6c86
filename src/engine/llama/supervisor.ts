/**
 * Owns the life of the engine process: starts it, waits for its model, starts it anew after a crash, gives up, ends it when
 * nobody asks for long, since only then does the memory come back.
 */
import { isAbort, messageOf } from "../../errors.ts";
import { limits } from "../../limits.ts";
import type { Log, ReportWork } from "../../log.ts";
import { Crashes } from "../crashes.ts";
import type { Failure, Health } from "../engine.ts";
import { Inbox } from "./inbox.ts";
import { Link } from "./link.ts";
import { Retirement } from "./retirement.ts";
import { Pulse } from "./pulse.ts";
import type { LoadedModel, LoadOptions, Notice, Order, Report } from "./protocol.ts";

export interface SupervisorOptions {
  readonly load: Omit<LoadOptions, "packageFolder" | "restore">;
  readonly packageFolder: () => Promise<string>;
  /** Loads the model only when it is asked. */
  readonly lazy: boolean;
  /** Milliseconds without a request after which the model is unloaded; null: never. */
  readonly idleMs: number | null;
  /** Instead of those in `limits`: see `Pulse`. */
  readonly pingMs?: number | undefined;
  readonly stuckMs?: number | undefined;
  /** Milliseconds after the last of many crashes before a request starts it once more. */
  readonly calmMs?: number | undefined;
  readonly log: Log;
  readonly report: ReportWork;
}

/** `loading` covers the first start, every start after a crash, and the one when a model that was unloaded is asked. */
export type State =
  | { readonly type: "loading"; readonly percent: number; readonly detail: string; readonly first: boolean }
  | { readonly type: "ready"; readonly model: LoadedModel }
  | { readonly type: "asleep"; readonly model: LoadedModel | null }
  /** `crashed`: it may do better when it is asked some time later. */
  | { readonly type: "down"; readonly failure: Failure; readonly crashed: boolean };

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #inboxes = new Map<number, Inbox>();
  readonly #pulse: Pulse;
  readonly #retirement: Retirement;
  #state: State = { type: "loading", percent: 0, detail: "Preparing the engine.", first: true };
  #change = Promise.withResolvers<void>();
  #link: Link | null = null;
  #restart: NodeJS.Timeout | null = null;
  #bedtime: NodeJS.Timeout | null = null;
  #lastId = 0;
  readonly #crashes: Crashes;
  /** Crashes in a row before the model was loaded. */
  #loadCrashes = 0;
  /** The model was loaded once, so that its file is good. */
  #proven = false;
  /** Why the present process could not load a proven model. */
  #complaint: string | null = null;
  #starts = 0;
  #closed = false;
  /** The last process ended in order. */
  #restores = true;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#crashes = new Crashes(options.calmMs);
    this.#retirement = new Retirement(options.log, options.load.save !== null);
    this.#pulse = new Pulse({
      ping: () => this.#link?.send({ type: "ping" }),
      onHang: () => {
        options.log.error("The engine process hangs, and is killed.");
        this.#link?.kill();
      },
      pingMs: options.pingMs,
      stuckMs: options.stuckMs,
    });
    if (options.lazy) this.#state = { type: "asleep", model: null };
    else void this.#start();
  }

  get state(): State {
    return this.#state;
  }

  /** Resolves when `state` changes. */
  get change(): Promise<void> {
    return this.#change.promise;
  }

  get pid(): number | null {
    return this.#link?.pid ?? null;
  }

  /** Whether a process holds memory, one on its way out included. */
  get awake(): boolean {
    return this.#link !== null || this.#retirement.busy;
  }

  get health(): Health {
    switch (this.#state.type) {
      case "loading":
        return { state: "loading", detail: this.#state.detail };
      case "ready":
        return { state: "ready", detail: null };
      case "asleep":
        return { state: "ready", detail: "The model is unloaded; the next request loads it." };
      case "down":
        return { state: "down", detail: this.#state.failure.message };
    }
  }

  /** Loads the model again where it was unloaded, or given up for crashes that are long ago. */
  wake(): void {
    const { type } = this.#state;
    if (type !== "asleep" && !(type === "down" && this.#state.crashed && this.#crashes.calm)) return;
    this.#loadCrashes = 0;
    this.#loading(0, "Loading the model again.");
    void this.#start();
  }

  /** Unloads the model, and resolves when its memory is free; does nothing while something is asked of it. */
  async sleep(): Promise<void> {
    const { type } = this.#state;
    if (type === "asleep") return this.#retirement.done();
    if (this.#inboxes.size > 0) return;
    const link = this.#link;
    // A process that could not load its model is on its way out; it holds memory until it is gone.
    if (type === "down") return link?.end();
    this.#link = null;
    this.#restores = true;
    // One that is being prepared is not wanted any more.
    this.#starts += 1;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const model = this.#state.type === "ready" ? this.#state.model : null;
    this.#become({ type: "asleep", model });
    if (link !== null) await this.#retirement.retire(link, model !== null);
    // One that was asked again while it saved may have no process yet.
    return this.#retirement.done();
  }

  /** Asks the engine process; its reports come into the inbox that is returned. Only while `ready`. */
  ask(order: (id: number) => Order): { readonly id: number; readonly inbox: Inbox } {
    this.#lastId += 1;
    const id = this.#lastId;
    const inbox = new Inbox((pieces) => this.#link?.send({ type: "confirm", id, pieces }));
    this.#inboxes.set(id, inbox);
    if (this.#bedtime !== null) clearTimeout(this.#bedtime);
    this.#pulse.start();
    this.#link?.send(order(id));
    return { id, inbox };
  }

  /** The asker is done; what still runs for it ends. */
  leave(id: number): void {
    if (this.#inboxes.delete(id)) this.#link?.send({ type: "cancel", id });
    this.#rest();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const loaded = this.#state.type === "ready";
    this.#giveUp({ code: "server_error", message: "The server is shutting down." });
    if (this.#link !== null) await this.#retirement.retire(this.#link, loaded);
    await this.#retirement.done();
  }

  async #start(): Promise<void> {
    const start = (this.#starts += 1);
    try {
      const packageFolder = await this.#options.packageFolder();
      // What it saves is wanted here, and the memory that it holds.
      await this.#retirement.done();
      if (this.#closed || start !== this.#starts) return;
      this.#loading(0, "Loading the model.");
      const link: Link = new Link({
        onMessage: (message) => this.#receive(message),
        onExit: (how, lastWords) => {
          // One that was put to sleep is not the present one any more.
          if (this.#link === link) this.#exited(how, lastWords);
        },
      });
      this.#link = link;
      link.send({ type: "load", options: { ...this.#options.load, packageFolder, restore: this.#restores } });
    } catch (error) {
      // Whoever cut the installation off is about to close.
      if (this.#closed || start !== this.#starts || isAbort(error)) return;
      this.#options.log.error("The engine could not be installed.", { reason: messageOf(error) });
      if (this.#proven) return this.#crashed("its package is gone");
      this.#giveUp({ code: "server_error", message: messageOf(error) });
    }
  }

  #receive(message: Notice | Report): void {
    switch (message.type) {
      case "loading":
        this.#report(message.percent);
        return this.#loading(message.percent, `Loading the model: ${message.percent} %.`);
      case "ready":
        this.#loadCrashes = 0;
        this.#proven = true;
        this.#report(100);
        this.#options.log.info("The model is loaded.", { ...message.model, slotsRestored: message.restored });
        if (message.trouble !== null) this.#options.log.warn("No slot is restored.", { reason: message.trouble });
        if (message.model.contextLength > message.model.trainedLength) {
          this.#options.log.warn("The context is longer than the model was trained for: it may lose its way there.");
        }
        this.#become({ type: "ready", model: message.model });
        return this.#rest();
      case "broken":
        this.#options.log.error("The model could not be loaded.", { reason: message.message });
        // Memory may be short for a moment, or the file be replaced: of a proven model, the end of the process counts.
        if (this.#proven) this.#complaint = message.message;
        else this.#giveUp({ code: "server_error", message: `The model could not be loaded: ${message.message}` });
        void this.#link?.end();
        return;
      case "alive":
        return this.#pulse.heard(message.stuckMs);
      default:
        return this.#deliver(message);
    }
  }

  #report(percent: number): void {
    this.#options.report({ label: "Loading the model", done: percent, total: 100, unit: "percent" });
  }

  #deliver(report: Report): void {
    if (report.type === "done") this.#crashes.recovered();
    this.#inboxes.get(report.id)?.push(report);
    if (report.type === "done" || report.type === "failed" || report.type === "counted")
      this.#inboxes.delete(report.id);
  }

  #exited(how: string, lastWords: string): void {
    this.#link = null;
    this.#pulse.stop();
    if (this.#closed || this.#state.type === "down") return;
    this.#options.log.warn("The engine process crashed.", { how, lastWords });
    if (this.#complaint === null) this.#restores = false;
    this.#crashed(this.#complaint ?? how);
    this.#complaint = null;
  }

  /** Starts the process anew, unless it crashes over and over. */
  #crashed(how: string): void {
    const pause = this.#crashes.pause();
    if (this.#state.type === "loading") this.#loadCrashes += 1;
    if (this.#loadCrashes >= limits.engineLoadTries) {
      const message = `The engine crashed ${this.#loadCrashes} times while loading the model (${how}); the model file may be broken.`;
      return this.#giveUp({ code: "engine_crashed", message }, true);
    }
    if (pause === null) {
      const message = `The engine crashed ${limits.engineCrashes} times within a minute (${how}); it is started again when it is asked a minute later.`;
      this.#options.log.error("The engine crashes over and over.", { how });
      return this.#giveUp({ code: "engine_crashed", message }, true);
    }
    this.#loading(0, "The engine crashed and is started anew.");
    this.#failAll({
      code: "engine_crashed",
      message: "The engine crashed; the same request may succeed when tried again.",
    });
    this.#restart = setTimeout(() => void this.#start(), pause);
  }

  /** Nobody waits for anything: the model is unloaded when that lasts. */
  #rest(): void {
    if (this.#inboxes.size > 0) return;
    this.#pulse.stop();
    const { idleMs } = this.#options;
    if (idleMs === null || this.#state.type !== "ready") return;
    if (this.#bedtime !== null) clearTimeout(this.#bedtime);
    this.#bedtime = setTimeout(() => {
      this.#options.log.info("The model was not used for long and is unloaded; the next request loads it.");
      void this.sleep();
    }, idleMs).unref();
  }

  #giveUp(failure: Failure, crashed = false): void {
    this.#become({ type: "down", failure, crashed });
    this.#failAll(failure);
  }

  #failAll(failure: Failure): void {
    for (const [id, inbox] of this.#inboxes) inbox.push({ type: "failed", id, failure });
    this.#inboxes.clear();
  }

  #loading(percent: number, detail: string): void {
    this.#become({ type: "loading", percent, detail, first: !this.#proven && !this.#options.lazy });
  }

  #become(state: State): void {
    if (this.#closed && state.type !== "down") return;
    // Only a loaded model that nobody uses has a bedtime: what is loaded anew is waited for.
    if (this.#bedtime !== null) clearTimeout(this.#bedtime);
    this.#state = state;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
