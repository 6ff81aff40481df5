import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { info } from "@mediatap/info";
import { manageImagekit } from "@mediatap/manage-imagekit";
import {
  describeWith,
  FFMPEG,
  makeFolder,
  memoryStorage,
  runFfmpeg,
  startServer,
  type TestServer,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import sharp from "sharp";
import { describeWithSdks } from "../../../test/suites/support/sdks.ts";

const KEY = "private_test_key";

describeWithSdks("manage-imagekit: metadata", (sdks) => {
  const files = new Map<string, Uint8Array>();
  let server: TestServer;
  const client = (privateKey = KEY) => sdks.client({ baseURL: server.url, privateKey });

  before(async () => {
    const image = sharp({ create: { width: 60, height: 40, channels: 3, background: "#336699" } });
    const exif = {
      IFD0: { Make: "Canon", Model: "EOS R5" },
      IFD2: { FNumber: "28/10", DateTimeOriginal: "2024:03:05 10:00:00", ExposureBiasValue: "1/3" },
      IFD3: {
        GPSLatitudeRef: "S",
        GPSLatitude: "33/1 51/1 2460/100",
        GPSLongitudeRef: "E",
        GPSLongitude: "151/1 12/1 5400/100",
      },
    };
    files.set("photo.jpg", await image.clone().withExif(exif).withIccProfile("p3").jpeg().toBuffer());
    files.set("broken.jpg", Buffer.from("this is no picture"));
    server = await startServer({
      plugins: [
        urlImagekit(),
        memoryStorage(files),
        imageSharp(),
        videoFfmpeg(),
        info(),
        cacheMemory(),
        manageImagekit(),
      ],
      origins: { files: { type: "MEMORY" } },
      endpoints: {
        default: { origins: ["files"], restrictUnsigned: "all" },
        places: { origins: ["files"], infoGps: true },
      },
      privateKey: KEY,
      management: { compatible: true },
      tenants: {
        acme: {
          hosts: ["acme.example"],
          privateKey: "acme_key",
          origins: { files: { type: "MEMORY" } },
          endpoints: { default: { origins: ["files"] } },
        },
      },
    });
  });
  after(() => server?.close());

  it("describes the file of a URL in the form of ImageKit, without a signature", async () => {
    const { pHash, ...metadata } = await client().files.metadata.getFromURL({
      url: `${server.url}/photo.jpg`,
    });
    assert.match(String(pHash), /^[0-9a-f]{16}$/);
    assert.deepEqual(metadata, {
      height: 40,
      width: 60,
      size: files.get("photo.jpg")?.byteLength,
      format: "jpg",
      quality: 80,
      hasColorProfile: true,
      hasTransparency: false,
      exif: {
        image: { Make: "Canon", Model: "EOS R5", Orientation: 1 },
        thumbnail: {},
        exif: { FNumber: 2.8, DateTimeOriginal: "2024:03:05 10:00:00", ExposureCompensation: 0.333333 },
        gps: {},
        interoperability: {},
        makernote: {},
      },
    });
  });

  it("contains the place if the endpoint allows it", async () => {
    const { exif } = await client().files.metadata.getFromURL({ url: `${server.url}/places/photo.jpg` });
    assert.deepEqual((exif as { gps: unknown }).gps, {
      GPSLatitudeRef: "S",
      GPSLatitude: [33, 51, 24.6],
      GPSLongitudeRef: "E",
      GPSLongitude: [151, 12, 54],
    });
  });

  it("refuses what it cannot describe, as the client expects it", async () => {
    const refused = async (url: string, status: number, message: RegExp, privateKey = KEY) => {
      await assert.rejects(client(privateKey).files.metadata.getFromURL({ url }), (error: Error) => {
        assert.equal((error as { status?: number }).status, status, error.message);
        const { message: text, help } = (error as unknown as { error: Record<string, string> }).error;
        assert.match(String(text), message);
        assert.equal(help, "See the README of manage-imagekit.");
        return true;
      });
    };
    await refused(`${server.url}/missing.jpg`, 404, /No file was found/);
    await refused(`${server.url}/broken.jpg`, 404, /not a readable image/);
    await refused(
      `${server.url}/tr:w-10/photo.jpg`,
      400,
      /Expected the URL of a file without a transformation/,
    );
    await refused("", 400, /Expected the URL of a file for url/);
    await refused(`${server.url}/photo.jpg`, 401, /cannot be authenticated/, "another_key");
  });

  it("describes files of the account of the key alone", async () => {
    const own = { url: "http://acme.example/photo.jpg" };
    assert.equal((await client("acme_key").files.metadata.getFromURL(own)).width, 60);
    for (const [key, url] of [
      ["acme_key", `${server.url}/photo.jpg`],
      [KEY, own.url],
    ] as const) {
      await assert.rejects(client(key).files.metadata.getFromURL({ url }), { status: 403 });
    }
  });

  describeWith(FFMPEG, "of a video", () => {
    it("contains duration, bit rate in kilobits and codecs", async () => {
      const folder = await makeFolder();
      try {
        const sources = ["color=red:s=64x48:r=25:d=1", "sine=f=440:d=1"].flatMap((of) => [
          "-f",
          "lavfi",
          "-i",
          of,
        ]);
        await runFfmpeg(`${folder.path}/film.mp4`, ...sources, "-c:v", "libx264", "-c:a", "aac");
        files.set("film.mp4", await readFile(`${folder.path}/film.mp4`));
      } finally {
        await folder.close();
      }
      const url = `${server.url}/film.mp4`;
      const { duration, bitRate, size, ...metadata } = await client().files.metadata.getFromURL({ url });
      const { format, width, videoCodec, audioCodec, pHash } = metadata;
      assert.deepEqual([format, width, videoCodec, audioCodec, pHash], ["mp4", 64, "h264", "aac", undefined]);
      assert(Math.abs(Number(duration) - 1) < 0.2);
      assert(Math.abs(Number(bitRate) - (Number(size) * 8) / 1000 / Number(duration)) < 2, `${bitRate}`);
    });
  });
});
