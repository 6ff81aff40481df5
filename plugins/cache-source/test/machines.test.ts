import assert from "node:assert/strict";
import type { Locks, Plugin } from "@mediatap/core";
import { startOrigin, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { type Copies, makeCopies, noise, plain, seen, startWith } from "./server.ts";

/** Locks among the servers of this test, as a plugin offers them that can reach other machines. */
function makeLine() {
  const held = new Map<string, { end: Promise<string>; resolve: (end: string) => void }>();
  const claims: string[] = [];
  const plugin: Plugin = {
    name: "line",
    version: "1",
    apiVersion: 1,
    apply({ cluster }) {
      const locks: Locks = {
        async acquire(name, { signal }) {
          claims.push(name);
          const other = held.get(name);
          if (other) {
            const { promise, reject } = Promise.withResolvers<never>();
            signal.addEventListener("abort", () => reject(signal.reason));
            return { outcome: await Promise.race([other.end, promise]) };
          }
          const { promise, resolve } = Promise.withResolvers<string>();
          held.set(name, { end: promise, resolve });
          return {
            release(end = "") {
              held.delete(name);
              resolve(end);
            },
          };
        },
      };
      cluster.locks.connect("line", locks);
    },
  };
  return { plugin, held, claims };
}

describe("cache-source: several machines with one storage", () => {
  let origin: WebOrigin;
  let copies: Copies;
  let line: ReturnType<typeof makeLine>;
  let servers: TestServer[];
  beforeEach(async () => {
    origin = await startOrigin({ "a.png": plain(200), "large.png": noise(3_000_000) });
    copies = await makeCopies();
    line = makeLine();
    servers = await Promise.all([1, 2, 3].map(() => startWith(origin, copies, { plugins: [line.plugin] })));
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await origin.close();
    await copies.close();
  });

  const askAll = (path: string) =>
    Promise.all(
      servers.flatMap((server, at) =>
        [1, 2, 3].map((turn) => server.ask(`/tr:w-${10 + at * 3 + turn},f-png/${path}`)),
      ),
    );

  it("download an original once, whatever each of them makes of it at the same time", async () => {
    for (const path of ["a.png", "large.png"]) {
      const answers = await askAll(path);
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      for (const [at, { body }] of answers.entries()) assert.equal((await seen(body)).width, 11 + at);
      assert.equal(origin.count(path), 1, path);
      await until(() => line.held.size === 0, "the lock is released");
    }
    assert.equal((await seen((await servers[0]?.ask("/tr:w-9,f-png/a.png"))?.body ?? Buffer.of())).red, 200);
  });

  it("do not wait for a copy that will never be", async () => {
    origin.files.set("private.png", { bytes: plain(90), headers: { "cache-control": "private" } });
    for (const { status, body } of await askAll("private.png")) {
      assert.equal(status, 200);
      assert.equal((await seen(body)).red, 90);
    }
    for (const { status } of await askAll("none.png")) assert.equal(status, 404);
    origin.files.set("text.png", { bytes: Buffer.from("no picture") });
    for (const { status } of await askAll("text.png")) assert.equal(status, 400);
    await until(() => line.held.size === 0, "the locks are released");
  });

  it("acquire no lock where there is a copy already, nor for videos", async () => {
    await askAll("a.png");
    await copies.saved(1);
    const isCopy = (name: string) => name.startsWith("copy ");
    const before = line.claims.filter(isCopy).length;
    await servers[0]?.ask("/tr:w-50,f-png/a.png");
    origin.files.set("film.mp4", { bytes: Buffer.alloc(1000) });
    assert.equal((await servers[0]?.ask("/film.mp4?tr=orig-true"))?.status, 200);
    assert.equal(line.claims.filter(isCopy).length, before);
  });
});
