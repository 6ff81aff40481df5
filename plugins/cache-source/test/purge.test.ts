import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin } from "@mediatap/core";
import type { PurgeRule } from "@mediatap/core/cache";
import { startOrigin, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { type Copies, makeCopies, plain, startWith } from "./server.ts";

describe("cache-source: a purge", () => {
  let origin: WebOrigin;
  let copies: Copies;
  let server: TestServer;
  let opened: string[];
  const opening: Plugin = {
    name: "opening",
    version: "1",
    apiVersion: 1,
    apply: ({ hooks }) =>
      hooks.report.tap("opening", (report) => {
        if (report.kind === "attempt" && report.outcome === "found") opened.push(report.attempt.asset.path);
      }),
  };
  const paths = ["a.png", "folder/a.png", "folder/b.png", "folder2/a.png"];

  beforeEach(async () => {
    origin = await startOrigin(Object.fromEntries(paths.map((path, at) => [path, plain(10 + at)])));
    copies = await makeCopies();
    opened = [];
    server = await startWith(origin, copies, { plugins: [opening] });
    for (const path of paths) await server.ask(`/${path}?tr=w-10`);
    await copies.saved(paths.length);
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
    await copies.close();
  });

  const purge = (kind: PurgeRule["kind"], value: string) =>
    server.server.runtime.purges.begin([{ kind, value }]).done;

  async function forgotten(): Promise<string[]> {
    const asked: string[] = [];
    for (const path of paths) {
      const before = origin.count(path);
      await server.ask(`/${path}?tr=w-20`);
      if (origin.count(path) > before) asked.push(path);
    }
    return asked;
  }

  for (const [kind, value, expected] of [
    ["source", "a.png", ["a.png"]],
    ["source", "folder", []],
    ["prefix", "folder/", ["folder/a.png", "folder/b.png"]],
    ["prefix", "folder", ["folder/a.png", "folder/b.png", "folder2/a.png"]],
    ["original", "a.png", ["a.png"]],
    ["all", "", paths],
    // They name renditions.
    ["key", "a.png", []],
    ["tag", "a.png", []],
  ] as const) {
    it(`of ${kind} ${value} forgets ${expected.length === 0 ? "nothing" : expected.join(", ")}`, async () => {
      await purge(kind, value);
      assert.equal((await copies.records()).length, paths.length - expected.length);
      assert.equal((await copies.bytes()).length, paths.length - expected.length);
      assert.deepEqual(await forgotten(), expected);
    });
  }

  it("forgets the copies for all host names", async () => {
    await server.close();
    server = await startWith(origin, copies, {
      config: {
        origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url, forwardHostHeaderToOrigin: true } },
      },
    });
    const before = (await copies.records()).length;
    for (const host of ["one.test", "two.test"]) await server.ask("/a.png?tr=w-10", { headers: { host } });
    await copies.saved(before + 2);
    await purge("source", "a.png");
    // With the one that the origin had before it was configured so.
    assert.equal((await copies.records()).length, before - 1);
  });

  it("forgets a copy whose record is broken", async () => {
    for (const path of await copies.records()) await writeFile(join(copies.path, path), "{");
    await purge("source", "a.png");
    assert.equal((await copies.bytes()).length, paths.length - 1);
    await purge("all", "");
    assert.deepEqual([await copies.records(), await copies.bytes()], [[], []]);
  });

  it("leaves other files of the folder alone", async () => {
    await copies.write("ab/readme.txt", "hello");
    await copies.write("a.json", "{}");
    await purge("all", "");
    assert.deepEqual([...(await copies.records()), ...(await copies.others())].sort(), [
      "a.json",
      "ab/readme.txt",
    ]);
  });

  it("is not undone by a copy that was under way", async () => {
    const bytes = plain(99);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    origin.files.set("slow.png", {
      async answer(_, response) {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 50));
        await released;
        response.end(bytes.subarray(50));
      },
    });
    const answer = server.ask("/slow.png?tr=w-10");
    await until(() => opened.includes("slow.png"), "the download is under way");
    await purge("source", "slow.png");
    release();
    assert.equal((await answer).status, 200);
    await server.close();
    assert.equal((await copies.records()).length, paths.length);
    assert.equal((await copies.bytes()).length, paths.length);
  });
});
