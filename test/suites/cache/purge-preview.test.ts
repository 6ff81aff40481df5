import assert from "node:assert/strict";
import { cacheDisk } from "@mediatap/cache-disk";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Plugin } from "@mediatap/core";
import {
  echoEngine,
  jobLanguage,
  jobUrl,
  makeFolder,
  memoryStorage,
  startServer,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";

const KEY = "private_test_key";

interface Preview {
  readonly renditions: number;
  readonly bytes: number;
  readonly isComplete: boolean;
  readonly tiers: readonly { readonly name: string; readonly renditions?: number; readonly bytes?: number }[];
}

async function call(server: TestServer, path: string, target: object, key = KEY) {
  const { status, text } = await server.ask(`/-/api/v1/purges${path}`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` },
    body: JSON.stringify(target),
  });
  return { status, body: JSON.parse(text) };
}

describe("the preview of a purge", () => {
  let folder: TestFolder;
  let server: TestServer;

  async function start(...caches: Plugin[]): Promise<void> {
    server = await startServer(
      {
        plugins: [jobLanguage(), memoryStorage(Buffer.from("x")), echoEngine(), ...caches],
        origins: { files: { type: "MEMORY" } },
        endpoints: {
          default: { origins: ["files"] },
          own: { origins: ["files"], privateKeys: [KEY, "own_key"] },
        },
        tags: ["shared"],
        privateKey: KEY,
        tenants: {
          acme: {
            privateKey: "acme_key",
            origins: { files: { type: "MEMORY" } },
            endpoints: { default: { origins: ["files"] } },
          },
        },
      },
      { base: folder.path },
    );
  }
  /** Renders an original in several sizes. */
  async function render(path: string, count: number): Promise<void> {
    for (let width = 1; width <= count; width++) {
      const { status } = await server.ask(jobUrl(path, { steps: [{ op: "rotate", angle: width }] }));
      assert.equal(status, 200);
    }
  }
  const preview = async (target: object): Promise<Preview> => {
    const { status, body } = await call(server, "/preview", target);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };

  beforeEach(async () => {
    folder = await makeFolder();
  });
  afterEach(async () => {
    await server?.close();
    await folder.close();
  });

  it("counts what each cache has, and purges nothing", async () => {
    await start(cacheMemory(), cacheDisk({ path: "cache" }));
    await render("a/one.png", 3);
    await render("a/two.png", 2);
    await until(async () => (await preview({ all: true })).tiers[1]?.renditions === 5, "the disk has them");
    const one = await preview({ source: "a/one.png" });
    assert.deepEqual(
      [one.renditions, one.isComplete, one.tiers.map(({ name, renditions }) => [name, renditions])],
      [
        3,
        true,
        [
          ["cache-memory", 3],
          ["cache-disk", 3],
        ],
      ],
    );
    assert(one.bytes > 0 && one.bytes === one.tiers[1]?.bytes);
    assert.equal((await preview({ prefix: "a/" })).renditions, 5);
    assert.equal((await preview({ tag: "shared" })).renditions, 5);
    assert.equal((await preview({ tag: "other" })).renditions, 0);
    assert.equal((await preview({ all: true })).renditions, 5);
    const { status } = await call(server, "", { source: "a/one.png" });
    assert.equal(status, 201);
    assert.equal((await preview({ all: true })).renditions, 2);
  });

  it("names caches that cannot list what they have", async () => {
    const plugin: Plugin = {
      name: "cache-mute",
      version: "1.0.0",
      apiVersion: 1,
      apply({ cache }) {
        const open = () => ({ get: () => undefined, put: () => {}, delete: () => {} });
        cache({ tier: "memory", settings: {}, maxEntryBytes: 1_000_000, open });
      },
    };
    await start(plugin);
    await render("a.png", 1);
    assert.deepEqual(await preview({ all: true }), {
      renditions: 0,
      bytes: 0,
      tiers: [{ name: "cache-mute", tier: "memory" }],
      isComplete: false,
    });
  });

  it("counts for the account of the key alone, and refuses what the purge would refuse", async () => {
    await start(cacheMemory());
    await render("a.png", 2);
    assert.equal((await call(server, "/preview", { all: true }, "acme_key")).body.renditions, 0);
    assert.equal((await call(server, "/preview", { all: true }, "own_key")).status, 403);
    assert.equal((await call(server, "/preview", { all: true }, "wrong")).status, 401);
    assert.equal((await call(server, "/preview", { all: false })).status, 400);
    assert.equal((await call(server, "/preview", { url: "/acme/a.png" })).status, 403);
  });
});
