import assert from "node:assert/strict";
import type { Output, Step } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, jobLanguage, jobUrl, type TestServer } from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import sharp from "sharp";
import { inspectResult } from "../support/results.ts";
import { serve } from "../support/server.ts";
import { FFMPEG, mp4, openStudio, type Studio, testPicture } from "../support/videos.ts";

describeWith(FFMPEG, "moving pictures of a piece of a video", () => {
  let studio: Studio;
  let server: TestServer;

  before(async () => {
    studio = await openStudio();
    await studio.make("test.mp4", ...testPicture(4), ...mp4());
    await studio.make("long.mp4", "-f", "lavfi", "-i", "color=red:s=32x32:r=5:d=60", ...mp4());
    server = await serve(studio, [jobLanguage(), storageFs(), imageSharp(), videoFfmpeg()]);
  });
  after(async () => {
    await server.close();
    await studio.close();
  });

  const piece: Step[] = [
    { op: "clip", start: 1, duration: 2 },
    { op: "resize", width: 160, fit: "inside", enlarge: true },
  ];
  const ask = (output: Output, accept = "*/*", steps = piece, path = "test.mp4") =>
    server.ask(jobUrl(path, { steps, output }), { headers: { accept } });

  for (const format of ["gif", "webp"] as const) {
    it(`is ${format} if requested`, async () => {
      const answer = await ask({ format });
      assert.equal(answer.status, 200, answer.status === 200 ? "" : answer.text);
      assert.equal(answer.headers["content-type"], `image/${format}`);
      const {
        pages,
        pageHeight,
        width,
        delay = [],
        loop,
      } = await sharp(answer.body, { animated: true }).metadata();
      assert.deepEqual([width, pageHeight, loop], [160, 90, 0]);
      const lasts = delay.reduce((sum, one) => sum + one, 0);
      assert.ok(Math.abs(lasts - 2000) < 150, String(lasts));
      assert.ok(pages && pages > 20 && pages <= 31, String(pages));
    });
  }

  it("is AVIF if requested", async () => {
    const answer = await ask({ format: "avif" });
    assert.equal(answer.headers["content-type"], "image/avif");
    const result = await inspectResult(studio, answer.body);
    assert.equal(result.video.codec_name, "av1");
    assert.equal(Number(result.streams.at(-1)?.nb_read_frames), 30);
  });

  it("is AVIF also if it is small", async () => {
    const steps: Step[] = [
      { op: "clip", duration: 1 },
      { op: "resize", width: 48, fit: "inside", enlarge: true },
    ];
    const result = await inspectResult(studio, (await ask({ format: "avif" }, "*/*", steps)).body);
    assert.deepEqual([result.video.codec_name, result.video.width], ["av1", 48]);
  });

  it("is WebP for those who can show it, else GIF", async () => {
    assert.equal((await ask({}, "image/avif,image/webp,*/*")).headers["content-type"], "image/webp");
    assert.equal((await ask({}, "*/*")).headers["content-type"], "image/gif");
  });

  it("is neither too long nor of too many pictures", async () => {
    const whole: Step[] = [{ op: "clip", start: 1 }];
    assert.match((await ask({}, "*/*", whole, "long.mp4")).text, /30 seconds/);
    const some: Step[] = [{ op: "clip", duration: 20 }];
    assert.equal((await ask({}, "*/*", some, "long.mp4")).status, 200);
    assert.equal((await ask({ format: "jpeg" })).status, 400);
  });
});
