import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Step } from "@mediatap/core";
import type { Layer } from "@mediatap/core/steps";
import { isLike } from "../support/results.ts";
import {
  BLACK,
  BLUE,
  describeTranscoding,
  paint,
  quarters,
  RED,
  resize,
  silent,
  sizeOf,
} from "../support/transcoded.ts";
import { mp4, numbered, numberIn, type Studio, testPicture } from "../support/videos.ts";

const prepare = (studio: Studio) =>
  Promise.all([silent(studio), studio.make("test.mp4", ...testPicture(4), ...mp4())]);

/** When the pictures of a video of `numbered`, twice as large, are shown, and their numbers. */
async function shownIn(path: string) {
  const { stdout } = await promisify(execFile)("/usr/bin/ffprobe", [
    ...["-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", path],
  ]);
  const times = stdout.trim().split("\n").map(Number.parseFloat);
  const { stdout: pixels } = await promisify(execFile)(
    "/usr/bin/ffmpeg",
    [
      ...["-v", "error", "-i", path, "-vf", "scale=160:90", "-fps_mode", "passthrough"],
      ...["-f", "rawvideo", "-pix_fmt", "gray", "-"],
    ],
    { encoding: "buffer", maxBuffer: 1e8 },
  );
  assert.equal(pixels.length, times.length * 160 * 90);
  return times.map((at, index) => {
    const from = index * 160 * 90;
    return { at, number: numberIn((x, y) => [pixels[from + y * 160 + x] as number]) };
  });
}

