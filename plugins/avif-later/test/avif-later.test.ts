import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer, type TestFolder, until } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { avifLater } from "../src/index.ts";

const AVIF = { accept: "image/avif,image/webp,*/*" };

/** Counts the pictures made, by their format; AVIF is held back until it is let go. */
function counter() {
  const made: string[] = [];
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const plugin: Plugin = {
    name: "counter",
    version: "1",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.report.tap("counter", (report) => {
        if (report.kind === "render" && report.plan) made.push(report.job.accept);
      });
      hooks.transform.tapPromise({ name: "counter", stage: -100 }, async ({ accept }) => {
        if (accept === "avif") await released;
        return undefined;
      });
    },
  };
  return { made, plugin, release };
}

describe("avif-later", () => {
  let folder: TestFolder;
  before(async () => {
    const create = { width: 300, height: 200, channels: 3 as const, background: "#3a7" };
    folder = await makeFolder({
      "photo.jpg": await sharp({ create }).jpeg().toBuffer(),
      "notes.txt": "notes",
    });
  });
  after(() => folder.close());

  const configOf = (...plugins: Plugin[]): MediatapConfig => ({
    plugins: [urlImagekit(), storageFs(), imageSharp(), ...plugins],
    origins: { files: { type: "FOLDER", path: folder.path } },
    endpoints: { default: { origins: ["files"], autoAvif: true } },
  });

  async function withServer(config: MediatapConfig, work: (server: Server) => Promise<void>) {
    const server = await startServer(config);
    try {
      await work(server);
    } finally {
      await server.close();
    }
  }
  type Server = Awaited<ReturnType<typeof startServer>>;

  it("answers with WebP at once, and with AVIF once that is made", async () => {
    const { made, plugin, release } = counter();
    await withServer(configOf(cacheMemory(), avifLater({ lifetime: 5 }), plugin), async (server) => {
      const many = await Promise.all(
        Array.from({ length: 5 }, () => server.ask("/photo.jpg?tr=w-100", { headers: AVIF })),
      );
      for (const { status, headers } of many) {
        assert.equal(status, 200);
        assert.equal(headers["content-type"], "image/webp");
        assert.equal(headers["x-mediatap-provenance"], "degraded");
        assert.match(headers["cache-control"] ?? "", /max-age=5\b/);
        assert.equal(headers.etag, undefined);
        assert.match(headers.vary ?? "", /accept/i);
      }
      release();
      const later = await until(async () => {
        const answer = await server.ask("/photo.jpg?tr=w-100", { headers: AVIF });
        return answer.headers["content-type"] === "image/avif" && answer;
      }, "AVIF is there");
      assert.equal(later.headers["x-mediatap-provenance"], undefined);
      assert(later.headers.etag);
      assert.equal((await sharp(later.body).metadata()).width, 100);
      assert.deepEqual(made.sort(), ["avif", "webp"]);
    });
  });

  it("leaves alone what names its format, who accepts no AVIF, and what is no image", async () => {
    await withServer(configOf(cacheMemory(), avifLater()), async (server) => {
      for (const [url, accept, type] of [
        ["/photo.jpg?tr=w-90,f-avif", AVIF.accept, "image/avif"],
        ["/photo.jpg?tr=w-90", "image/webp,*/*", "image/webp"],
        ["/photo.jpg?tr=w-90", "*/*", "image/jpeg"],
        ["/notes.txt", AVIF.accept, "text/plain; charset=utf-8"],
      ] as const) {
        const answer = await server.ask(url, { headers: { accept } });
        assert.equal(answer.headers["content-type"], type, url);
        assert.equal(answer.headers["x-mediatap-provenance"], undefined);
      }
    });
  });

  it("waits for AVIF where no cache would keep it", async () => {
    await withServer(configOf(avifLater()), async (server) => {
      const answer = await server.ask("/photo.jpg?tr=w-80", { headers: AVIF });
      assert.equal(answer.headers["content-type"], "image/avif");
    });
  });

  it("gives the errors that there would be without it", async () => {
    await withServer(configOf(cacheMemory(), avifLater()), async (server) => {
      assert.equal((await server.ask("/missing.jpg", { headers: AVIF })).status, 404);
      assert.equal((await server.ask("/photo.jpg?tr=w-abc", { headers: AVIF })).status, 400);
    });
  });

  it("refuses a wrong lifetime", () => {
    assert.throws(() => avifLater({ lifetime: -1 }), { code: "ECONFIG" });
  });
});
