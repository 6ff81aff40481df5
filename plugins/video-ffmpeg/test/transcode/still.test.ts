import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, jobLanguage, jobUrl, readPng, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { type VideoFfmpegOptions, videoFfmpeg } from "../../src/index.ts";
import { serve } from "../support/server.ts";
import { FFMPEG, mp4, numbered, numberIn, openStudio, type Studio, testPicture } from "../support/videos.ts";

const frame = (time?: number): Step => ({ op: "frame", page: 1, ...(time !== undefined && { time }) });

describeWith(FFMPEG, "video-ffmpeg: stills", () => {
  let studio: Studio;
  let server: TestServer;
  const others: TestServer[] = [];

  const start = async (options: VideoFfmpegOptions = {}) => {
    const place = await serve(studio, [jobLanguage(), storageFs(), imageSharp(), videoFfmpeg(options)]);
    others.push(place);
    return place;
  };

  before(async () => {
    studio = await openStudio();
    await Promise.all([
      studio.make("count.mp4", ...numbered(12), ...mp4(250)),
      studio.make("clip.mp4", ...testPicture(6), ...mp4()),
    ]);
    server = await start();
  });
  after(async () => {
    await Promise.all(others.map((one) => one.close()));
    await studio?.close();
  });

  async function picture(path: string, steps: readonly Step[], place = server) {
    const answer = await place.ask(jobUrl(path, { steps, output: { format: "png" } }));
    assert.equal(answer.status, 200, `${answer.text.slice(0, 200)}`);
    return readPng(answer.body);
  }

  it("delivers a video unchanged if no still is requested", async () => {
    const answer = await server.ask(jobUrl("clip.mp4"));
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "video/mp4"]);
    assert(answer.body.equals(await studio.bytes("clip.mp4")));
  });

  it("shows exactly the frame of a time", async () => {
    for (const [time, number] of [
      [undefined, 0],
      [0, 0],
      [0.039, 0],
      [0.04, 1],
      [5.48, 137],
      [5.5, 137],
      [5.52, 138],
      [11.96, 299],
      [11.99, 299],
    ] as const) {
      const { width, height, at } = await picture("count.mp4", [frame(time)]);
      assert.deepEqual([width, height, numberIn(at)], [160, 90, number], `at ${time}`);
    }
  });

  it("refuses a time after the end", async () => {
    const { status } = await server.ask(jobUrl("count.mp4", { steps: [frame(12.5)] }));
    assert.equal(status, 400);
  });

  it("is a picture like any other", async () => {
    const steps: Step[] = [frame(2), { op: "resize", width: 80, fit: "inside", enlarge: false }];
    const { width, height, at } = await picture("count.mp4", steps);
    assert.deepEqual([width, height, numberIn(at, 0.5)], [80, 45, 50]);
    const { headers } = await server.ask(jobUrl("clip.mp4", { steps }), {
      headers: { accept: "image/webp" },
    });
    assert.equal(headers["content-type"], "image/webp");
  });

  it("shows a frame until the next, however long that takes", async () => {
    // Frames 0, 50, 100 ... alone, each at its own time.
    const few = ["-vf", "select='not(mod(n,50))'", "-fps_mode", "vfr"];
    await studio.make("slides.mp4", ...numbered(12), ...few, ...mp4(3));
    for (const [time, number] of [
      [1.99, 0],
      [2, 50],
      [5.5, 100],
      [9.9, 200],
    ] as const) {
      assert.equal(numberIn((await picture("slides.mp4", [frame(time)])).at), number, `at ${time}`);
    }
  });

  it("shows the last frame while the audio continues", async () => {
    const tone = ["-f", "lavfi", "-i", "sine=d=8"];
    const codecs = mp4(25).filter((word) => word !== "-shortest");
    await studio.make("tail.mp4", ...numbered(3), ...tone, ...codecs);
    assert.equal(numberIn((await picture("tail.mp4", [frame(7)])).at), 74);
  });

  for (const [name, ...codecs] of [
    ["count.webm", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "60"],
    ["count.mkv", "-c:v", "mpeg4", "-q:v", "3", "-g", "60"],
    ["count.avi", "-c:v", "mjpeg", "-q:v", "3"],
    ["count.mov", "-c:v", "prores_ks"],
    ["count.ts", "-c:v", "mpeg2video", "-q:v", "3", "-g", "12"],
  ] as const) {
    it(`reads ${name}`, async () => {
      await studio.make(
        name,
        ...numbered(4),
        "-pix_fmt",
        name === "count.mov" ? "yuv422p10le" : "yuv420p",
        ...codecs,
      );
      for (const [time, number] of [
        [0, 0],
        [2.5, 62],
      ] as const) {
        const found = numberIn((await picture(name, [frame(time)])).at);
        assert.equal(found, number, `at ${time}`);
      }
    });
  }

  it("stands upright", async () => {
    await studio.make("turned.mp4", "-display_rotation", "-90", "-i", studio.path("clip.mp4"), "-c", "copy");
    const { width, height, at } = await picture("turned.mp4", [frame(1)]);
    assert.deepEqual([width, height], [180, 320]);
    // Turned clockwise: what was at the left lies at the top.
    const flat = await picture("clip.mp4", [frame(1)]);
    for (const [x, y] of [
      [40, 40],
      [200, 120],
    ] as const) {
      const [was, is] = [flat.at(x, y), at(179 - y, x)];
      assert(
        was.every((value, channel) => Math.abs(value - (is[channel] as number)) < 12),
        `${was} ${is}`,
      );
    }
  });

  it("has square pixels", async () => {
    await studio.make("anamorphic.mp4", ...testPicture(1), ...mp4(), "-vf", "setsar=4/3");
    const { width, height } = await picture("anamorphic.mp4", [frame(0)]);
    assert.deepEqual([width, height], [427, 180]);
  });

  it("keeps what is clear, of VP9, too", async () => {
    const alpha = [
      "-vf",
      "format=yuva420p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='if(lt(X,W/2),0,255)'",
    ];
    const vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"];
    const source = ["-f", "lavfi", "-i", "color=red:s=64x64:d=0.4"];
    await studio.make("clear.webm", ...source, ...alpha, ...vp9, "-pix_fmt", "yuva420p");
    const { at } = await picture("clear.webm", [frame(0.2)]);
    assert.equal(at(10, 30)[3], 0);
    assert.deepEqual([at(50, 30)[3], (at(50, 30)[0] as number) > 240], [255, true]);
  });

  it("brings a high dynamic range to that of pictures", async () => {
    // White of a common picture, 203 nits, is 58 % of PQ's range; as it is it would look grey.
    const grey = "color=0x949494:s=64x64:d=0.4,format=yuv420p10le";
    const tags = ["-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"];
    const params = ["-x264-params", "transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc"];
    await studio.make("hdr.mp4", "-f", "lavfi", "-i", grey, "-c:v", "libx264", ...tags, ...params);
    const { at } = await picture("hdr.mp4", [frame(0)]);
    const [red = 0, green = 0, blue = 0] = at(30, 30);
    assert(red > 200, `${red}`);
    assert(Math.max(red, green, blue) - Math.min(red, green, blue) < 12, `${[red, green, blue]}`);
  });

  it("uses the key frame if the option allows it", async () => {
    const quick = await start({ stillSeek: "keyframe" });
    assert.equal(numberIn((await picture("count.mp4", [frame(11)], quick)).at), 250);
    assert.equal(numberIn((await picture("count.mp4", [frame()], quick)).at), 0);
  });

  it("chooses a significant frame as poster", async () => {
    const dark = "color=black:s=320x180:r=25:d=2[a];testsrc2=s=320x180:r=25:d=4[b];[a][b]concat=n=2";
    await studio.make("dark.mp4", "-filter_complex", dark, ...mp4());
    const first = await picture("dark.mp4", [frame()]);
    assert((first.at(160, 90)[0] as number) < 20);
    const smart = await picture("dark.mp4", [frame()], await start({ poster: "smart" }));
    const lit = [20, 60, 100, 140].some((y) => Math.max(...smart.at(160, y).slice(0, 3)) > 60);
    assert(lit);
    // A time that is named is shown.
    const named = await picture("dark.mp4", [frame(0.5)], others.at(-1) as TestServer);
    assert((named.at(160, 90)[0] as number) < 20);
  });

  it("is requested in ImageKit's syntax", async () => {
    const place = await serve(studio, [urlImagekit(), storageFs(), imageSharp(), videoFfmpeg()]);
    others.push(place);
    const shown = async (path: string) => {
      const answer = await place.ask(path);
      assert.equal(answer.status, 200, `${path}: ${answer.text.slice(0, 200)}`);
      return readPng(answer.body);
    };
    assert.equal(numberIn((await shown("/count.mp4/ik-thumbnail.jpg?tr=f-png")).at), 0);
    const still = await shown("/count.mp4/ik-thumbnail.jpg?tr=so-5.5,w-80,f-png");
    assert.deepEqual([still.width, still.height, numberIn(still.at, 0.5)], [80, 45, 137]);
    assert.equal(numberIn((await shown("/tr:so-2,f-png/count.mp4/ik-thumbnail.jpg")).at), 50);
    assert.equal(numberIn((await shown("/count.mp4/ik-thumbnail.jpg?tr=so-idu_div_2,f-png")).at), 150);
    const { headers } = await place.ask("/count.mp4/ik-thumbnail.jpg?tr=so-2,w-80", {
      headers: { accept: "image/webp" },
    });
    assert.deepEqual([headers["content-type"], headers.vary], ["image/webp", "Accept"]);
    const beyond = await place.ask("/count.mp4/ik-thumbnail.jpg?tr=so-13");
    assert.deepEqual([beyond.status, (beyond.headers["ik-error"] ?? "").split(" ")[0]], [400, "EINVAL"]);
  });
});
