import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import { clip, describeStreaming, sizesOf } from "../support/streaming.ts";
import {
  boxesIn,
  decoded,
  decodeTime,
  defaultDuration,
  get,
  numbersIn,
  partUrl,
  playlist,
  presentationTimes,
  probeBytes,
  track,
  type Variant,
} from "../support/streams.ts";
import { mp4, numbered, type Studio } from "../support/videos.ts";

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

async function prepare(studio: Studio) {
  await studio.make("count.mkv", "-i", studio.path("count.mp4"), "-c", "copy");
  await studio.make("count.ts", "-i", studio.path("count.mp4"), "-c", "copy");
}

describeStreaming("video-ffmpeg: the pictures of streams", prepare, (streaming) => {
  describe("have segments", () => {
    it("that contain each frame once, and follow each other without a gap", async () => {
      const { list, init, segments, whole } = await track(streaming.server, "/count.mp4/240.m3u8");
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
        const { packets, timescale, ...metadata } = await probeBytes(streaming.studio, alone);
        assert.deepEqual(metadata, { codec: "h264", profile: "High", level: 30, width: 160, height: 90 });
        assert.equal(timescale, 30_000);
        assert.deepEqual(
          packets.map(({ dts }) => dts),
          range(index * 120, index * 120 + frames).map((frame) => frame * 1_001),
        );
        assert.deepEqual(
          presentationTimes(segment).sort((a, b) => a - b),
          packets.map(({ dts }) => dts),
        );
        assert.deepEqual(
          packets.map(({ key }) => key),
          packets.map((_, at) => at === 0),
        );
        assert.deepEqual(await numbersIn(streaming.studio, alone), range(index * 120, index * 120 + frames));
      }
      assert.deepEqual(await numbersIn(streaming.studio, whole), range(0, 390));
    });

    it("whatever the container", async () => {
      for (const file of ["count.mkv", "count.ts"]) {
        const { whole } = await track(streaming.server, `/${file}/240.m3u8`);
        assert.deepEqual(await numbersIn(streaming.studio, whole), range(0, 390), file);
      }
    });

    it("of a clip, from its first frame to its last", async () => {
      // 3.003 s are 90 frames; 5.005 s are 150.
      const { whole } = await track(streaming.server, partUrl("count.mp4", "240.m3u8", [clip(3.003, 5.005)]));
      assert.deepEqual(await numbersIn(streaming.studio, whole), range(90, 240));
    });

    it("with the same bytes every time, and in every rung at the same times", async () => {
      const other = await streaming.start();
      await streaming.studio.make(
        "ladder.mp4",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=640x360:r=25:d=5",
        ...mp4(250),
      );
      const times: number[][] = [];
      for (const rung of [240, 360]) {
        const one = await track(streaming.server, `/ladder.mp4/${rung}.m3u8`);
        const two = await track(other, `/ladder.mp4/${rung}.m3u8`);
        assert(one.whole.equals(two.whole), String(rung));
        times.push(one.segments.map(decodeTime));
      }
      assert.deepEqual(times[0], times[1]);
    });

    it("that keep within the rate that the playlist names", async () => {
      await streaming.studio.make(
        "noise.mp4",
        "-f",
        "lavfi",
        "-i",
        "nullsrc=s=640x360:r=25:d=12,geq=random(1)*255:128:128",
        ...mp4(),
      );
      // Of the second all is noise, too, but on its side.
      await streaming.studio.make(
        "portrait.mp4",
        ...["-display_rotation", "90", "-i", streaming.studio.path("noise.mp4"), "-c", "copy"],
      );
      const lists = [
        await playlist(streaming.server, "/noise.mp4/master.m3u8?sr=240_360"),
        await playlist(streaming.server, "/portrait.mp4/master.m3u8?sr=360"),
      ];
      for (const { uri, attributes } of lists.flatMap(({ playlists }) => playlists as readonly Variant[])) {
        const { segments, list } = await track(streaming.server, uri);
        const bits = segments.reduce((sum, { length }) => sum + length * 8, 0);
        const mean = bits / list.segments.reduce((sum, { duration }) => sum + duration, 0);
        const average = Number(attributes["AVERAGE-BANDWIDTH"]);
        assert(mean <= average && mean >= average * 0.9, `${uri}: ${mean}, ${average}`);
        for (const [index, { length }] of segments.entries()) {
          const rate = (length * 8) / (list.segments[index]?.duration ?? 1);
          assert(rate <= attributes.BANDWIDTH, `${uri} ${index}: ${rate}`);
          assert(rate >= attributes.BANDWIDTH / 3, `${uri} ${index}: ${rate}`);
        }
      }
    });

    it("upright if the file is rotated", async () => {
      const { init, segments } = await track(streaming.server, "/turned.mp4/240.m3u8");
      const { width, height } = await probeBytes(
        streaming.studio,
        Buffer.concat([init, segments[0] as Buffer]),
      );
      assert.deepEqual([width, height], [136, 240]);
    });

    it("at the rate of its densest pictures if the source has no constant one", async () => {
      // Every third frame is missing in the first half, and nothing moves for three seconds.
      await streaming.studio.make(
        "uneven.mp4",
        ...numbered(12, 30),
        "-vf",
        "select='if(lt(t,4),mod(n,3),not(between(t,5,8)))'",
        ...["-fps_mode", "vfr", ...mp4(250)],
      );
      const list = await playlist(streaming.server, "/uneven.mp4/master.m3u8?sr=240");
      assert.equal((list.playlists as readonly Variant[])[0]?.attributes["FRAME-RATE"], 30);
      const { whole, segments } = await track(streaming.server, "/uneven.mp4/240.m3u8");
      const { packets, timescale } = await probeBytes(streaming.studio, whole);
      const times = packets.map(({ dts }) => (dts * 30) / timescale);
      assert.deepEqual(times, range(0, times.length));
      // The first is missing, so all are a frame earlier. Each is the last that the source shows by then: no picture is lost or moved, not even of those that follow each other fast.
      const isThere = (number: number) => (number < 120 ? number % 3 > 0 : number < 150 || number > 240);
      const shown = times.map((time) => range(0, time + 2).findLast(isThere) ?? 1);
      assert.deepEqual(await numbersIn(streaming.studio, whole), shown);
      const other = await streaming.start();
      assert((await get(other, "/uneven.mp4/240-1.m4s")).equals(segments[1] as Buffer));
    });

    it("of pictures that steps have changed", async () => {
      const steps: Step[] = [
        clip(2, 9),
        { op: "rotate", angle: 180 },
        { op: "border", width: 20, color: { r: 255, g: 0, b: 0, alpha: 1 } },
      ];
      const list = await playlist(streaming.server, `${partUrl("clip.mp4", "master.m3u8", steps)}&sr=240`);
      assert.deepEqual(sizesOf(list.playlists as readonly Variant[]), ["360x220"]);
      const { whole, segments } = await track(streaming.server, partUrl("clip.mp4", "720.m3u8", steps));
      assert.equal(segments.length, 3);
      const frames = 9 * 25;
      const args = ["-f", "rawvideo", "-pix_fmt", "rgb24"];
      const made = await decoded(streaming.studio, whole, ...args);
      const plain = await decoded(
        streaming.studio,
        await streaming.studio.bytes("clip.mp4"),
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
      await streaming.studio.make(
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
      const { whole } = await track(streaming.server, "/colour.mp4/240.m3u8");
      const args = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24"];
      const middle = (90 * 320 + 160) * 3;
      const colours = [];
      for (const bytes of [await streaming.studio.bytes("colour.mp4"), whole]) {
        colours.push([...(await decoded(streaming.studio, bytes, ...args)).subarray(middle, middle + 3)]);
      }
      const [before = [], after = []] = colours;
      for (const [at, value] of after.entries()) {
        assert(Math.abs(value - (before[at] as number)) <= 5, `${before} became ${after}`);
      }
    });
  });

  describe("have I-frame playlists for trick play", () => {
    it("which the playlist for HLS names", async () => {
      const { text } = await streaming.server.ask("/count.mp4/master.m3u8?sr=360_240");
      const lines = text.split("\n").filter((line) => line.startsWith("#EXT-X-I-FRAME"));
      assert.deepEqual(lines, [
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=23428,CODECS="avc1.64001e",RESOLUTION=160x90,URI="/count.mp4/iframes-240.m3u8"',
      ]);
      const list = (await streaming.server.ask("/count.mp4/iframes-240.m3u8")).text;
      assert.match(list, /\n#EXT-X-I-FRAMES-ONLY\n/);
    });

    it("one at a time, each of which lasts until the next", async () => {
      const { list, init, segments, whole } = await track(streaming.server, "/count.mp4/iframes-240.m3u8");
      assert.deepEqual(
        list.segments.map(({ duration }) => duration),
        [2.002, 2.002, 2.002, 2.002, 2.002, 2.002, 1.001],
      );
      assert(init.equals((await track(streaming.server, "/count.mp4/240.m3u8")).init));
      for (const [index, segment] of segments.entries()) {
        assert.equal(decodeTime(segment), index * 60 * 1_001);
        assert.deepEqual(presentationTimes(segment), [index * 60 * 1_001]);
        const { packets } = await probeBytes(streaming.studio, Buffer.concat([init, segment]));
        assert.deepEqual(
          packets.map(({ key }) => key),
          [true],
        );
        assert.equal(defaultDuration(segment), (index < 6 ? 60 : 30) * 1_001);
        assert(segment.length * 8 < 1.02 * 200_000);
      }
      assert.deepEqual(await numbersIn(streaming.studio, whole), [0, 60, 120, 180, 240, 300, 360]);
      assert.equal((await streaming.server.ask("/count.mp4/iframes-240-7.m4s")).status, 404);
      assert.equal((await streaming.server.ask("/count.mp4/iframes-144.m3u8")).status, 404);
    });
  });
});
