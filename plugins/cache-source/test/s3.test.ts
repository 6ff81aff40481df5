import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Storage } from "@mediatap/core/storage";
import { storageS3 } from "@mediatap/storage-s3";
import { describeWith, MOTO, type S3Service, startMoto, startOrigin, until } from "@mediatap/test";
import { DAY, plain, seen, startWith } from "./server.ts";

describeWith(MOTO, "cache-source: copies in a bucket", () => {
  let service: S3Service;
  before(async () => {
    service = await startMoto();
    const { endpoint, accessKey, secretKey } = service;
    const { CreateBucketCommand, S3Client } = await import("@aws-sdk/client-s3");
    const client = new S3Client({
      endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
      forcePathStyle: true,
    });
    await client.send(new CreateBucketCommand({ Bucket: "copies" }));
    client.destroy();
  });
  after(() => service?.close());

  it("are written while files are read, served, confirmed, replaced and purged", async () => {
    const film = randomBytes(20_000_000);
    const origin = await startOrigin({ "a.png": plain(200), "film.mp4": film });
    const { endpoint, accessKey, secretKey } = service;
    const copies = {
      type: "S3_COMPATIBLE",
      bucket: "copies",
      prefix: "of/originals",
      s3ForcePathStyle: true,
    };
    const start = (revalidate: number) =>
      startWith(
        origin,
        { path: "" },
        {
          options: { revalidate },
          plugins: [storageS3()],
          config: { origins: { copies: { ...copies, endpoint, accessKey, secretKey } } },
        },
      );
    let server = await start(DAY);
    const storage = (): Storage => server.server.runtime.origins.get("copies")?.storage as Storage;
    const records = async () => {
      const paths: string[] = [];
      for await (const path of storage().list?.("") ?? []) if (path.endsWith(".json")) paths.push(path);
      return paths.length;
    };
    const red = async (width: number) =>
      (await seen((await server.ask(`/tr:w-${width},f-png/a.png`)).body)).red;
    try {
      // A slow bucket gets no copy: the next request brings another one.
      await until(async () => {
        assert.equal(await red(10), 200);
        assert((await server.ask("/film.mp4")).body.equals(film));
        return (await records()) === 2;
      }, "both are copied");
      const asked = origin.requests.length;
      assert.equal(await red(20), 200);
      assert((await server.ask("/film.mp4")).body.equals(film));
      const part = await server.ask("/film.mp4", { headers: { range: "bytes=9000000-9000099" } });
      assert(part.body.equals(film.subarray(9_000_000, 9_000_100)));
      assert.equal(origin.requests.length, asked);
      await server.close();

      server = await start(0);
      assert.equal(await red(30), 200);
      assert.equal(origin.requests.at(-1)?.headers["if-none-match"]?.startsWith('"'), true);
      origin.files.set("a.png", { bytes: plain(10) });
      assert.equal(await red(40), 10);
      await server.close();
      await origin.close();

      server = await start(DAY);
      assert.equal(await red(50), 10);
      await server.server.runtime.purges.begin([{ kind: "all", value: "" }]).done;
      assert.equal(await records(), 0);
      assert.equal((await server.ask("/tr:w-60/a.png")).status, 404);
    } finally {
      await server.close();
      await origin.close();
    }
  });
});
