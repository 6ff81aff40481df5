import assert from "node:assert/strict";
import { chmod, rm, writeFile } from "node:fs/promises";
import { cacheDisk } from "@mediatap/cache-disk";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Plugin, Step } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import { storageFs } from "@mediatap/storage-fs";
import {
  describeWith,
  jobLanguage,
  jobUrl,
  makeFolder,
  memoryStorage,
  startServer,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";
import { type VideoFfmpegOptions, videoFfmpeg } from "@mediatap/video-ffmpeg";
import { programsWith } from "../support/processes.ts";
import { inspectResult } from "../support/results.ts";
import { serve } from "../support/server.ts";
import { FFMPEG, mp4, openStudio, type Studio } from "../support/videos.ts";

/** Long enough not to be waited for. */
const SECONDS = 12;
const FRAMES = 25 * SECONDS;

describeWith(FFMPEG, "a whole video that takes its time", () => {
  let studio: Studio;
  let server: TestServer;
  let cache: TestFolder;

  before(async () => {
    studio = await openStudio();
    await studio.make(
      "long.mp4",
      ...["-f", "lavfi", "-i", `testsrc2=s=640x360:r=25:d=${SECONDS}`],
      ...["-f", "lavfi", "-i", `sine=f=440:d=${SECONDS}`, ...mp4()],
    );
    // A program that is at work on the video until it may end.
    await writeFile(
      studio.path("ffmpeg"),
      `#!/bin/sh\n${FFMPEG.path} "$@"\ncode=$?\n` +
        `case "$*" in *long.mp4*) while [ ! -e ${studio.path("go")} ]; do /bin/sleep 0.05; done;; esac\nexit $code\n`,
    );
    await chmod(studio.path("ffmpeg"), 0o755);
  });
  after(() => studio.close());
  beforeEach(() => letEnd());
  afterEach(async () => {
    await letEnd();
    await server.close();
    await cache?.close();
  });

  const letEnd = () => writeFile(studio.path("go"), "");
  const hold = () => rm(studio.path("go"));
  const videos = (options: VideoFfmpegOptions = {}) =>
    videoFfmpeg({
      ffmpeg: studio.path("ffmpeg"),
      ffprobe: FFMPEG.path.replace("ffmpeg", "ffprobe"),
      ...options,
    });

  const start = async (...more: Plugin[]) => {
    server = await serve(studio, [jobLanguage(), storageFs(), videos(), ...more]);
  };
  const withDisk = async () => {
    cache = await makeFolder();
    await start(cacheDisk({ path: cache.path, timeout: 30_000 }));
  };

  const url = (output: VideoOutput = {}, path = "long.mp4", width = 480) => {
    const steps: Step[] = [{ op: "resize", width, fit: "inside", enlarge: true }];
    return `${server.url}${jobUrl(path, { steps, output: { video: output } })}`;
  };

  /** Reads what comes first, and leaves the rest. */
  async function begin(response: Response) {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    return { reader, first: Buffer.from(value as Uint8Array) };
  }

  async function rest(reader: ReadableStreamDefaultReader<Uint8Array>, first: Buffer): Promise<Buffer> {
    const chunks = [first];
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      chunks.push(Buffer.from(read.value));
    }
    return Buffer.concat(chunks);
  }

  const encoders = () => programsWith(studio.folder);

  for (const format of ["mp4", "webm"] as const) {
    it(`is sent as ${format} while it is encoded, then cached with an index and ranges`, async () => {
      await withDisk();
      await hold();
      const response = await fetch(url({ format }));
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), `video/${format}`);
      const { reader, first } = await begin(response);
      assert(encoders().length > 0, "it is still at work");
      assert.equal(response.headers.get("etag"), null);
      assert.equal(response.headers.get("content-length"), null);
      assert.equal(response.headers.get("accept-ranges"), null);
      assert.equal(response.headers.get("cache-control"), "no-store");

      // Who comes later reads along, from the start.
      const second = await fetch(url({ format }));
      assert.equal(second.headers.get("etag"), null);
      await letEnd();
      const [one, two] = await Promise.all([rest(reader, first), second.arrayBuffer()]);
      assert.ok(one.equals(Buffer.from(two)));
      const grown = await inspectResult(studio, one);
      assert.equal(`${grown.video.width}x${grown.video.height}`, "480x270");
      assert.equal(Number(grown.video.nb_read_frames), FRAMES);

      const kept = await until(async () => {
        const head = await fetch(url({ format }), { method: "HEAD" });
        return head.headers.get("etag") !== null && head;
      }, "it is kept");
      assert.match(kept.headers.get("cache-status") ?? "", /hit|revalidated/);
      const part = await fetch(url({ format }), { headers: { range: "bytes=100-199" } });
      assert.equal(part.status, 206);
      assert.equal(part.headers.get("etag"), kept.headers.get("etag"));
      const whole = Buffer.from(await (await fetch(url({ format }))).arrayBuffer());
      assert.equal(whole.length, Number(kept.headers.get("content-length")));
      assert.ok(whole.subarray(100, 200).equals(Buffer.from(await part.arrayBuffer())));
      const finished = await inspectResult(studio, whole);
      assert.equal(Number(finished.video.nb_read_frames), FRAMES);
      assert.ok(Math.abs(finished.duration - SECONDS) < 0.1, String(finished.duration));
      assert.ok(Math.abs(Number(finished.video.start_time)) < 0.05, finished.video.start_time);
      if (format === "mp4") assert.ok(whole.indexOf("moov") < whole.indexOf("mdat"));
      else
        assert.ok(
          whole.indexOf(Buffer.from("1c53bb6b", "hex")) < whole.indexOf(Buffer.from("1f43b675", "hex")),
        );
    });
  }

  it("is cached in memory if that is the only cache", async () => {
    await start(cacheMemory());
    await (await fetch(url({ audio: "none" }))).arrayBuffer();
    await until(async () => {
      const again = await fetch(url({ audio: "none" }));
      await again.arrayBuffer();
      return again.headers.get("etag") !== null;
    }, "it is kept");
    const part = await fetch(url({ audio: "none" }), { headers: { range: "bytes=0-9" } });
    assert.equal(part.status, 206);
    assert.equal((await part.arrayBuffer()).byteLength, 10);
  });

  it("is stopped when nobody reads it any more, and nothing is cached", async () => {
    await withDisk();
    await hold();
    const leaving = new AbortController();
    const response = await fetch(url({}, "long.mp4", 1280), { signal: leaving.signal });
    await begin(response);
    assert(encoders().length > 0);
    leaving.abort();
    await until(() => encoders().length === 0, "the encoder has gone");
    const again = await fetch(url({}, "long.mp4", 1280), { method: "HEAD" });
    assert.doesNotMatch(again.headers.get("cache-status") ?? "", /hit|revalidated/);
  });

  it("ends with the server", async () => {
    await start();
    await hold();
    const response = await fetch(url({}, "long.mp4", 1280));
    const { reader } = await begin(response);
    const closing = server.close();
    await reader.cancel();
    await closing;
    await until(() => encoders().length === 0, "the encoder has gone");
  });

  it("that is larger than the limit resets the connection", async () => {
    server = await serve(studio, [jobLanguage(), storageFs(), videos()], {
      limits: { videoOutput: 300_000 },
    });
    const response = await fetch(url({}, "long.mp4", 1280));
    assert.equal(response.status, 200);
    await assert.rejects(response.arrayBuffer());
    await until(() => encoders().length === 0, "the encoder has gone");
  });

  it("ends at once with the last waiting client", async () => {
    server = await serve(studio, [jobLanguage(), storageFs(), videos({ delivery: "wait" })]);
    await hold();
    const leaving = new AbortController();
    const response = fetch(url({}, "long.mp4", 1280), { signal: leaving.signal });
    await until(() => encoders().length > 0, "the encoder is at work");
    leaving.abort();
    await assert.rejects(response);
    await until(() => encoders().length === 0, "the encoder has gone");
  });

  it("is not encoded for a HEAD request", async () => {
    await start();
    await hold();
    const { status } = await fetch(url({}, "long.mp4", 1280), { method: "HEAD" });
    assert.equal(status, 200);
    await until(() => encoders().length === 0, "the encoder has gone");
  });

  it("is encoded from an origin, with its index at the end, like from a file", async () => {
    await studio.make("behind.mp4", "-i", studio.path("long.mp4"), "-c", "copy");
    server = await startServer({
      plugins: [
        jobLanguage(),
        memoryStorage(new Map([["long.mp4", await studio.bytes("behind.mp4")]])),
        videos(),
      ],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    });
    const response = await fetch(url());
    assert.equal(response.status, 200);
    const result = await inspectResult(studio, new Uint8Array(await response.arrayBuffer()));
    assert.equal(Number(result.video.nb_read_frames), FRAMES);
  });

  it("is sent complete, with its length, if delivery waits", async () => {
    server = await serve(studio, [jobLanguage(), storageFs(), videos({ delivery: "wait" })]);
    const response = await fetch(url());
    assert.match(response.headers.get("etag") ?? "", /^"/);
    const { byteLength } = await response.arrayBuffer();
    assert.equal(byteLength, Number(response.headers.get("content-length")));
  });
});
