import assert from "node:assert/strict";
import type { Plugin } from "@mediatap/core";
import type { StateStore } from "@mediatap/core/state";
import { pino } from "pino";
import { until } from "../helpers/until.ts";
import { after, before, beforeEach, describe, it } from "./runner.ts";

/** A store of state to be tried. */
export interface StateStoreSetup {
  /** A plugin with a store that nobody has used yet. */
  readonly plugin: Plugin;
  /** Removes what it wrote. */
  close?(): Promise<void>;
}

/** Bytes of a large content, and of a large record. */
const LARGE = 1_000_000;

/** Values that a store must neither interpret nor change. */
const TEXTS = ["", "'\"\\%_*?[]", "\u00e9 e\u0301 \u{1f5bc} \u2028", "a\r\nb\tc", "x".repeat(LARGE)];

/**
 * What every store of state promises, as a suite for mocha or `node:test`:
 * `describeStateStore("my store", () => ({ plugin: myStore() }))`. `setup` is called before each group of tests.
 */
export function describeStateStore(
  name: string,
  setup: () => StateStoreSetup | Promise<StateStoreSetup>,
): void {
  describe(`${name} as a store of state`, () => {
    let place: StateStoreSetup;
    /** Two of its processes. */
    let [one, other]: StateStore[] = [];
    let opened: StateStore[];

    function open(): StateStore {
      const { stateStore } = place.plugin;
      assert(stateStore, "the plugin declares a store");
      const store = stateStore.open({ base: process.cwd(), logger: pino({ level: "silent" }) });
      opened.push(store);
      return store;
    }
    async function close(): Promise<void> {
      for (const store of opened.splice(0)) await store.close();
    }
    const start = async () => {
      opened = [];
      place = await setup();
      one = open();
      other = open();
    };
    const end = async () => {
      await close();
      await place?.close?.();
    };
    const stores = () => {
      assert(one && other);
      return [one, other] as const;
    };
    const change = (content: string, more: { author?: string; comment?: string } = {}) => ({
      time: 1_900_000_000_123,
      author: "Ada",
      comment: "",
      ...more,
      content,
    });

    describe("revisions", () => {
      before(start);
      after(end);

      it("are none at first", async () => {
        for (const store of stores()) {
          assert.equal(await store.read(), undefined);
          assert.equal(await store.read(1), undefined);
          assert.deepEqual(await store.list({ limit: 10 }), []);
        }
      });

      it("begin with number 1, if the writer expects none before it", async () => {
        const [store, elsewhere] = stores();
        assert.equal(await store.write(change("late"), 1), undefined);
        assert.equal(await store.read(), undefined);
        const written = await store.write(change("first", { comment: "a start" }), 0);
        const expected = { ...change("first", { comment: "a start" }), number: 1 };
        assert.deepEqual(written, expected);
        assert.deepEqual(await store.read(), expected);
        assert.deepEqual(await elsewhere.read(), expected);
      });

      it("follow only the newest one, and a refused one changes nothing", async () => {
        const [store, elsewhere] = stores();
        const before = await store.read();
        assert(before);
        for (const expected of [0, before.number - 1, before.number + 1]) {
          assert.equal(await elsewhere.write(change("refused"), expected), undefined);
        }
        assert.deepEqual(await elsewhere.read(), before);
        assert.deepEqual(await store.list({ limit: 1 }).then(([newest]) => newest?.number), before.number);
      });

      it("keep every text as it is", async () => {
        const [store, elsewhere] = stores();
        for (const text of TEXTS) {
          const { number = 0 } = (await store.read()) ?? {};
          const texts = { author: text.slice(0, 100), comment: text.slice(0, 200) };
          const written = await store.write(change(text, texts), number);
          assert.deepEqual(written, { ...change(text, texts), number: number + 1 });
          assert.deepEqual(await elsewhere.read(), written);
        }
      });

      it("are written by one of many who write at once", async () => {
        const { number = 0 } = (await stores()[0].read()) ?? {};
        const writes = Array.from({ length: 10 }, (_, at) =>
          stores()[at % 2]?.write(change(`writer ${at}`), number),
        );
        const written = (await Promise.all(writes)).filter((revision) => revision !== undefined);
        assert.equal(written.length, 1);
        assert.deepEqual(await stores()[1].read(), written[0]);
        assert.equal(written[0]?.number, number + 1);
      });

      it("stay as they were when others follow", async () => {
        const [store, elsewhere] = stores();
        const before = await store.read();
        assert(before);
        await store.write(change("next"), before.number);
        assert.deepEqual(await elsewhere.read(before.number), before);
        assert.equal((await elsewhere.read())?.content, "next");
        assert.equal(await elsewhere.read(before.number + 2), undefined);
        assert.equal(await elsewhere.read(0), undefined);
      });

      it("are listed newest first, without their contents, as many as asked for", async () => {
        const [store, elsewhere] = stores();
        const { number = 0 } = (await store.read()) ?? {};
        await store.write(change("a", { author: "Grace", comment: "one" }), number);
        await store.write(change("b", { author: "Ada", comment: "two" }), number + 1);
        const { content: _, ...info } = change("");
        assert.deepEqual(await elsewhere.list({ limit: 2 }), [
          { ...info, author: "Ada", comment: "two", number: number + 2 },
          { ...info, author: "Grace", comment: "one", number: number + 1 },
        ]);
        const older = await elsewhere.list({ limit: 2, before: number + 2 });
        assert.deepEqual(
          older.map((revision) => revision.number),
          [number + 1, number],
        );
        const all = await elsewhere.list({ limit: 1000 });
        assert.deepEqual(
          all.map((revision) => revision.number),
          Array.from({ length: number + 2 }, (_, at) => number + 2 - at),
        );
      });

      it("are kept, the newest hundred", async () => {
        const [store, elsewhere] = stores();
        const { number = 0 } = (await store.read()) ?? {};
        for (let at = 0; at < 100; at++) await store.write(change(`many ${at}`), number + at);
        assert.equal((await elsewhere.read(number + 1))?.content, "many 0");
        assert.equal((await elsewhere.list({ limit: 100 })).at(-1)?.number, number + 1);
      });

      it("are announced to every process that watches, until it ends that", async () => {
        const [store, elsewhere] = stores();
        const heard = { here: 0, there: 0, ended: 0 };
        const ends = [
          store.watch(() => void heard.here++),
          elsewhere.watch(() => void heard.there++),
          elsewhere.watch(() => void heard.ended++),
        ];
        ends[2]?.();
        for (let at = 1; at <= 2; at++) {
          const { number = 0 } = (await store.read()) ?? {};
          const [here, there] = [heard.here, heard.there];
          await store.write(change(`watched ${at}`), number);
          assert.equal((await elsewhere.read())?.number, number + 1);
          await until(() => heard.here > here && heard.there > there, "both have heard of it");
        }
        assert.equal(heard.ended, 0);
        for (const end of ends) end();
      });
    });

    describe("records", () => {
      before(start);
      after(end);
      let count = 0;
      let collection = "";
      beforeEach(() => {
        collection = `test-${++count}`;
      });
      const records = (at: 0 | 1 = 0) => stores()[at].records(collection);
      const entries = (...keys: string[]) => keys.map((key) => [key, `value of ${key}`]);
      const put = async (...keys: string[]) => {
        for (const key of keys) await records().put(key, `value of ${key}`);
      };

      it("are none at first", async () => {
        assert.equal(await records().get("a"), undefined);
        assert.deepEqual(await records().list(), []);
        await records().delete("a");
        await records().deleteBefore("a");
      });

      it("are added once, whichever process is first", async () => {
        const adds = Array.from({ length: 8 }, (_, at) => records((at % 2) as 0 | 1).add("a", String(at)));
        const added = await Promise.all(adds);
        assert.equal(added.filter(Boolean).length, 1);
        const first = String(added.indexOf(true));
        assert.equal(await records().get("a"), first);
        assert.equal(await records(1).add("a", "other"), false);
        assert.deepEqual(await records(1).list(), [["a", first]]);
        await records().delete("a");
        assert.equal(await records(1).add("a", "other"), true);
        assert.equal(await records().get("a"), "other");
      });

      it("are put, replaced and deleted, for all processes", async () => {
        await put("a", "b");
        assert.equal(await records(1).get("a"), "value of a");
        await records(1).put("a", "other");
        assert.equal(await records().get("a"), "other");
        await records().delete("a");
        assert.equal(await records(1).get("a"), undefined);
        assert.deepEqual(await records(1).list(), entries("b"));
      });

      it("keep every text as it is", async () => {
        for (const [at, text] of TEXTS.entries()) {
          await records().put(`key-${at}`, text);
          assert.equal(await records(1).get(`key-${at}`), text);
        }
        const found = await records(1).list();
        assert.deepEqual(
          found.map(([, text]) => text),
          TEXTS,
        );
      });

      it("are listed in the order of their keys, from the first bound to before the second one", async () => {
        await put("b", "2026-11-30T09", "a", "2026-11-30T10", "B", "~", "2026-11-30T09/x", "!");
        const sorted = ["!", "2026-11-30T09", "2026-11-30T09/x", "2026-11-30T10", "B", "a", "b", "~"];
        assert.deepEqual(await records(1).list(), entries(...sorted));
        assert.deepEqual(await records(1).list("B"), entries("B", "a", "b", "~"));
        assert.deepEqual(
          await records(1).list("2026-11-30T09", "2026-11-30T10"),
          entries("2026-11-30T09", "2026-11-30T09/x"),
        );
        assert.deepEqual(await records(1).list(undefined, "2026-11-30T09"), entries("!"));
        assert.deepEqual(await records(1).list("c", "d"), []);
        assert.deepEqual(await records(1).list("d", "c"), []);
      });

      it("are deleted before a key", async () => {
        await put("2026-08", "2026-09", "2026-09-01", "2026-10");
        await records().deleteBefore("2026-09-01");
        assert.deepEqual(await records(1).list(), entries("2026-09-01", "2026-10"));
      });

      it("have keys that are taken literally", async () => {
        const keys = ["*", "%", "_", "a:b", "a/../b", "A", "a", "__proto__", "'", "(", "[", "k".repeat(200)];
        await put(...keys);
        assert.deepEqual(await records(1).list(), entries(...keys.toSorted()));
        await records().delete("*");
        await records().delete("_");
        const left = keys.filter((key) => key !== "*" && key !== "_");
        assert.deepEqual(await records(1).list(), entries(...left.toSorted()));
      });

      it("belong to their collection only", async () => {
        await put("a");
        const longer = stores()[0].records(`${collection}-x`);
        await longer.put("a", "longer");
        await longer.put("b", "longer");
        assert.deepEqual(await records(1).list(), entries("a"));
        await longer.deleteBefore("b");
        assert.equal(await records(1).get("a"), "value of a");
        await records().deleteBefore("~");
        assert.deepEqual(await longer.list(), [["b", "longer"]]);
      });

      it("are no revisions", async () => {
        await put("a");
        assert.equal(await stores()[1].read(), undefined);
      });

      it("are all there after many were put at once", async () => {
        const keys = Array.from({ length: 100 }, (_, at) => `key-${String(at).padStart(3, "0")}`);
        await Promise.all(keys.map((key, at) => records((at % 2) as 0 | 1).put(key, `value of ${key}`)));
        assert.deepEqual(await records().list(), entries(...keys));
      });
    });

    describe("everything", () => {
      before(start);
      after(end);

      it("is there when the store is opened again", async () => {
        const written = await stores()[0].write(change("kept"), 0);
        await stores()[1].records("kept").put("a", "b");
        await close();
        const again = open();
        assert.deepEqual(await again.read(), written);
        assert.equal(await again.records("kept").get("a"), "b");
        assert.equal((await again.write(change("next"), 1))?.number, 2);
      });
    });
  });
}
