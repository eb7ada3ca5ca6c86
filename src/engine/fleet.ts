/** Owns several models on one machine: which of them are in memory, and who waits until there is room for his. */
import { once } from "node:events";
import type { Delta, Engine, EngineRequest } from "./engine.ts";

/** An engine of one model that can give its memory back. */
export interface Member extends Engine {
  /** The model's name. */
  readonly modelId: string;
  /** Whether it takes memory. */
  readonly awake: boolean;
  /** Gives the memory back, and resolves when it has; the next request loads the model again. */
  sleep(): Promise<void>;
}

/** Serves all `members`, the first by default, with at most `room` of them in memory. */
export function createFleet(members: readonly Member[], room: number): Engine {
  const berths = new Berths(members, room);
  const [first] = members;
  if (first === undefined) throw new RangeError("A fleet has members.");
  const memberFor = ({ model }: EngineRequest): Member => members.find(({ modelId }) => modelId === model) ?? first;
  return {
    models: async () => (await Promise.all(members.map((member) => member.models()))).flat(),
    generate: (request, signal) => generate(berths, memberFor(request), request, signal),
    async countTokens(request) {
      const member = memberFor(request);
      await berths.enter(member);
      try {
        return await member.countTokens(request);
      } finally {
        berths.leave(member);
      }
    },
    health: () => first.health(),
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

async function* generate(
  berths: Berths,
  member: Member,
  request: EngineRequest,
  signal: AbortSignal,
): AsyncGenerator<Delta> {
  if (!(await berths.enter(member, signal))) return;
  try {
    yield* member.generate(request, signal);
  } finally {
    berths.leave(member);
  }
}

interface Waiting {
  readonly member: Member;
  readonly admit: () => void;
}

/** Who asks first is served first: a model that is in memory does not starve those that are not. */
class Berths {
  readonly #members: readonly Member[];
  readonly #room: number;
  /** Requests under way. */
  readonly #busy = new Map<Member, number>();
  /** The order of last use, the oldest first. */
  readonly #used: Member[] = [];
  readonly #queue: Waiting[] = [];
  #moving = false;

  constructor(members: readonly Member[], room: number) {
    this.#members = members;
    this.#room = room;
  }

  /** Resolves once `member` may be asked; false where `signal` was aborted before, and nothing is to be left then. */
  async enter(member: Member, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted === true) return false;
    const admitted = Promise.withResolvers<void>();
    const waiting = { member, admit: () => admitted.resolve() };
    this.#queue.push(waiting);
    void this.#move();
    if (signal === undefined) await admitted.promise;
    else {
      const listening = new AbortController();
      await Promise.race([
        admitted.promise,
        once(signal, "abort", { signal: listening.signal }).catch(() => undefined),
      ]);
      listening.abort();
    }
    const place = this.#queue.indexOf(waiting);
    if (place === -1) return true;
    this.#queue.splice(place, 1);
    void this.#move();
    return false;
  }

  leave(member: Member): void {
    this.#busy.set(member, (this.#busy.get(member) ?? 1) - 1);
    void this.#move();
  }

  /** Admits from the head of the queue, as far as there is room or room can be made. */
  async #move(): Promise<void> {
    if (this.#moving) return;
    this.#moving = true;
    for (let [head] = this.#queue; head !== undefined; [head] = this.#queue) {
      const { member } = head;
      const held = this.#members.filter((other) => other.awake || this.#isBusy(other));
      if (!held.includes(member) && held.length >= this.#room) {
        const idle =
          this.#used.find((other) => held.includes(other) && !this.#isBusy(other)) ??
          held.find((other) => !this.#isBusy(other));
        if (idle === undefined) break;
        await idle.sleep().catch(() => undefined);
        // One that stays awake would be asked for ever: better too little memory than nobody served.
        if (!idle.awake || this.#queue[0] !== head) continue;
      }
      this.#queue.shift();
      this.#busy.set(member, (this.#busy.get(member) ?? 0) + 1);
      const before = this.#used.indexOf(member);
      if (before !== -1) this.#used.splice(before, 1);
      this.#used.push(member);
      head.admit();
    }
    this.#moving = false;
  }

  #isBusy(member: Member): boolean {
    return (this.#busy.get(member) ?? 0) > 0;
  }
}
