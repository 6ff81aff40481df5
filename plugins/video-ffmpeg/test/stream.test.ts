import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, startServer, type TestServer } from "@mediatap/test";
import { parse } from "mpd-parser";
import { type VideoFfmpegOptions, videoFfmpeg } from "../src/index.ts";
import { streamLanguage } from "./support/language.ts";
import {
  boxesIn,
  decoded,
  decodeTime,
  numbersIn,
  partUrl,
  playlist,
  shownAt,
  told,
  track,
  usualDuration,
  type Variant,
} from "./support/streams.ts";
import { FFMPEG, mp4, numbered, openStudio, type Studio, testPicture } from "./support/videos.ts";

const clip = (start: number, duration?: number): Step => ({
  op: "clip",
  start,
  ...(duration !== undefined && { duration }),
});
const sizesOf = (all: readonly Variant[]) =>
  all.map(({ attributes: { RESOLUTION: size } }) => `${size.width}x${size.height}`);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

describeWith(FFMPEG, "video-ffmpeg: streams", function (this: Mocha.Suite) {
  this.timeout(60_000);
  let studio: Studio;
  let server: TestServer;
  const others: TestServer[] = [];

  const start = async (options: VideoFfmpegOptions = {}) => {
    const place = await startServer({
      // All is encoded here.
      plugins: [streamLanguage(), storageFs(), videoFfmpeg({ copy: false, ...options })],
      origins: { files: { type: "FOLDER", path: studio.folder } },
      endpoints: { default: { origins: ["files"] } },
    });
    others.push(place);
    return place;
  };

  before(async () => {
    studio = await openStudio();
    await Promise.all([
      // Key frames far apart, and not where segments begin.
      studio.make("count.mp4", ...numbered(13, "30000/1001"), ...mp4(250)),
      studio.make(
        "clip.mp4",
        ...testPicture(13),
        ...mp4(),
        "-metadata:s:v",
        "language=ger",
        "-metadata",
        "title=Clip",
      ),
      studio.make("sound.m4a", "-f", "lavfi", "-i", "sine=d=5", "-c:a", "aac"),
    ]);
    await studio.make("turned.mp4", "-display_rotation", "90", "-i", studio.path("clip.mp4"), "-c", "copy");
    await studio.make("count.mkv", "-i", studio.path("count.mp4"), "-c", "copy");
    await studio.make("count.ts", "-i", studio.path("count.mp4"), "-c", "copy");
    server = await start();
  });
  after(async () => {
    await Promise.all(others.map((one) => one.close()));
    await studio?.close();
  });

  describe("begin with a playlist", () => {
    const variants = async (url: string) => (await playlist(server, url)).playlists as readonly Variant[];

    it("for HLS", async () => {
      const { headers } = await server.ask("/clip.mp4/master.m3u8?sr=240");
      assert.equal(headers["content-type"], "application/vnd.apple.mpegurl");
      const list = await playlist(server, "/clip.mp4/master.m3u8?sr=240");
      assert.deepEqual([list.version, list.independentSegments], [7, true]);
      assert.equal(list.mediaGroups.AUDIO.audio?.audio?.uri, "/clip.mp4/audio.m3u8");
      const [variant] = list.playlists as readonly Variant[];
      assert.deepEqual(
        { uri: variant?.uri, ...variant?.attributes },
        {
          uri: "/clip.mp4/240.m3u8",
          BANDWIDTH: 255_000 + 256_000,
          "AVERAGE-BANDWIDTH": "328000",
          CODECS: "avc1.64001e,mp4a.40.2",
          RESOLUTION: { width: 320, height: 180 },
          "FRAME-RATE": 25,
          AUDIO: "audio",
        },
      );
    });

    it("for DASH, of the same segments", async () => {
      const { headers, text } = await server.ask("/clip.mp4/master.mpd?sr=240");
      assert.equal(headers["content-type"], "application/dash+xml");
      const list = await playlist(server, "/clip.mp4/240.m3u8");
      const sound = await playlist(server, "/clip.mp4/audio.m3u8");
      const manifest = parse(text, { manifestUri: "http://host/" }) as {
        readonly playlists: readonly {
          readonly segments: typeof list.segments;
          readonly attributes: object;
        }[];
        readonly mediaGroups: {
          readonly AUDIO: {
            readonly audio: {
              readonly main: { readonly playlists: readonly { readonly segments: typeof list.segments }[] };
            };
          };
        };
      };
      const [pictures] = manifest.playlists;
      const plain = (segments: typeof list.segments) =>
        segments.map(({ uri, duration, map }) => [uri, duration.toFixed(4), map.uri]);
      assert.deepEqual(plain(pictures?.segments ?? []), plain(list.segments));
      assert.deepEqual(
        plain(Object.values(manifest.mediaGroups.AUDIO.audio)[0]?.playlists[0]?.segments ?? []),
        plain(sound.segments),
      );
    });

    it("of rungs that are never larger than the source, and differ", async () => {
      await studio.make(
        "wide.mp4",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=641x361:d=1",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv444p",
      );
      assert.deepEqual(sizesOf(await variants("/wide.mp4/master.m3u8?sr=240_360_480_720_1080_1440_2160")), [
        "426x240",
        "640x360",
      ]);
      assert.deepEqual(sizesOf(await variants("/wide.mp4/master.m3u8?sr=1080_2160")), ["640x360"]);
      assert.deepEqual(sizesOf(await variants("/clip.mp4/master.m3u8?sr=720_240")), ["320x180"]);
      assert.deepEqual(sizesOf(await variants("/turned.mp4/master.m3u8?sr=240_720")), ["136x240", "180x320"]);
    });

    it("with links that carry what was asked for", async () => {
      const steps = [clip(2, 5)];
      const list = await playlist(server, partUrl("clip.mp4", "240.m3u8", steps));
      assert.equal(list.segments.length, 2);
      for (const { uri, map } of list.segments)
        for (const one of [uri, map.uri]) assert.match(one, /\?steps=/);
    });
  });

  describe("have segments", () => {
    it("that hold each frame once, and follow each other without a gap", async () => {
      const { list, init, segments, whole } = await track(server, "/count.mp4/240.m3u8");
      assert.deepEqual(
        list.segments.map(({ duration }) => duration),
        [4.004, 4.004, 4.004, 1.001],
      );
      assert.equal(list.endList, true);
      assert.deepEqual(boxesIn(init), ["ftyp", "moov"]);
      for (const [index, segment] of segments.entries()) {
        assert.deepEqual(boxesIn(segment), ["moof", "mdat"]);
        assert.equal(decodeTime(segment), index * 120 * 1_001);
        const frames = index < 3 ? 120 : 30;
        const alone = Buffer.concat([init, segment]);
        const { packets, timescale, ...facts } = await told(studio, alone);
        assert.deepEqual(facts, { codec: "h264", profile: "High", level: 30, width: 160, height: 90 });
        assert.equal(timescale, 30_000);
        assert.deepEqual(
          packets.map(({ dts }) => dts),
          range(index * 120, index * 120 + frames).map((frame) => frame * 1_001),
        );
        assert.deepEqual(
          shownAt(segment).sort((a, b) => a - b),
          packets.map(({ dts }) => dts),
        );
        assert.deepEqual(
          packets.map(({ key }) => key),
          packets.map((_, at) => at === 0),
        );
        assert.deepEqual(await numbersIn(studio, alone), range(index * 120, index * 120 + frames));
      }
      assert.deepEqual(await numbersIn(studio, whole), range(0, 390));
    });

    it("whatever the container", async () => {
      for (const file of ["count.mkv", "count.ts"]) {
        const { whole } = await track(server, `/${file}/240.m3u8`);
        assert.deepEqual(await numbersIn(studio, whole), range(0, 390), file);
      }
    });

    it("of a clip, from its first frame to its last", async () => {
      // 3.003 s are 90 frames; 5.005 s are 150.
      const { whole } = await track(server, partUrl("count.mp4", "240.m3u8", [clip(3.003, 5.005)]));
      assert.deepEqual(await numbersIn(studio, whole), range(90, 240));
    });

    it("with the same bytes every time, and in every rung at the same places", async () => {
      const other = await start();
      await studio.make("ladder.mp4", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=9", ...mp4(250));
      const times: number[][] = [];
      for (const rung of [240, 360]) {
        const one = await track(server, `/ladder.mp4/${rung}.m3u8`);
        const two = await track(other, `/ladder.mp4/${rung}.m3u8`);
        assert(one.whole.equals(two.whole), String(rung));
        times.push(one.segments.map(decodeTime));
      }
      assert.deepEqual(times[0], times[1]);
    });

    it("that keep within the rate that the playlist names", async () => {
      await studio.make(
        "noise.mp4",
        "-f",
        "lavfi",
        "-i",
        "nullsrc=s=640x360:r=25:d=12,geq=random(1)*255:128:128",
        ...mp4(),
      );
      const list = await playlist(server, "/noise.mp4/master.m3u8?sr=240_360");
      for (const { uri, attributes } of list.playlists as readonly Variant[]) {
        const { segments, list } = await track(server, uri);
        for (const [index, { length }] of segments.entries()) {
          const rate = (length * 8) / (list.segments[index]?.duration ?? 1);
          assert(rate <= attributes.BANDWIDTH, `${uri} ${index}: ${rate}`);
          assert(rate >= attributes.BANDWIDTH / 3, `${uri} ${index}: ${rate}`);
        }
      }
    });

    it("upright where the file is turned", async () => {
      const { init, segments } = await track(server, "/turned.mp4/240.m3u8");
      const { width, height } = await told(studio, Buffer.concat([init, segments[0] as Buffer]));
      assert.deepEqual([width, height], [136, 240]);
    });

    it("at a constant rate where the source has none", async () => {
      // Every third frame is missing in the first half, and nothing moves for three seconds.
      await studio.make(
        "uneven.mp4",
        ...numbered(12, 30),
        "-vf",
        "select='if(lt(t,4),mod(n,3),not(between(t,5,8)))'",
        ...["-fps_mode", "vfr", ...mp4(250)],
      );
      const { whole } = await track(server, "/uneven.mp4/240.m3u8");
      const { packets, timescale } = await told(studio, whole);
      const steps = new Set(
        packets.slice(1).map(({ dts }, at) => (dts - (packets[at]?.dts ?? 0)) / timescale),
      );
      assert.equal(steps.size, 1);
      const [step = 0] = steps;
      const numbers = await numbersIn(studio, whole);
      // What is shown at a time is what the source shows then, but for half a frame.
      for (const [frame, number] of numbers.entries()) {
        const time = frame * step * 30;
        if (time > 150 && time < 240) assert.equal(number, 149, `${frame}`);
        else assert(Math.abs(number - time) <= 2, `frame ${frame} shows ${number}, expected about ${time}`);
      }
    });

    it("of pictures that steps have changed", async () => {
      const steps: Step[] = [
        clip(2, 9),
        { op: "rotate", angle: 180 },
        { op: "border", width: 20, color: { r: 255, g: 0, b: 0, alpha: 1 } },
      ];
      const list = await playlist(server, `${partUrl("clip.mp4", "master.m3u8", steps)}&sr=240`);
      assert.deepEqual(sizesOf(list.playlists as readonly Variant[]), ["360x220"]);
      const { whole, segments } = await track(server, partUrl("clip.mp4", "720.m3u8", steps));
      assert.equal(segments.length, 3);
      const frames = 9 * 25;
      const args = ["-f", "rawvideo", "-pix_fmt", "rgb24"];
      const made = await decoded(studio, whole, ...args);
      const plain = await decoded(
        studio,
        await studio.bytes("clip.mp4"),
        "-ss",
        "2",
        "-t",
        "9",
        "-vf",
        "hflip,vflip",
        ...args,
      );
      assert.deepEqual([made.length, plain.length], [frames * 360 * 220 * 3, frames * 320 * 180 * 3]);
      for (const frame of [0, 60, 99, 100, 101, 224]) {
        let off = 0;
        for (let y = 0; y < 180; y += 4) {
          for (let x = 0; x < 320; x += 4) {
            const a = made[(frame * 360 * 220 + (y + 20) * 360 + x + 20) * 3] as number;
            off += Math.abs(a - (plain[(frame * 320 * 180 + y * 320 + x) * 3] as number));
          }
        }
        assert(off / (45 * 80) < 8, `${frame}: ${off / (45 * 80)}`);
      }
    });

    it("in common colours, which they name", async () => {
      await studio.make(
        "colour.mp4",
        "-f",
        "lavfi",
        "-i",
        "color=0x20c040:s=320x180:d=1",
        "-vf",
        "scale=out_color_matrix=bt601:out_range=pc",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuvj420p",
        "-colorspace",
        "smpte170m",
      );
      const { whole } = await track(server, "/colour.mp4/240.m3u8");
      const args = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24"];
      const middle = (90 * 320 + 160) * 3;
      const colours = [];
      for (const bytes of [await studio.bytes("colour.mp4"), whole]) {
        colours.push([...(await decoded(studio, bytes, ...args)).subarray(middle, middle + 3)]);
      }
      const [before = [], after = []] = colours;
      for (const [at, value] of after.entries()) {
        assert(Math.abs(value - (before[at] as number)) <= 5, `${before} became ${after}`);
      }
    });
  });

  describe("have key frames for who winds through them", () => {
    it("which the playlist for HLS names", async () => {
      const { text } = await server.ask("/count.mp4/master.m3u8?sr=360_240");
      const lines = text.split("\n").filter((line) => line.startsWith("#EXT-X-I-FRAME"));
      assert.deepEqual(lines, [
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=101899,CODECS="avc1.64001e",RESOLUTION=160x90,URI="/count.mp4/iframes-240.m3u8"',
      ]);
      const list = (await server.ask("/count.mp4/iframes-240.m3u8")).text;
      assert.match(list, /\n#EXT-X-I-FRAMES-ONLY\n/);
    });

    it("one at a time, each of which lasts until the next", async () => {
      const { list, init, segments, whole } = await track(server, "/count.mp4/iframes-240.m3u8");
      assert.deepEqual(
        list.segments.map(({ duration }) => duration),
        [2.002, 2.002, 2.002, 2.002, 2.002, 2.002, 1.001],
      );
      assert(init.equals((await track(server, "/count.mp4/240.m3u8")).init));
      for (const [index, segment] of segments.entries()) {
        assert.equal(decodeTime(segment), index * 60 * 1_001);
        assert.deepEqual(shownAt(segment), [index * 60 * 1_001]);
        const { packets } = await told(studio, Buffer.concat([init, segment]));
        assert.deepEqual(
          packets.map(({ key }) => key),
          [true],
        );
        assert.equal(usualDuration(segment), (index < 6 ? 60 : 30) * 1_001);
        assert(segment.length * 8 < 1.02 * 200_000);
      }
      assert.deepEqual(await numbersIn(studio, whole), [0, 60, 120, 180, 240, 300, 360]);
      assert.equal((await server.ask("/count.mp4/iframes-240-7.m4s")).status, 404);
      assert.equal((await server.ask("/count.mp4/iframes-144.m3u8")).status, 404);
    });
  });

  it("have no sound where the source has none", async () => {
    const list = await playlist(server, "/count.mp4/master.m3u8?sr=240");
    const [variant] = list.playlists as readonly Variant[];
    assert.deepEqual([variant?.attributes.CODECS, variant?.attributes.AUDIO], ["avc1.64001e", undefined]);
    assert.equal((await server.ask("/count.mp4/audio.m3u8")).status, 404);
    assert.doesNotMatch((await server.ask("/count.mp4/master.mpd?sr=240")).text, /audio/);
  });

  it("end where they end", async () => {
    for (const name of [
      "240-4.m4s",
      "audio-4.m4s",
      "144.m3u8",
      "0240.m3u8",
      "144-init.mp4",
      "144-0.m4s",
      "sub.m3u8",
    ]) {
      const { status } = await server.ask(`/clip.mp4/${name}`);
      assert.equal(status, 404, name);
    }
    for (const url of [
      "/sound.m4a/master.m3u8?sr=240",
      "/clip.mp4/master.m3u8?sr=144",
      "/clip.mp4/master.m3u8",
      partUrl("clip.mp4", "240.m3u8", [clip(14)]),
      partUrl("clip.mp4", "240.m3u8", [{ op: "speed", factor: 2 }]),
    ]) {
      const { status } = await server.ask(url);
      assert([400, 403].includes(status), `${url}: ${status}`);
    }
    assert.equal((await server.ask("/sound.m4a/240.m3u8")).status, 404);
  });
});
