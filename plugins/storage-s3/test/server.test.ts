import assert from "node:assert/strict";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import {
  describeWith,
  makePng,
  RADOSGW,
  type Radosgw,
  startRadosgw,
  startServer,
  type TestServer,
  until,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import storageS3Default, { storageS3 } from "../src/index.ts";
import { openPlace, type TestPlace } from "./places.ts";

const PICTURE = makePng(60, 40, (x) => (x < 30 ? [255, 0, 0, 255] : [0, 0, 255, 255]));

type Origins = NonNullable<MediatapConfig["origins"]>;

describeWith(RADOSGW, "a server of objects", () => {
  let service: Radosgw;
  let place: TestPlace;
  let server: TestServer | undefined;
  before(async () => {
    service = await startRadosgw();
    place = await openPlace(service);
    await place.put("originals/a b+c é.png", PICTURE, { type: "image/png" });
    await place.put("a.png", PICTURE);
    await place.put("private.png", PICTURE, { private: true });
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  after(async () => {
    place.close();
    await service.close();
  });

  const fields = () => {
    const { endpoint, accessKey, secretKey } = service;
    return { bucket: "photos", endpoint, accessKey, secretKey, s3ForcePathStyle: true };
  };

  async function start(origins: Origins, rest: Partial<MediatapConfig> = {}): Promise<TestServer> {
    server = await startServer({
      plugins: [urlImagekit(), storageS3(), imageSharp()],
      origins,
      endpoints: { default: { origins: Object.keys(origins) } },
      ...rest,
    });
    return server;
  }

  /** Width and height of a PNG. */
  const sizeOf = (png: Buffer) => [png.readUInt32BE(16), png.readUInt32BE(20)];

  it("makes pictures of them, for origins of each type", async () => {
    assert.equal(storageS3Default, storageS3);
    for (const type of ["S3", "S3_COMPATIBLE", "CLOUDINARY_BACKUP"]) {
      const { ask, close } = await start({ photos: { type, prefix: "originals", ...fields() } });
      const original = await ask("/tr:orig-true/a%20b+c%20%C3%A9.png");
      assert(original.body.equals(PICTURE), type);
      const smaller = await ask("/tr:w-30,f-png/a%20b%2Bc%20%C3%A9.png");
      assert.equal(smaller.status, 200);
      assert.deepEqual(sizeOf(smaller.body), [30, 20]);
      const missing = await ask("/a.png");
      assert.equal(missing.status, 404);
      assert.match(missing.headers["ik-error"] ?? "", /^ENOENT/);
      await close();
    }
  });

  it("keeps private ones from those who have no signature", async () => {
    const { ask } = await start({ photos: { type: "S3_COMPATIBLE", ...fields() } });
    assert.equal((await ask("/a.png")).status, 200);
    assert.equal((await ask("/private.png")).status, 401);
  });

  it("asks the next origin where one denies or misses them", async () => {
    const { ask } = await start({
      wrong: { type: "S3_COMPATIBLE", ...fields(), secretKey: "wrong" },
      gone: { type: "S3_COMPATIBLE", ...fields(), bucket: "nowhere" },
      photos: { type: "S3_COMPATIBLE", ...fields() },
    });
    assert.equal((await ask("/a.png")).status, 200);
    const missing = await ask("/missing.png");
    assert.equal(missing.status, 404);
    assert.match(missing.headers["ik-error"] ?? "", /^EACCES/);
    assert.doesNotMatch(
      JSON.stringify(missing.headers) + missing.text,
      /photos|nowhere|testkey|wrong|127\.0/,
    );
  });

  it("is good again by itself after an outage of the service", async () => {
    const { ask } = await start(
      { photos: { type: "S3_COMPATIBLE", ...fields() } },
      { limits: { breakerOpen: 100, failureLifetime: 50 } },
    );
    const one = (i: number) => ask(`/tr:w-${i + 1}/a.png?v=${i}`);
    assert.equal((await one(0)).status, 200);
    await service.stop();
    let asked = 0;
    while (asked < 12) {
      const { status, headers } = await one(++asked);
      assert.equal(status, 404);
      assert.match(headers["ik-error"] ?? "", /^ECONNREFUSED/);
    }
    await service.start();
    await until(async () => (await one(++asked)).status === 200, "it is good again");
    for (let i = 0; i < 10; i++) assert.equal((await one(++asked)).status, 200);
  });

  it("does not start with fields that are wrong, and says which", async () => {
    const { accessKey, ...keyless } = fields();
    for (const [type, options, said] of [
      ["S3_COMPATIBLE", keyless, /photos.*accessKey/],
      ["S3_COMPATIBLE", { ...fields(), endpoint: "minio:9000" }, /photos.*endpoint|endpoint.*http/],
      ["S3_COMPATIBLE", { ...fields(), endpoint: "http://user:secret@host" }, /endpoint/],
      ["S3_COMPATIBLE", { ...fields(), bucket: "s3://photos/" }, /bucket/],
      ["S3_COMPATIBLE", { ...fields(), prefix: "a/../b" }, /prefix/],
      ["S3_COMPATIBLE", { ...fields(), useIAMRole: true }, /useIAMRole/],
      ["S3", { ...keyless }, /accessKey and secretKey together/],
      ["S3", { bucket: "photos", sessionToken: "token" }, /sessionToken only beside/],
      ["CLOUDINARY_BACKUP", { bucket: "photos" }, /accessKey/],
    ] as const) {
      await assert.rejects(start({ photos: { type, ...options } }), (error: Error) => {
        assert.match(error.message, said);
        assert.doesNotMatch(error.message, /testsecret/);
        return true;
      });
    }
    assert.throws(() => storageS3({ retries: -1 }), /retries/);
  });
});
