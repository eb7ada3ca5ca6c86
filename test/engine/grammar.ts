/** Owns the grammar of a delta stream: reads one, asserts that it is well formed, and says what it amounts to. */
import assert from "node:assert/strict";
import type { Delta, OpenItem, Usage } from "../../src/engine/engine.ts";

export interface Outcome {
  readonly items: readonly { readonly item: OpenItem; readonly text: string; readonly closed: boolean }[];
  readonly usage: Usage | null;
  /** The last delta; null where an abort ended the stream. */
  readonly end: Extract<Delta, { kind: "finish" | "fail" }> | null;
}

interface Reading {
  readonly items: Map<number, { item: OpenItem; text: string; closed: boolean }>;
  usage: Usage | null;
  end: Outcome["end"];
}

/** Drains `deltas`; throws where they break the contract of `Delta`. */
export async function outcomeOf(deltas: AsyncIterable<Delta> | Iterable<Delta>): Promise<Outcome> {
  const reading: Reading = { items: new Map(), usage: null, end: null };
  for await (const delta of deltas) {
    assert.equal(reading.end, null, `${delta.kind} after the end`);
    read(reading, delta);
  }
  assert.notEqual(reading.end, null, "the stream just ended");
  return { items: [...reading.items.values()], usage: reading.usage, end: reading.end };
}

function read(reading: Reading, delta: Delta): void {
  const { items } = reading;
  switch (delta.kind) {
    case "open": {
      assert.ok(!items.has(delta.key), `key ${delta.key} opened twice`);
      const open = [...items.values()].filter(({ closed }) => !closed);
      const together = [...open, delta].map(({ item }) => item.type);
      assert.ok(open.length === 0 || together.every((type) => type === "call"), `open at once: ${together.join(" ")}`);
      items.set(delta.key, { item: delta.item, text: "", closed: false });
      return;
    }
    case "text": {
      const item = items.get(delta.key);
      assert.ok(item && !item.closed, `text on key ${delta.key}, which is not open`);
      item.text += delta.text;
      return;
    }
    case "close": {
      const item = items.get(delta.key);
      assert.ok(item && !item.closed, `close of key ${delta.key}, which is not open`);
      item.closed = true;
      return;
    }
    case "progress":
      assert.ok(delta.done >= 0 && delta.done <= delta.total, `progress ${delta.done} of ${delta.total}`);
      return;
    case "usage":
      assert.equal(reading.usage, null, "usage twice");
      assertSane(delta.usage);
      reading.usage = delta.usage;
      return;
    case "finish":
      assert.ok(reading.usage, "finish without usage");
      if (delta.reason === "stop")
        assert.ok(
          [...items.values()].every(({ closed }) => closed),
          "stop with an open item",
        );
      reading.end = delta;
      return;
    case "fail":
      if (delta.failure.code === "template") assert.equal(items.size, 0, "template failure after an item");
      assert.notEqual(delta.failure.message, "");
      reading.end = delta;
      return;
  }
}

function assertSane({ input, cached, output, reasoning }: Usage): void {
  for (const count of [input, cached, output, reasoning]) assert.ok(Number.isSafeInteger(count) && count >= 0);
  assert.ok(cached <= input && reasoning <= output, "a part is larger than its whole");
}
