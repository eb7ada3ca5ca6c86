/** Owns the suite that every store must pass. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Item } from "../../src/spec/items.ts";
import { parseRequest } from "../../src/spec/request.ts";
import { newResponse, type Response } from "../../src/spec/response.ts";
import type { Store, StoredResponse } from "../../src/store/store.ts";

export const message = (id: string, text: string): Item => ({
  type: "message",
  id,
  role: "user",
  content: [{ type: "input_text", text }],
});

/** A finished turn. */
export function turn(id: string, input: readonly Item[], output: readonly Item[] = []): StoredResponse {
  const begun = newResponse(parseRequest({ input: "" }), id, "model", 1_700_000_000);
  const response: Response = { ...begun, status: "completed", completed_at: 1_700_000_001, output };
  return { response, input };
}

/** A store may hand out copies, or what nobody can change. */
function meddle(change: () => void): void {
  try {
    change();
  } catch (thrown) {
    assert.ok(thrown instanceof TypeError);
  }
}

/** `open` makes an empty store; the suite closes it. */
export function storeConformance(name: string, open: () => Store | Promise<Store>): void {
  const check = (title: string, proof: (store: Store) => Promise<void>): void => {
    test(title, async () => {
      const store = await open();
      try {
        await proof(store);
      } finally {
        await store.close();
      }
    });
  };

  describe(`store ${name}`, () => {
    check("what was appended is there, as it was", async (store) => {
      const strange = {
        type: "from_the_future",
        id: "x_1",
        nested: { list: [1, null, { a: "\u0000\u{1F600}" }], "": 0 },
      };
      const kept = turn("resp_1", [message("msg_1", "hi"), strange], [message("msg_2", "hello")]);
      await store.append(kept);
      assert.deepEqual(await store.get("resp_1"), kept);
      assert.deepEqual(await store.item("x_1"), strange);
      assert.deepEqual(await store.item("msg_2"), kept.response.output[0]);
    });

    check("what was not appended is not there", async (store) => {
      await store.append(turn("resp_1", [message("msg_1", "hi")]));
      for (const id of ["resp_2", "", "resp_", "RESP_1", "resp_1 ", "__proto__", "constructor", "%", "' OR 1=1"]) {
        assert.equal(await store.get(id), null);
        assert.equal(await store.item(id), null);
        assert.equal(await store.delete(id), false);
      }
      assert.equal(await store.item("resp_1"), null);
      assert.equal(await store.get("msg_1"), null);
    });

    check("a deleted turn is gone with its items, once", async (store) => {
      await store.append(turn("resp_1", [message("msg_1", "hi")], [message("msg_2", "hello")]));
      await store.append(turn("resp_2", [message("msg_3", "more")]));
      assert.equal(await store.delete("resp_1"), true);
      assert.equal(await store.delete("resp_1"), false);
      assert.equal(await store.get("resp_1"), null);
      assert.equal(await store.item("msg_1"), null);
      assert.equal(await store.item("msg_2"), null);
      assert.equal((await store.get("resp_2"))?.response.id, "resp_2");
      assert.deepEqual(await store.item("msg_3"), message("msg_3", "more"));
    });

    check("of items with one id the newest wins, and each turn keeps its own", async (store) => {
      await store.append(turn("resp_1", [message("msg_123", "old")]));
      await store.append(turn("resp_2", [message("msg_123", "new"), message("msg_123", "newest")]));
      assert.deepEqual(await store.item("msg_123"), message("msg_123", "newest"));
      assert.deepEqual((await store.get("resp_1"))?.input, [message("msg_123", "old")]);
      await store.delete("resp_1");
      assert.deepEqual(await store.item("msg_123"), message("msg_123", "newest"));
    });

    check("when the newest of several is deleted, the one before it is found again", async (store) => {
      await store.append(turn("resp_1", [message("msg_123", "old")]));
      await store.append(turn("resp_2", [message("msg_123", "new")]));
      await store.delete("resp_2");
      assert.deepEqual(await store.item("msg_123"), message("msg_123", "old"));
    });

    check("what was stored cannot be changed from outside", async (store) => {
      const content = [{ type: "input_text", text: "hi" }];
      await store.append(turn("resp_1", [{ type: "message", id: "msg_1", content }]));
      meddle(() => (content.length = 0));
      const first = await store.get("resp_1");
      assert(first);
      meddle(() => ((first.input as Item[]).length = 0));
      const item = await store.item("msg_1");
      assert(item);
      meddle(() => ((item["content"] as unknown[]).length = 0));
      const wanted = { type: "message", id: "msg_1", content: [{ type: "input_text", text: "hi" }] };
      assert.deepEqual((await store.get("resp_1"))?.input, [wanted]);
      assert.deepEqual(await store.item("msg_1"), wanted);
    });

    check("appends at once are all kept", async (store) => {
      const ids = Array.from({ length: 100 }, (_, at) => `resp_${at}`);
      await Promise.all(ids.map((id) => store.append(turn(id, [message(`msg_${id}`, id)]))));
      const found = await Promise.all(ids.map((id) => store.get(id)));
      assert.deepEqual(
        found.map((kept) => kept?.response.id),
        ids,
      );
    });

    check("a large turn is kept whole", async (store) => {
      const text = "\u00e9".repeat(1_000_000);
      await store.append(turn("resp_1", [message("msg_1", text)]));
      assert.deepEqual(await store.item("msg_1"), message("msg_1", text));
    });
  });
}
