import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeStorage } from "@mediatap/test";
import { pixelsOf, plainPicture, serveExample } from "../serve.ts";
import { openForWriting, put } from "./fill.ts";
import { sqliteStorage } from "./storage-sqlite.ts";

describe("example: a storage of one's own", () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof serveExample>>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sqlite-"));
    process.env.PHOTOS = join(folder, "photos.db");
    const database = openForWriting(process.env.PHOTOS);
    put(database, "a/red.png", await plainPicture(80, 60, "#f00"), 1_700_000_000_000);
    database.close();
    server = await serveExample(import.meta.dirname);
  });
  after(async () => {
    // Other examples run in this process, too.
    delete process.env.PHOTOS;
    await server.close();
    await rm(folder, { recursive: true });
  });

  it("gives pictures out of the database", async () => {
    const { status, headers, body } = await server.ask("/tr:w-40,f-png/a/red.png");
    assert.equal(status, 200);
    assert.equal(headers["last-modified"], "Tue, 14 Nov 2023 22:13:20 GMT");
    const picture = await pixelsOf(body);
    assert.deepEqual([picture.width, picture.height, ...picture.at(20, 15)], [40, 30, 255, 0, 0]);
  });

  it("answers 404 for what is not in it", async () => {
    assert.equal((await server.ask("/a/blue.png")).status, 404);
  });
});

describeStorage("storage-sqlite", { conditional: true, size: true }, async () => {
  const database = openForWriting(":memory:");
  let time = 1_700_000_000_000;
  return {
    storage: sqliteStorage(() => database),
    async put(path, bytes) {
      time += 1000;
      put(database, path, bytes, time);
    },
    close: async () => database.close(),
  };
});