describeTranscoding("whole videos of unusual sources", prepare, (transcoding) => {
  const { make, refusal } = transcoding;

  describe("whose pictures follow each other unevenly", () => {
    // Of 25 a second those of the first second are there, then one at 2.6 s, and one at 3.4 s, which lasts up to 4 s.
    const numbers = [...Array.from({ length: 25 }, (_, at) => at), 65, 85];
    const select = "lt(n\\,25)+eq(n\\,65)+eq(n\\,85)";

    before(async () => {
      const tone = ["-f", "lavfi", "-i", "sine=d=4", "-map", "0:v", "-map", "1:a"];
      await transcoding.studio.make(
        "dense.mp4",
        ...[...numbered(4), ...tone, "-vf", `select=${select}`, "-fps_mode", "vfr"],
        ...["-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac"],
      );
    });

    for (const format of ["mp4", "webm"] as const) {
      it(`keep their times as ${format}, and the last one its length`, async () => {
        const { path, duration } = await make("dense.mp4", [resize({ width: 320 })], { format });
        assert.deepEqual(
          (await shownIn(path)).map(({ at, number }) => [Math.round(at * 25), number]),
          numbers.map((number) => [number, number]),
        );
        assert.ok(Math.abs(duration - 4) < 0.05, String(duration));
      });
    }

    it("are clipped in the middle of one that is shown for long", async () => {
      const steps: Step[] = [{ op: "clip", start: 2, duration: 1.2 }, resize({ width: 320 })];
      const result = await make("dense.mp4", steps);
      const shown = await shownIn(result.path);
      // From 2 s to 2.6 s that of 0.96 s is still there.
      assert.deepEqual(
        shown.map(({ number }) => number),
        Array.from({ length: 30 }, (_, at) => (at < 15 ? 24 : 65)),
      );
      assert.ok(Math.abs(result.duration - 1.2) < 0.05, String(result.duration));
      const sound = Number(result.audio?.duration);
      assert.ok(Math.abs(sound - 1.2) < 0.05, String(sound));
    });

    it("show layers over a frame that is shown for long", async () => {
      const layer: Layer = {
        kind: "color",
        color: { r: 255, g: 0, b: 0, alpha: 1 },
        width: 320,
        height: 180,
        steps: [],
      };
      const time = { start: 1.5, duration: 0.5 };
      const overlay: Step = { op: "overlay", layer, place: { gravity: "center" }, time };
      const steps: Step[] = [resize({ width: 320 }), overlay];
      const result = await make("dense.mp4", steps);
      const colours = await Promise.all([1.2, 1.7, 2.2].map(async (at) => (await result.at(at))(0.5, 0.9)));
      assert.deepEqual(
        colours.map((one) => isLike(one, RED, 40)),
        [false, true, false],
      );
    });
  });

  it("of high dynamic range look as others do", async () => {
    // PQ at 203 cd/m²: the white of pictures (BT.2408).
    await transcoding.studio.make(
      "hdr.mp4",
      ...["-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=1", "-vf"],
      "format=yuv420p10le,geq=lum=572:cb=512:cr=512",
      ...[
        "-c:v",
        "libx265",
        "-x265-params",
        "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
      ],
      ...["-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"],
    );
    const result = await make("hdr.mp4", [resize({ width: 160 })]);
    assert.equal(result.video.pix_fmt, "yuv420p");
    assert.equal(result.video.color_transfer, "bt709");
    const white = (await result.at(0.5))(0.5, 0.5);
    assert.ok(
      white.every((value) => value > 200),
      String(white),
    );
  });

  it("with clear pixels are composed on black, or on the background", async () => {
    await transcoding.studio.make(
      "clear.webm",
      ...[
        "-f",
        "lavfi",
        "-i",
        "color=red:s=64x64:r=25:d=1,format=yuva420p,geq=lum=p(X\\,Y):cb=p(X\\,Y):cr=p(X\\,Y):a=if(lt(X\\,32)\\,255\\,0)",
      ],
      ...["-c:v", "libvpx-vp9", "-auto-alt-ref", "0"],
    );
    const black = await (await make("clear.webm")).at(0.5);
    assert.ok(isLike(black(0.25, 0.5), RED, 40) && isLike(black(0.75, 0.5), BLACK), String(black(0.75, 0.5)));
    const blue = await (await make("clear.webm", [{ op: "flatten", background: paint(0, 0, 255) }])).at(0.5);
    assert.ok(isLike(blue(0.25, 0.5), RED, 40) && isLike(blue(0.75, 0.5), BLUE), String(blue(0.75, 0.5)));
  });

  it("with a cover picture first show the video", async () => {
    await transcoding.studio.make(
      "cover.mp4",
      ...["-f", "lavfi", "-i", "color=white:s=50x50:d=0.04", "-i", transcoding.studio.path("fields.mp4")],
      ...["-map", "0:v", "-map", "1:v", "-map", "1:a", "-c:v:0", "mjpeg", "-c:v:1", "copy", "-c:a", "copy"],
      ...["-disposition:v:0", "attached_pic"],
    );
    const result = await make("cover.mp4", [resize({ width: 160 })]);
    assert.equal(sizeOf(result), "160x90");
    assert.equal(await quarters(result), "red green blue white");
  });

  it("that are interlaced are deinterlaced", async () => {
    // A bar that has moved on by 16 pixels in each half picture: combs, where they are merely laid into each other.
    await transcoding.studio.make(
      "half.ts",
      ...[
        "-f",
        "lavfi",
        "-i",
        "color=black:s=320x180:r=50:d=2[b];color=white:s=8x180:r=50:d=2[w];[b][w]overlay=x=mod(n*16\\,300)",
      ],
      ...[
        "-vf",
        "tinterlace=interleave_top,setfield=tff",
        "-r",
        "25",
        "-c:v",
        "mpeg2video",
        "-b:v",
        "5M",
        "-flags",
        "+ilme+ildct",
      ],
    );
    const result = await make("half.ts");
    const at = await result.at(1);
    // Nowhere is every other line as white as its neighbours are black.
    const combs = Array.from({ length: 320 }, (_, x) => {
      const [a, b, c] = [80, 81, 82].map((y) => at((x + 0.5) / 320, (y + 0.5) / 180)[0]) as [
        number,
        number,
        number,
      ];
      return Math.abs(a - b) > 120 && Math.abs(b - c) > 120;
    });
    assert.equal(combs.filter(Boolean).length, 0);
  });

  it("with sound of more than two channels have two", async () => {
    await transcoding.studio.make(
      "surround.mkv",
      ...[
        "-i",
        transcoding.studio.path("silent.mp4"),
        "-f",
        "lavfi",
        "-i",
        "anoisesrc=d=2,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0",
      ],
      ...["-c:v", "copy", "-c:a", "aac"],
    );
    assert.equal((await make("surround.mkv")).audio?.channels, 2);
    assert.equal((await make("surround.mkv", [], { format: "webm" })).audio?.channels, 2);
  });

  it("that are no videos are refused", async () => {
    await transcoding.studio.make("picture.png", "-f", "lavfi", "-i", "color=red:s=20x20", "-frames:v", "1");
    assert.match(await refusal("picture.png"), /^400 .*video/);
  });
});
