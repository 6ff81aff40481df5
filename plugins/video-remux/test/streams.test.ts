import assert from "node:assert/strict";
import { clip } from "../../video-ffmpeg/test/support/streaming.ts";
import {
  boxesIn,
  decoded,
  decodeTime,
  keep,
  numbersIn,
  partUrl,
  playlist,
  presentationTimes,
  probeBytes,
  track,
  type Variant,
} from "../../video-ffmpeg/test/support/streams.ts";
import { FFMPEG, mp4, numbered } from "../../video-ffmpeg/test/support/videos.ts";
import { describeRemuxing, range, run } from "./support/remuxing.ts";

describeRemuxing("video-remux: streams that are not encoded", (remuxing) => {
  /** The frames of a file, and when each is shown, in the order in which they are. */
  async function frames(file: string): Promise<string> {
    const args = ["-v", "error", "-i", file, "-map", "0:v", "-f", "framemd5", "-"];
    const { stdout, stderr } = await run(FFMPEG.path, args, { maxBuffer: 1e8 });
    assert.equal(stderr, "");
    return stdout;
  }

  const framesOf = async (bytes: Buffer) => frames(await keep(remuxing.studio, bytes));

  async function variant(url: string): Promise<Variant> {
    const [first, another] = (await playlist(remuxing.server, url)).playlists as readonly Variant[];
    assert(first && !another);
    return first;
  }

  it("contain each frame of the file once, at its time, unchanged", async () => {
    for (const [file, rung, rate] of [
      ["clip.mp4", 360, 25],
      ["count.mp4", 240, 30_000 / 1_001],
    ] as const) {
      assert.deepEqual(await remuxing.made(file, String(rung)), ["copied"]);
      const { init, segments, whole, list } = await track(remuxing.server, `/${file}/${rung}.m3u8`);
      assert.equal(await framesOf(whole), await frames(remuxing.studio.path(file)), file);
      assert.deepEqual(boxesIn(init), ["ftyp", "moov"]);
      const before = await probeBytes(
        remuxing.studio,
        await remuxing.studio.bytes(file).then((bytes) => onlyPictures(bytes)),
      );
      const after = await probeBytes(remuxing.studio, whole);
      assert.deepEqual({ ...after, packets: [] }, { ...before, packets: [] });
      const { attributes } = await variant(`/${file}/master.m3u8?sr=${rung}`);
      assert.equal(attributes.CODECS.split(",")[0], codecOf(before.profile, before.level));
      assert.deepEqual(attributes.RESOLUTION, { width: before.width, height: before.height });
      for (const [index, segment] of segments.entries()) {
        assert.deepEqual(boxesIn(segment), ["moof", "mdat"]);
        // Each can be the first that a player has.
        const first = Math.round(index * 4 * rate);
        const alone = await probeBytes(remuxing.studio, Buffer.concat([init, segment]));
        assert.equal(alone.packets[0]?.key, true);
        const pixels = await decoded(
          remuxing.studio,
          Buffer.concat([init, segment]),
          ...["-f", "rawvideo", "-pix_fmt", "gray", "-fps_mode", "passthrough"],
        );
        const count = Math.min(first + Math.round(4 * rate), 13 * Math.round(rate)) - first;
        assert.equal(pixels.length, count * before.width * before.height);
        assert.equal(alone.packets.length, count);
        const seconds = list.segments[index]?.duration ?? 0;
        assert(Math.abs(seconds - count / rate) < 1e-5, `${seconds}`);
        assert((segment.length * 8) / Math.max(seconds, 2) <= attributes.BANDWIDTH);
      }
    }
  });

  /** Without its sound. */
  async function onlyPictures(bytes: Buffer): Promise<Buffer> {
    const [from, to] = [
      await keep(remuxing.studio, bytes),
      remuxing.studio.path(`pictures-${Math.random()}.mp4`),
    ];
    await run(FFMPEG.path, ["-v", "error", "-i", from, "-an", "-c", "copy", to]);
    return await run("cat", [to], { encoding: "buffer", maxBuffer: 1e8 }).then(({ stdout }) => stdout);
  }

  const PROFILES: Readonly<Record<string, string>> = {
    "Constrained Baseline": "42c0",
    Main: "4d40",
    High: "6400",
  };
  const codecOf = (profile: string, level: number) =>
    `avc1.${PROFILES[profile]}${level.toString(16).padStart(2, "0")}`;

  it("begin where those of encoded rungs do", async () => {
    await remuxing.studio.make(
      "ladder.mp4",
      "-f",
      "lavfi",
      "-i",
      "testsrc2=s=640x360:r=25:d=9",
      "-crf",
      "40",
      ...mp4(),
    );
    assert.deepEqual(await remuxing.made("ladder.mp4", "240_360"), [
      "encoded: it is of another size",
      "copied",
    ]);
    const times: number[][] = [];
    for (const rung of [240, 360]) {
      const { init, segments } = await track(remuxing.server, `/ladder.mp4/${rung}.m3u8`);
      const { timescale } = await probeBytes(remuxing.studio, Buffer.concat([init, segments[0] as Buffer]));
      times.push(segments.map((segment) => Math.min(...presentationTimes(segment)) / timescale));
      times.push(segments.map((segment) => decodeTime(segment) / timescale));
    }
    assert.deepEqual(times, Array(4).fill([0, 4, 8]));
  });

  it("whose pictures begin later than the sound show the first one until then", async () => {
    const late = (by: string) => [
      "-itsoffset",
      by,
      "-i",
      remuxing.studio.path("plain.mp4"),
      "-i",
      remuxing.studio.path("plain.mp4"),
    ];
    const of = ["-map", "0:v", "-map", "1:a", "-c", "copy"];
    await remuxing.studio.make("plain.mp4", ...numbered(9), "-f", "lavfi", "-i", "sine=d=9", ...mp4(25));
    await Promise.all([
      // 0.6 of a frame, and three.
      remuxing.studio.make("priming.mp4", ...late("0.024"), ...of),
      remuxing.studio.make("three.mp4", ...late("0.12"), ...of),
      remuxing.studio.make(
        "unedited.mp4",
        "-i",
        remuxing.studio.path("plain.mp4"),
        "-c",
        "copy",
        "-use_editlist",
        "0",
      ),
    ]);
    const encoding = await remuxing.start({ copy: false });
    for (const [file, lag] of [
      ["priming.mp4", 1],
      ["three.mp4", 3],
      ["unedited.mp4", 2],
    ] as const) {
      assert.deepEqual(await remuxing.made(file, "240"), ["copied"], file);
      const { whole, init, segments, list } = await track(remuxing.server, `/${file}/240.m3u8`);
      const { packets, timescale } = await probeBytes(
        remuxing.studio,
        Buffer.concat([init, segments[0] as Buffer]),
      );
      const frame = timescale / 25;
      const shown = segments
        .flatMap((one) => presentationTimes(one).map((at) => at / frame))
        .sort((a, b) => a - b);
      assert.deepEqual(shown, [0, ...range(lag + 1, lag + 225)], file);
      assert.equal(packets[0]?.key, true);
      assert.deepEqual(await numbersIn(remuxing.studio, whole), range(0, 225), file);
      const starts = segments.map((one) => Math.min(...presentationTimes(one)) / frame);
      // Where key frames do not lie on whole multiples of four seconds, segments follow them.
      assert.deepEqual(
        starts,
        list.segments.map((_, at) => (at === 0 ? 0 : at * 100 + lag)),
      );
      // What is encoded shows the same at the same time.
      const numbers = await numbersIn(remuxing.studio, (await track(encoding, `/${file}/240.m3u8`)).whole);
      for (const [at, number] of numbers.entries())
        assert.equal(number, Math.max(0, at - lag), `${file} ${at}`);
    }
  });

  it("have the same bytes every time", async () => {
    const other = await remuxing.start();
    const [one, two] = [
      await track(remuxing.server, "/clip.mp4/360.m3u8"),
      await track(other, "/clip.mp4/360.m3u8"),
    ];
    assert(one.whole.equals(two.whole));
  });

  it("of a clip that begins at a key frame", async () => {
    const steps = [clip(4.004, 6.006)];
    assert.deepEqual(await remuxing.made("count.mp4", "240", steps), ["copied"]);
    const { whole, segments } = await track(remuxing.server, partUrl("count.mp4", "240.m3u8", steps));
    assert.deepEqual(await numbersIn(remuxing.studio, whole), range(120, 300));
    assert.deepEqual(segments.map(decodeTime), [0, 120 * 1_001]);
    assert.deepEqual(await remuxing.made("count.mp4", "240", [clip(3)]), [
      "encoded: it does not begin at a key frame",
    ]);
    const { whole: other } = await track(remuxing.server, partUrl("count.mp4", "240.m3u8", [clip(3.003, 2)]));
    assert.deepEqual(await numbersIn(remuxing.studio, other), range(90, 150));
  });

  it("are packaged without a program, from the bytes of the file", async () => {
    const { whole } = await track(remuxing.server, "/clip.mp4/360.m3u8");
    const bytes = await remuxing.studio.bytes("clip.mp4");
    const packets = await run("/usr/bin/ffprobe", [
      ...["-v", "error", "-select_streams", "v", "-show_entries", "packet=pos,size", "-of", "csv=p=0"],
      remuxing.studio.path("clip.mp4"),
    ]);
    for (const line of packets.stdout.trim().split("\n")) {
      const [size = 0, pos = 0] = line.split(",").map(Number);
      assert(whole.includes(bytes.subarray(pos, pos + size)), line);
    }
  });
});
