import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Step } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, jobLanguage, jobUrl, type TestServer } from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { inspectResult, isLike, type Result } from "../support/results.ts";
import { serve } from "../support/server.ts";
import { FFMPEG, openStudio, type Studio } from "../support/videos.ts";

const RED = [255, 0, 0];
const BLUE = [0, 0, 255];
const GREEN = [0, 255, 0];

describeWith(FFMPEG, "animated WebP as a video", () => {
  let studio: Studio;
  let server: TestServer;

  before(async () => {
    studio = await openStudio();
    const webp = ["-c:v", "libwebp_anim", "-lossless", "1", "-loop", "0"];
    const part = (color: string, seconds: number) => [
      ...["-f", "lavfi", "-i", `color=${color}:s=64x40:r=20:d=${seconds},format=bgra`],
    ];
    await studio.make(
      "fields.webp",
      ...[...part("red", 0.5), ...part("blue", 0.2), ...part("lime", 1.3)],
      ...["-filter_complex", "[0][1][2]concat=n=3", ...webp],
    );
    const half = "geq=r=255:g=0:b=4*N:a=if(lt(X\\,32)\\,255\\,0)";
    await studio.make(
      "half.webp",
      ...["-f", "lavfi", "-i"],
      `testsrc2=s=64x40:r=10:d=1,format=rgba,${half}`,
      ...webp,
    );
    // More colours than a palette has.
    await studio.make(
      "many.webp",
      ...[
        "-f",
        "lavfi",
        "-i",
        "color=black:s=256x256:r=10:d=0.5,format=gbrp,geq=r=X:g=Y:b=20*N,format=bgra",
        ...webp,
      ],
    );
    await studio.make(
      "still.webp",
      "-f",
      "lavfi",
      "-i",
      "color=red:s=64x40",
      "-frames:v",
      "1",
      "-c:v",
      "libwebp",
    );
    server = await start(imageSharp());
  });
  after(async () => {
    await server.close();
    await studio.close();
  });

  const start = (...more: ReturnType<typeof imageSharp>[]) =>
    serve(studio, [jobLanguage(), storageFs(), ...more, videoFfmpeg({ delivery: "wait" }), cacheMemory()]);

  const ask = (path: string, steps: Step[] = [], output: VideoOutput = {}, at = server) =>
    at.ask(jobUrl(path, { steps, output: { video: output } }));

  async function make(path: string, steps: Step[] = [], output: VideoOutput = {}): Promise<Result> {
    const answer = await ask(path, steps, output);
    assert.equal(answer.status, 200, answer.status === 200 ? "" : answer.text);
    return inspectResult(studio, answer.body);
  }

  async function colourAt(result: Result, seconds: number): Promise<string> {
    const there = (await result.at(seconds))(0.5, 0.5);
    const found = Object.entries({ RED, BLUE, GREEN }).find(([, colour]) => isLike(there, colour, 40));
    return found?.[0] ?? String(there);
  }

  for (const format of ["mp4", "webm"] as const) {
    it(`is ${format}, each frame for its time`, async () => {
      const result = await make("fields.webp", [], { format });
      assert.equal(result.video.width, 64);
      assert.equal(result.audio, undefined);
      assert.ok(Math.abs(result.duration - 2) < 0.11, String(result.duration));
      const seen = [0, 0.4, 0.6, 0.8, 1.8].map((seconds) => colourAt(result, seconds));
      assert.deepEqual(await Promise.all(seen), ["RED", "RED", "BLUE", "GREEN", "GREEN"]);
    });
  }

  it("is clipped and scaled like any video", async () => {
    const result = await make("fields.webp", [
      { op: "clip", start: 0.5, duration: 1 },
      { op: "resize", width: 32, fit: "inside", enlarge: true },
    ]);
    assert.equal(result.video.width, 32);
    assert.ok(Math.abs(result.duration - 1) < 0.11, String(result.duration));
    assert.deepEqual([await colourAt(result, 0.05), await colourAt(result, 0.5)], ["BLUE", "GREEN"]);
  });

  it("shows the background where it is clear", async () => {
    const white = { kind: "color", color: { r: 255, g: 255, b: 255, alpha: 1 } } as const;
    const at = await (await make("half.webp", [{ op: "flatten", background: white }])).at(0.5);
    assert.ok(isLike(at(0.25, 0.5), RED, 40), String(at(0.25, 0.5)));
    assert.ok(isLike(at(0.75, 0.5), [255, 255, 255], 20), String(at(0.75, 0.5)));
  });

  it("keeps all its colours", async () => {
    const at = await (await make("many.webp", [], { quality: 100 })).at(0.3);
    const off = Array.from({ length: 256 }, (_, index) => {
      const [x, y] = [(index % 16) / 16 + 0.03, Math.floor(index / 16) / 16 + 0.03];
      return Math.abs((at(x, y)[0] ?? 0) - 256 * x) + Math.abs((at(x, y)[1] ?? 0) - 256 * y);
    });
    const mean = off.reduce((sum, one) => sum + one, 0) / off.length;
    assert.ok(mean < 6, `${mean} off`);
  });

  it("is refused if it is a still, or no engine decodes it", async () => {
    assert.equal((await ask("still.webp")).status, 400);
    const without = await start();
    try {
      assert.equal((await ask("fields.webp", [], {}, without)).status, 400);
    } finally {
      await without.close();
    }
  });

  it("has no more frames than pictures may have", async () => {
    const strict = await serve(studio, [jobLanguage(), storageFs(), imageSharp(), videoFfmpeg()], {
      limits: { frames: 2 },
    });
    try {
      assert.equal((await ask("fields.webp", [], {}, strict)).status, 400);
    } finally {
      await strict.close();
    }
  });

  it("is not delivered to other clients", async () => {
    const answer = await server.ask(
      jobUrl("fields.webp", { steps: [{ op: "film", to: "x" } as never], output: { format: "webp" } }),
    );
    assert.equal(answer.status, 403);
  });
});
