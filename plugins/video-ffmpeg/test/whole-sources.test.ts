import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { isLike } from "./support/results.ts";
import { mp4, type Studio, testPicture } from "./support/videos.ts";
import { BLACK, BLUE, describeWhole, paint, quarters, RED, resize, silent, sizeOf } from "./support/whole.ts";

const prepare = (studio: Studio) =>
  Promise.all([silent(studio), studio.make("test.mp4", ...testPicture(4), ...mp4())]);

describeWhole("whole videos of unusual sources", prepare, (whole) => {
  const { make, refusal } = whole;

  it("of changing rate have a constant one", async () => {
    // The second half has a third of the frames.
    await whole.studio.make(
      "vfr.mp4",
      ...["-i", whole.studio.path("test.mp4"), "-an", "-vf", "select=lt(t\\,2)+not(mod(n\\,3))"],
      ...["-fps_mode", "vfr", "-c:v", "libx264"],
    );
    const result = await make("vfr.mp4", [resize({ width: 160 })]);
    const { stdout } = await promisify(execFile)("/usr/bin/ffprobe", [
      ...["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0"],
      result.path,
    ]);
    const times = stdout
      .trim()
      .split("\n")
      .map(Number.parseFloat)
      .sort((a, b) => a - b);
    const steps = times.slice(1).map((time, at) => Number((time - (times[at] ?? 0)).toFixed(3)));
    assert.ok(Math.max(...steps) - Math.min(...steps) < 0.003, steps.join(" "));
    assert.ok(Math.abs(result.duration - 4) < 0.15, String(result.duration));
  });

  it("of high dynamic range look as others do", async () => {
    // PQ at 203 cd/m²: the white of pictures (BT.2408).
    await whole.studio.make(
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

  it("with clear parts lie on black, or on the background", async () => {
    await whole.studio.make(
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

  it("with a cover picture in front show the film", async () => {
    await whole.studio.make(
      "cover.mp4",
      ...["-f", "lavfi", "-i", "color=white:s=50x50:d=0.04", "-i", whole.studio.path("fields.mp4")],
      ...["-map", "0:v", "-map", "1:v", "-map", "1:a", "-c:v:0", "mjpeg", "-c:v:1", "copy", "-c:a", "copy"],
      ...["-disposition:v:0", "attached_pic"],
    );
    const result = await make("cover.mp4", [resize({ width: 160 })]);
    assert.equal(sizeOf(result), "160x90");
    assert.equal(await quarters(result), "red green blue white");
  });

  it("of half pictures are woven together", async () => {
    // A bar that has moved on by 16 pixels in each half picture: combs, where they are merely laid into each other.
    await whole.studio.make(
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
    await whole.studio.make(
      "surround.mkv",
      ...[
        "-i",
        whole.studio.path("silent.mp4"),
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
    await whole.studio.make("picture.png", "-f", "lavfi", "-i", "color=red:s=20x20", "-frames:v", "1");
    assert.match(await refusal("picture.png"), /^400 .*video/);
  });
});
