import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { bytesOf, type CacheHost, newRecord } from "@mediatap/test";
import fc from "fast-check";
import { makePlace, newEntry, type Place, recorder } from "./place.ts";

/** One of each way in which an entry is read: at once, in two reads, block by block. */
const LENGTHS = [0, 1000, 100_000, 700_000];

describe("cache-disk: what is not what was written", () => {
  let place: Place;
  let host: CacheHost;
  beforeEach(async () => {
    place = await makePlace();
    host = await place.open();
  });
  afterEach(() => place.close());

  /** The path of the only entry. */
  async function stored(length: number) {
    const entry = newEntry("a.jpg", length);
    await host.store(entry.record, entry.bytes);
    const [path] = await place.entries();
    assert(path);
    return { ...entry, path };
  }

  const damages: Record<string, (path: string) => unknown> = {
    "an empty file": (path) => truncate(path),
    "a file cut short by one byte": async (path) => truncate(path, (await readFile(path)).length - 1),
    "a file cut in the head": (path) => truncate(path, 50),
    "a longer file": async (path) => writeFile(path, [await readFile(path), Buffer.from("x")]),
    "a file of zeros": async (path) => writeFile(path, Buffer.alloc((await readFile(path)).length)),
    "a file of another program": (path) => writeFile(path, randomBytes(5000)),
    "a folder": (path) => rm(path).then(() => mkdir(path)),
    "a folder with files": (path) => rm(path).then(() => mkdir(`${path}/x`, { recursive: true })),
    "a link to a file that is right": async (path) => {
      await writeFile(`${path}.right`, await readFile(path));
      await rm(path);
      await symlink(`${path}.right`, path);
    },
    "a pipe": async (path) => {
      await rm(path);
      execFileSync("mkfifo", [path]);
    },
  };

  for (const [what, damage] of Object.entries(damages)) {
    it(`is a miss: ${what}; it is removed, and the next entry is kept`, async () => {
      for (const [length, reads] of LENGTHS.flatMap((length) =>
        [0, 1].map((reads) => [length, reads] as const),
      )) {
        const { record, path } = await stored(length);
        // Read before, too: what is known of an entry hides no damage, and it may be read in another way.
        if (reads > 0) assert((await host.find(record.key)).found);
        await damage(path);
        assert.equal((await host.find(record.key)).found, undefined);
        assert.deepEqual(await place.entries(), []);
        const again = newRecord(record.key);
        await host.store(again, Buffer.from("again"));
        assert.equal((await bytesOf((await host.find(record.key)).found)).toString(), "again");
        await rm(path);
      }
    });
  }

  it("is a miss: the entry of another key", async () => {
    const { record, path } = await stored(1000);
    const bytes = await readFile(path);
    await host.purge("all", "");
    const other = await stored(2000);
    await writeFile(other.path, bytes);
    assert.equal((await host.find(other.record.key)).found, undefined);
    assert.equal((await host.find(record.key)).found, undefined);
  });

  it("is a miss, whichever byte was changed", async () => {
    for (const length of LENGTHS) {
      const { record, bytes, path } = await stored(length);
      const file = await readFile(path);
      const bits = fc.record({ at: fc.nat(file.length - 1), bit: fc.nat(7) });
      await fc.assert(
        fc.asyncProperty(bits, fc.boolean(), async ({ at, bit }, reopened) => {
          const changed = Buffer.from(file);
          changed[at] = (changed[at] as number) ^ (1 << bit);
          await writeFile(path, changed);
          const process = reopened ? await place.open() : host;
          // What this process has seen whole is none any more.
          assert.equal((await process.find(record.key)).found, undefined);
          await writeFile(path, file);
          assert((await bytesOf((await process.find(record.key)).found)).equals(bytes));
          if (reopened) await process.close();
        }),
        { numRuns: 30 },
      );
      await rm(path);
    }
  });

  it("is not sent where the first or last block of it was changed, however long it is", async () => {
    const MB = 1024 * 1024;
    const { record, bytes, path } = await stored(17 * MB);
    const file = await readFile(path);
    const start = file.length - bytes.length;
    for (const [at, range] of [
      [0, undefined],
      [17 * MB - 1, undefined],
      [5 * MB + 1, { start: 5 * MB, end: 9 * MB }],
      [9 * MB, { start: 5 * MB, end: 9 * MB }],
    ] as const) {
      const changed = Buffer.from(file);
      changed[start + at] = (changed[start + at] as number) ^ 1;
      await writeFile(path, changed);
      const { found } = await host.find(record.key);
      assert(found?.body?.complete);
      await assert.rejects(
        async () => found.body?.complete && found.body.stream(range),
        /changed while it was read/,
      );
      assert.deepEqual(await place.entries(), [], "it is removed");
      await writeFile(path, file);
      assert((await bytesOf((await host.find(record.key)).found)).equals(bytes));
    }
  });

  it("harms nothing, whatever the files hold", async () => {
    const { record, path } = await stored(3000);
    const file = await readFile(path);
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.tuple(fc.nat(4000), fc.nat(4000)).map(([a, b]) => file.subarray(Math.min(a, b), Math.max(a, b))),
        fc.constantFrom(file.subarray(0, 8), file.subarray(0, 40), Buffer.alloc(40, 0xff)),
      ),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, async (parts) => {
        const made = Buffer.concat(parts);
        if (made.equals(file)) return;
        await writeFile(path, made);
        assert.deepEqual(await host.find(record.key), { found: undefined, stale: undefined });
        assert.deepEqual(await host.find(record.key, false), { found: undefined, stale: undefined });
      }),
      { numRuns: 300 },
    );
  });

  it("is said in the log, and how often", async () => {
    const { lines, log } = recorder();
    const other = await place.open({}, { log });
    for (let i = 1; i <= 2; i++) {
      const { record, path } = await stored(1000);
      await truncate(path);
      await other.find(record.key);
      await rm(path, { force: true });
    }
    const said = lines.filter(({ msg }) => msg.includes("damaged")) as unknown as { damaged: number }[];
    assert.deepEqual(
      said.map(({ damaged }) => damaged),
      [1, 2],
    );
  });

  it("is not touched where it has other names", async () => {
    await stored(1000);
    const [shard = ""] = await place.files(/\/entries\/..$/);
    const names = [
      `${place.path}/README`,
      `${shard}/note.txt`,
      `${place.path}/v0/entries/ab/cd`,
      `${shard}/ABC`,
    ];
    for (const name of names) {
      await mkdir(name.replace(/\/[^/]*$/, ""), { recursive: true });
      await writeFile(name, "mine");
    }
    await host.purge("prefix", "");
    await (await place.open({ maxBytes: 1 })).close();
    for (const name of names) assert.equal(await readFile(name, "utf8"), "mine");
  });
});
