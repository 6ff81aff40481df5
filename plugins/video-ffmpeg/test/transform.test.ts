import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Step, VideoOutput } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, startServer, type TestServer, wishLanguage, wishUrl } from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { isLike, look, type Result } from "./support/results.ts";
import { FFMPEG, mp4, openStudio, type Studio, testPicture } from "./support/videos.ts";

const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];
const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0];
const color = (r: number, g: number, b: number) => ({ r, g, b, alpha: 1 });
const paint = (r: number, g: number, b: number) => ({ kind: "color", color: color(r, g, b) }) as const;
const resize = (more: object) => ({ op: "resize", fit: "cover", enlarge: true, ...more }) as Step;

describeWith(FFMPEG, "whole videos", () => {
  let studio: Studio;
  let server: TestServer;

  before(async () => {
    studio = await openStudio();
    // Four fields: red, green, blue, white.
    const fields = (size: string, seconds = 2) => [
      ...["-f", "lavfi", "-i"],
      `color=red:s=${size}:r=25:d=${seconds},format=rgb24,drawbox=x=iw/2:w=iw/2:h=ih/2:c=lime:t=fill,drawbox=y=ih/2:w=iw/2:h=ih/2:c=blue:t=fill,drawbox=x=iw/2:y=ih/2:w=iw/2:h=ih/2:c=white:t=fill`,
    ];
    const tone = (seconds = 2) => ["-f", "lavfi", "-i", `sine=f=440:d=${seconds}`];
    const yuv = ["-pix_fmt", "yuv420p"];
    await Promise.all([
      studio.make("fields.mp4", ...fields("320x180"), ...tone(), ...mp4()),
      studio.make("odd.mkv", ...fields("321x181"), "-c:v", "ffv1", "-pix_fmt", "yuv444p"),
      studio.make("silent.mp4", ...fields("320x180"), "-c:v", "libx264", ...yuv),
      studio.make("sound.m4a", ...tone(), "-c:a", "aac"),
      studio.make("test.mp4", ...testPicture(4), ...mp4()),
      studio.make("anamorphic.mp4", ...fields("320x180"), "-vf", "setsar=2/1", "-c:v", "libx264", ...yuv),
      studio.make("a.gif", ...fields("64x40", 1)),
    ]);
    await studio.make(
      "turned.mp4",
      ...["-display_rotation", "90", "-i", studio.path("fields.mp4"), "-c", "copy"],
    );
    server = await startServer({
      plugins: [wishLanguage(), storageFs(), imageSharp(), videoFfmpeg({ delivery: "wait" })],
      origins: { files: { type: "FOLDER", path: studio.folder } },
      endpoints: { default: { origins: ["files"] } },
    });
  });
  after(async () => {
    await server.close();
    await studio.close();
  });

  const ask = (path: string, steps: readonly Step[] = [], video: VideoOutput = {}) =>
    server.ask(wishUrl(path, { steps, output: { video } }));

  async function make(path: string, steps: readonly Step[] = [], video: VideoOutput = {}): Promise<Result> {
    const answer = await ask(path, steps, video);
    assert.equal(answer.status, 200, answer.status === 200 ? "" : answer.text);
    return look(studio, answer.body);
  }

  async function refusal(path: string, steps: readonly Step[] = [], video: VideoOutput = {}) {
    const { status, text } = await ask(path, steps, video);
    return `${status} ${status === 200 ? "" : text.trim()}`;
  }

  const sizeOf = ({ video }: Result) => `${video.width}x${video.height}`;

  /** The colours of the four quarters, by name, row by row. */
  async function quarters(result: Result, seconds = 0.5): Promise<string> {
    const at = await result.at(seconds);
    const names = { red: RED, green: GREEN, blue: BLUE, white: WHITE, black: BLACK };
    const nameOf = (x: number, y: number) =>
      Object.entries(names).find(([, value]) => isLike(at(x, y), value, 40))?.[0] ?? String(at(x, y));
    return [nameOf(0.25, 0.25), nameOf(0.75, 0.25), nameOf(0.25, 0.75), nameOf(0.75, 0.75)].join(" ");
  }

  it("are MP4 with H.264 and AAC where nothing else is said, with the index in front", async () => {
    const answer = await ask("fields.mp4", [resize({ width: 160 })]);
    assert.equal(answer.headers["content-type"], "video/mp4");
    assert.equal(answer.headers["accept-ranges"], "bytes");
    const result = await look(studio, answer.body);
    assert.deepEqual(
      result.streams.map(({ codec_name }) => codec_name),
      ["h264", "aac"],
    );
    assert.equal(sizeOf(result), "160x90");
    assert.equal(result.video.pix_fmt, "yuv420p");
    assert.equal(result.video.start_time, "0.000000");
    assert.ok(Math.abs(result.duration - 2) < 0.06, String(result.duration));
    assert.ok(answer.body.indexOf("moov") < answer.body.indexOf("mdat"));
    assert.ok(answer.body.indexOf("moof") < 0);
    assert.equal(await quarters(result), "red green blue white");
  });

  describe("in the sets of format, picture and sound that players know", () => {
    const sets: readonly (readonly [VideoOutput, string, string])[] = [
      [{ format: "mp4" }, "video/mp4", "h264 aac"],
      [{ format: "mp4", codec: "none" }, "audio/mp4", "aac"],
      [{ format: "mp4", audio: "none" }, "video/mp4", "h264"],
      [{ format: "webm" }, "video/webm", "vp9 opus"],
      [{ format: "webm", codec: "none" }, "audio/webm", "opus"],
      [{ format: "webm", audio: "none" }, "video/webm", "vp9"],
      [{ format: "webm", codec: "av1" }, "video/webm", "av1 opus"],
      [{ codec: "av1", audio: "none" }, "video/webm", "av1"],
    ];
    for (const [output, type, codecs] of sets) {
      it(`${JSON.stringify(output)} is ${type} of ${codecs}`, async () => {
        const answer = await ask("fields.mp4", [], output);
        assert.equal(answer.status, 200);
        assert.equal(answer.headers["content-type"], type);
        const result = await look(studio, answer.body);
        assert.equal(result.streams.map(({ codec_name }) => codec_name).join(" "), codecs);
        assert.ok(Math.abs(result.duration - 2) < 0.1, String(result.duration));
        if (result.video) assert.equal(await quarters(result), "red green blue white");
      });
    }
    it("AV1 is written in sizes that the usual encoder does not take", async () => {
      const small: Step = { op: "resize", width: 62, height: 34, fit: "fill", enlarge: true };
      const answer = await ask("fields.mp4", [small], { codec: "av1" });
      assert.equal(answer.status, 200, answer.headers["ik-error"]);
      const result = await look(studio, answer.body);
      assert.equal(result.streams.map(({ codec_name }) => codec_name).join(" "), "av1 opus");
      assert.equal(await quarters(result), "red green blue white");
    });

    for (const output of [
      { format: "mp4", codec: "vp9" },
      { format: "webm", audio: "aac" },
      { codec: "none", audio: "none" },
      { format: "mp4", audio: "opus" },
    ] as const) {
      it(`${JSON.stringify(output)} is refused`, async () => {
        assert.match(await refusal("fields.mp4", [], output), /^400 /);
      });
    }
  });

  describe("sizes", () => {
    const cases: readonly (readonly [string, Step[], string, string?])[] = [
      ["one side", [resize({ width: 100 })], "100x56", "red green blue white"],
      ["cover", [resize({ width: 100, height: 100 })], "100x100", "red green blue white"],
      ["cover to the left", [resize({ width: 80, height: 90, focus: "left" })], "80x90", "red red blue blue"],
      [
        "cover to the right",
        [resize({ width: 80, height: 90, focus: "right" })],
        "80x90",
        "green green white white",
      ],
      ["fill", [resize({ width: 100, height: 100, fit: "fill" })], "100x100", "red green blue white"],
      ["inside", [resize({ width: 100, height: 100, fit: "inside" })], "100x56"],
      ["inside, no larger", [resize({ width: 900, height: 900, fit: "inside", enlarge: false })], "320x180"],
      ["outside", [resize({ width: 100, height: 100, fit: "outside" })], "178x100"],
      ["enlarged", [resize({ width: 640 })], "640x360"],
      ["a ratio", [resize({ width: 100, ratio: 1 })], "100x100"],
      ["an expression", [resize({ width: ["div", "iw", 2] })], "160x90"],
      [
        "a window",
        [
          {
            op: "extract",
            width: 160,
            height: 90,
            at: { from: "corner", x: 160, y: 90 },
            outside: "error",
            shrink: true,
          },
        ],
        "160x90",
        "white white white white",
      ],
      ["a quarter turn", [{ op: "rotate", angle: 90 }], "180x320", "blue red white green"],
      ["half a turn", [{ op: "rotate", angle: 180 }], "320x180", "white blue green red"],
      ["three quarters", [{ op: "rotate", angle: 270 }], "180x320", "green white red blue"],
      ["a flip", [{ op: "flip", horizontal: true, vertical: false }], "320x180", "green red white blue"],
      ["odd sides", [resize({ width: 101, height: 51 })], "100x50", "red green blue white"],
      ["a border", [{ op: "border", width: 10, color: color(0, 255, 0) }], "340x200", "red green blue white"],
      [
        "several",
        [resize({ width: 200, height: 200 }), { op: "rotate", angle: 90 }, resize({ width: 51 })],
        "50x50",
        "blue red white green",
      ],
      [
        "a condition",
        // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
        [{ op: "when", if: { left: "car", is: "gt", right: 1 }, then: [resize({ width: 64 })], else: [] }],
        "64x36",
      ],
    ];
    for (const [what, steps, size, colors] of cases) {
      it(`${what}: ${size}`, async () => {
        const result = await make("fields.mp4", steps, { audio: "none" });
        assert.equal(sizeOf(result), size);
        if (colors) assert.equal(await quarters(result), colors);
      });
    }

    it("odd ones of the source lose a line", async () => {
      const result = await make("odd.mkv");
      assert.equal(sizeOf(result), "320x180");
      assert.equal(await quarters(result), "red green blue white");
    });

    it("contain pads with a colour, at its place", async () => {
      const steps = [
        resize({ width: 100, height: 100, fit: "contain", focus: "top", background: paint(0, 0, 255) }),
      ];
      const result = await make("fields.mp4", steps, { audio: "none" });
      assert.equal(sizeOf(result), "100x100");
      const at = await result.at(0.5);
      assert.ok(isLike(at(0.5, 0.9), BLUE), String(at(0.5, 0.9)));
      assert.ok(isLike(at(0.2, 0.1), RED), String(at(0.2, 0.1)));
    });

    it("contain pads with black where no colour is named", async () => {
      const result = await make("fields.mp4", [resize({ width: 100, height: 100, fit: "contain" })]);
      const at = await result.at(0.5);
      assert.ok(isLike(at(0.5, 0.05), BLACK) && isLike(at(0.5, 0.95), BLACK));
    });

    it("contain pads with a blurred copy", async () => {
      const background = { kind: "blurred", intensity: "auto", brightness: 0 } as const;
      const result = await make("fields.mp4", [
        resize({ width: 100, height: 100, fit: "contain", background }),
      ]);
      assert.equal(sizeOf(result), "100x100");
      const at = await result.at(0.5);
      assert.ok(isLike(at(0.1, 0.05), RED, 60), String(at(0.1, 0.05)));
      assert.ok(isLike(at(0.9, 0.05), GREEN, 60), String(at(0.9, 0.05)));
      assert.ok(isLike(at(0.1, 0.5), RED, 60) || isLike(at(0.1, 0.6), BLUE, 60));
    });

    it("of square pixels where the source's are not", async () => {
      const result = await make("anamorphic.mp4");
      assert.equal(sizeOf(result), "640x180");
      assert.equal(result.video.sample_aspect_ratio, "1:1");
      assert.equal(sizeOf(await make("anamorphic.mp4", [resize({ width: 160 })])), "160x44");
    });

    it("upright where metadata turns the source, once", async () => {
      const result = await make("turned.mp4");
      assert.equal(sizeOf(result), "180x320");
      assert.equal(result.video.side_data_list, undefined);
      const colors = await quarters(result);
      assert.equal(colors, "green white red blue");
      const again = await make("turned.mp4", [{ op: "rotate", angle: 90 }]);
      assert.equal(sizeOf(again), "320x180");
      assert.equal(await quarters(again), "red green blue white");
    });
  });

  describe("surfaces", () => {
    it("round corners show black, or the background", async () => {
      const round = { op: "round", radius: [40, 40, 40, 40] } as const;
      const black = await (await make("fields.mp4", [round])).at(0.5);
      assert.ok(isLike(black(0.005, 0.005), BLACK) && isLike(black(0.5, 0.1), black(0.5, 0.3)));
      assert.ok(isLike(black(0.99, 0.99), BLACK) && isLike(black(0.9, 0.7), WHITE));
      const blue = await (
        await make("fields.mp4", [round, { op: "flatten", background: paint(0, 0, 255) }])
      ).at(0.5);
      assert.ok(isLike(blue(0.005, 0.005), BLUE), String(blue(0.005, 0.005)));
    });

    it("an ellipse, on a blurred copy", async () => {
      const background = { kind: "blurred", intensity: 50, brightness: 0 } as const;
      const result = await make("fields.mp4", [
        { op: "round", radius: "max" },
        { op: "flatten", background },
      ]);
      const at = await result.at(1);
      assert.ok(isLike(at(0.25, 0.25), RED, 40));
      assert.equal(Number(result.video.nb_read_frames), 50);
    });

    it("grey, and half as opaque", async () => {
      const at = await (await make("fields.mp4", [{ op: "grayscale" }])).at(0.5);
      const [r, g, b] = at(0.25, 0.25);
      assert.ok(Math.abs(r - g) < 6 && Math.abs(g - b) < 6);
      const half = await (await make("fields.mp4", [{ op: "opacity", value: 0.5 }])).at(0.5);
      assert.ok(isLike(half(0.75, 0.75), [128, 128, 128]), String(half(0.75, 0.75)));
    });

    it("blur", async () => {
      const at = await (await make("fields.mp4", [{ op: "blur", sigma: 10 }])).at(0.5);
      assert.ok(!isLike(at(0.49, 0.25), RED, 40) && isLike(at(0.2, 0.2), RED, 40));
    });
  });

  it("name what cannot be done to a video", async () => {
    assert.match(await refusal("fields.mp4", [{ op: "rotate", angle: 45 }]), /^400 .*rt/);
    assert.match(await refusal("fields.mp4", [{ op: "trim", tolerance: 10 }]), /^403 .*trim/);
    assert.match(
      await refusal("fields.mp4", [resize({ width: 50, height: 50, focus: "faces" })]),
      /^403 .*faces/,
    );
    assert.match(await refusal("fields.mp4", [resize({ width: 5000 })]), /^400 .*4096/);
    assert.match(await refusal("sound.m4a", [resize({ width: 50 })]), /^400 .*picture/);
    assert.match(await refusal("silent.mp4", [], { codec: "none" }), /^400 .*sound/);
  });

  describe("time", () => {
    it("a piece is cut out", async () => {
      const result = await make("test.mp4", [{ op: "clip", start: 1, duration: 1.5 }]);
      assert.ok(Math.abs(result.duration - 1.5) < 0.06, String(result.duration));
      assert.match(await refusal("test.mp4", [{ op: "clip", start: 9 }]), /^400 .*so/);
    });

    it("an expression of the duration", async () => {
      const result = await make("test.mp4", [{ op: "clip", start: ["div", "idu", 2] }]);
      assert.ok(Math.abs(result.duration - 2) < 0.06, String(result.duration));
    });

    it("faster and slower", async () => {
      const fast = await make("test.mp4", [{ op: "speed", factor: 2 }]);
      assert.ok(Math.abs(fast.duration - 2) < 0.1, String(fast.duration));
      assert.equal(fast.video.r_frame_rate, "25/1");
      const slow = await make("fields.mp4", [{ op: "speed", factor: 0.25 }]);
      assert.ok(Math.abs(slow.duration - 8) < 0.2, String(slow.duration));
    });

    it("louder and silent", async () => {
      const [plain, half] = [await make("test.mp4"), await make("test.mp4", [{ op: "volume", gain: 0.5 }])];
      assert.ok(Math.abs((await plain.loudness()) - (await half.loudness()) - 6) < 0.7);
    });
  });

  it("without sound stay without, and sound alone is audio", async () => {
    assert.equal((await make("silent.mp4")).audio, undefined);
    const answer = await ask("sound.m4a");
    assert.equal(answer.headers["content-type"], "audio/mp4");
  });

  describe("of unusual sources", () => {
    it("of changing rate have a constant one", async () => {
      // The second half has a third of the frames.
      await studio.make(
        "vfr.mp4",
        ...["-i", studio.path("test.mp4"), "-an", "-vf", "select=lt(t\\,2)+not(mod(n\\,3))"],
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
      await studio.make(
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
      await studio.make(
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
      assert.ok(
        isLike(black(0.25, 0.5), RED, 40) && isLike(black(0.75, 0.5), BLACK),
        String(black(0.75, 0.5)),
      );
      const blue = await (await make("clear.webm", [{ op: "flatten", background: paint(0, 0, 255) }])).at(
        0.5,
      );
      assert.ok(isLike(blue(0.25, 0.5), RED, 40) && isLike(blue(0.75, 0.5), BLUE), String(blue(0.75, 0.5)));
    });

    it("with a cover picture in front show the film", async () => {
      await studio.make(
        "cover.mp4",
        ...["-f", "lavfi", "-i", "color=white:s=50x50:d=0.04", "-i", studio.path("fields.mp4")],
        ...["-map", "0:v", "-map", "1:v", "-map", "1:a", "-c:v:0", "mjpeg", "-c:v:1", "copy", "-c:a", "copy"],
        ...["-disposition:v:0", "attached_pic"],
      );
      const result = await make("cover.mp4", [resize({ width: 160 })]);
      assert.equal(sizeOf(result), "160x90");
      assert.equal(await quarters(result), "red green blue white");
    });

    it("of half pictures are woven together", async () => {
      // A bar that has moved on by 16 pixels in each half picture: combs, where they are merely laid into each other.
      await studio.make(
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
      await studio.make(
        "surround.mkv",
        ...[
          "-i",
          studio.path("silent.mp4"),
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
      await studio.make("picture.png", "-f", "lavfi", "-i", "color=red:s=20x20", "-frames:v", "1");
      assert.match(await refusal("picture.png"), /^400 .*video/);
    });
  });

  it("are copied where nothing is to be done and little is to be saved", async () => {
    for (const name of ["silent.mp4", "fields.mp4"]) {
      const [before, after] = [await look(studio, await studio.bytes(name)), await make(name)];
      assert.equal(await packets(after), await packets(before));
      const smaller = await make(name, [resize({ width: 160 })]);
      assert.notEqual(await packets(smaller), await packets(before));
    }
  });

  async function packets({ path }: Result): Promise<string> {
    const { stdout } = await promisify(execFile)("/usr/bin/ffmpeg", [
      ...["-v", "error", "-i", path, "-map", "0:v", "-c", "copy", "-f", "streamhash", "-hash", "md5", "-"],
    ]);
    return stdout;
  }

  it("are made of animations", async () => {
    const result = await make("a.gif", [resize({ width: 32 })]);
    assert.equal(sizeOf(result), "32x20");
    assert.equal(await quarters(result), "red green blue white");
    assert.equal((await make("a.gif", [], { format: "webm" })).video.codec_name, "vp9");
  });
});
