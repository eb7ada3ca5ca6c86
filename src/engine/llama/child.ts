/** Owns the engine process: forked by the server, loads one model, takes orders, and ends when the server does. */
import { messageOf } from "../../errors.ts";
import { Desk } from "./desk.ts";
import type { LoadOptions, Notice, Order, Report, Saved } from "./protocol.ts";
import { Runtime } from "./runtime.ts";
import { SavedSlots } from "./saved.ts";

let desk: Desk | null = null;

async function save(): Promise<void> {
  try {
    send({ type: "saved", ...((await desk?.save()) ?? { slots: 0, trouble: null }) });
  } catch (error) {
    send({ type: "saved", slots: 0, trouble: messageOf(error) });
  }
}

function send(message: Notice | Report | Saved): void {
  if (process.connected) process.send?.(message);
}

async function load(options: LoadOptions): Promise<void> {
  let told = -1;
  try {
    const saved = options.save && (await SavedSlots.of(options.save, options));
    const runtime = await Runtime.load(options, (percent) => {
      if (percent === told) return;
      told = percent;
      send({ type: "loading", percent });
    });
    const made = new Desk(runtime, saved, send);
    const restoring = await (options.restore ? made.restore() : Promise.resolve(0)).then(
      (restored) => ({ restored, trouble: null }),
      (error: unknown) => ({ restored: 0, trouble: messageOf(error) }),
    );
    desk = made;
    send({ type: "ready", model: runtime.about, ...restoring });
  } catch (error) {
    send({ type: "broken", message: messageOf(error).replaceAll(options.modelPath, "the model file") });
  }
}

process.on("message", (order: Order) => {
  switch (order.type) {
    case "load":
      void load(order.options);
      return;
    case "generate":
      desk?.generate(order.id, order.request);
      return;
    case "count":
      desk?.count(order.id, order.request);
      return;
    case "confirm":
      desk?.confirm(order.id, order.pieces);
      return;
    case "cancel":
      desk?.cancel(order.id);
      return;
    case "ping":
      send({ type: "alive", stuckMs: desk?.stuckMs ?? 0 });
      return;
    case "save":
      void save();
      return;
  }
});

// Without the server there is nobody to write for. Not process.exit: destructors would wait for threads that still compute.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// Control-C and service managers signal the whole group; the server decides when the model stops.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
