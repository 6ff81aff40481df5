import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import type { OutgoingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { promisify } from "node:util";
import type { Plugin, Step } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import {
  describeWith,
  type OriginFile,
  startOrigin,
  startServer,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { type VideoFfmpegOptions, videoFfmpeg } from "@mediatap/video-ffmpeg";
import fc from "fast-check";
import { streamLanguage } from "../../video-ffmpeg/test/support/language.ts";
import { ownProgramsWith } from "../../video-ffmpeg/test/support/processes.ts";
import {
  boxesIn,
  decoded,
  decodeTime,
  get,
  keep,
  numbersIn,
  partUrl,
  playlist,
  shownAt,
  told,
  track,
  type Variant,
} from "../../video-ffmpeg/test/support/streams.ts";
import {
  FFMPEG,
  mp4,
  numbered,
  openStudio,
  type Studio,
  testPicture,
} from "../../video-ffmpeg/test/support/videos.ts";
import { unfitFor } from "../src/boxes.ts";
import { cutOf, stretchesOf } from "../src/cut.ts";
import { followedGrid } from "../src/follow.ts";
import { equalGrid, type Grid } from "../src/grid.ts";
import { videoRemux } from "../src/index.ts";
import { trackOf } from "../src/track.ts";
import { initOf, segmentHeader } from "../src/write.ts";

const run = promisify(execFile);
const clip = (start: number, duration?: number): Step => ({
  op: "clip",
  start,
  ...(duration !== undefined && { duration }),
});
/** Bytes of a file at an origin that are fetched and kept as one. */
const BLOCK = 512 * 1024;

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

describeWith(FFMPEG, "video-remux: streams that are not encoded", () => {
  let studio: Studio;
  let server: TestServer;
  const others: TestServer[] = [];

  const start = async (options: VideoFfmpegOptions = {}) => {
    const place = await startServer({
      plugins: [streamLanguage(), storageFs(), videoFfmpeg(options), videoRemux()],
      origins: { files: { type: "FOLDER", path: studio.folder } },
      endpoints: { default: { origins: ["files"] } },
      server: { explain: true },
    });
    others.push(place);
    return place;
  };

  before(async () => {
    studio = await openStudio();
    await Promise.all([
      studio.make("clip.mp4", ...testPicture(13), ...mp4()),
      studio.make("count.mp4", ...numbered(13, "30000/1001"), ...mp4(60)),
    ]);
    server = await start();
  });
  after(async () => {
    await Promise.all(others.map((one) => one.close()));
    await studio?.close();
  });

  /** How each rung is made, and why. */
  async function made(file: string, rungs = "720", steps: readonly Step[] = [], place = server) {
    const query = steps.length > 0 ? `&steps=${encodeURIComponent(JSON.stringify(steps))}` : "";
    const url = `/${file}/master.m3u8?sr=${rungs}${query}`;
    const { text } = await place.ask(`/-/explain?url=${encodeURIComponent(url)}`);
    return [...text.matchAll(/"made":"([^"]*)"/g)].map(([, words]) => words as string);
  }

  /** The frames of a file, and when each is shown, in the order in which they are. */
  async function frames(file: string): Promise<string> {
    const args = ["-v", "error", "-i", file, "-map", "0:v", "-f", "framemd5", "-"];
    const { stdout, stderr } = await run(FFMPEG.path, args, { maxBuffer: 1e8 });
    assert.equal(stderr, "");
    return stdout;
  }

  const framesOf = async (bytes: Buffer) => frames(await keep(studio, bytes));

  async function variant(url: string): Promise<Variant> {
    const [first, another] = (await playlist(server, url)).playlists as readonly Variant[];
    assert(first && !another);
    return first;
  }

  it("hold each frame of the file once, at its time, as it is", async () => {
    for (const [file, rung, rate] of [
      ["clip.mp4", 360, 25],
      ["count.mp4", 240, 30_000 / 1_001],
    ] as const) {
      assert.deepEqual(await made(file, String(rung)), ["copied"]);
      const { init, segments, whole, list } = await track(server, `/${file}/${rung}.m3u8`);
      assert.equal(await framesOf(whole), await frames(studio.path(file)), file);
      assert.deepEqual(boxesIn(init), ["ftyp", "moov"]);
      const before = await told(studio, await studio.bytes(file).then((bytes) => onlyPictures(bytes)));
      const after = await told(studio, whole);
      assert.deepEqual({ ...after, packets: [] }, { ...before, packets: [] });
      const { attributes } = await variant(`/${file}/master.m3u8?sr=${rung}`);
      assert.equal(attributes.CODECS.split(",")[0], codecOf(before.profile, before.level));
      assert.deepEqual(attributes.RESOLUTION, { width: before.width, height: before.height });
      for (const [index, segment] of segments.entries()) {
        assert.deepEqual(boxesIn(segment), ["moof", "mdat"]);
        // Each can be the first that a player has.
        const first = Math.round(index * 4 * rate);
        const alone = await told(studio, Buffer.concat([init, segment]));
        assert.equal(alone.packets[0]?.key, true);
        const pixels = await decoded(
          studio,
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
    const [from, to] = [await keep(studio, bytes), studio.path(`pictures-${Math.random()}.mp4`)];
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
    await studio.make(
      "ladder.mp4",
      "-f",
      "lavfi",
      "-i",
      "testsrc2=s=640x360:r=25:d=9",
      "-crf",
      "40",
      ...mp4(),
    );
    assert.deepEqual(await made("ladder.mp4", "240_360"), ["encoded: it is of another size", "copied"]);
    const times: number[][] = [];
    for (const rung of [240, 360]) {
      const { init, segments } = await track(server, `/ladder.mp4/${rung}.m3u8`);
      const { timescale } = await told(studio, Buffer.concat([init, segments[0] as Buffer]));
      times.push(segments.map((segment) => Math.min(...shownAt(segment)) / timescale));
      times.push(segments.map((segment) => decodeTime(segment) / timescale));
    }
    assert.deepEqual(times, Array(4).fill([0, 4, 8]));
  });

  it("whose pictures begin later than the sound show the first one until then", async () => {
    const late = (by: string) => [
      "-itsoffset",
      by,
      "-i",
      studio.path("plain.mp4"),
      "-i",
      studio.path("plain.mp4"),
    ];
    const of = ["-map", "0:v", "-map", "1:a", "-c", "copy"];
    await studio.make("plain.mp4", ...numbered(9), "-f", "lavfi", "-i", "sine=d=9", ...mp4(25));
    await Promise.all([
      // 0.6 of a frame, and three.
      studio.make("priming.mp4", ...late("0.024"), ...of),
      studio.make("three.mp4", ...late("0.12"), ...of),
      studio.make("unedited.mp4", "-i", studio.path("plain.mp4"), "-c", "copy", "-use_editlist", "0"),
    ]);
    const encoding = await start({ copy: false });
    for (const [file, lag] of [
      ["priming.mp4", 1],
      ["three.mp4", 3],
      ["unedited.mp4", 2],
    ] as const) {
      assert.deepEqual(await made(file, "240"), ["copied"], file);
      const { whole, init, segments, list } = await track(server, `/${file}/240.m3u8`);
      const { packets, timescale } = await told(studio, Buffer.concat([init, segments[0] as Buffer]));
      const frame = timescale / 25;
      const shown = segments.flatMap((one) => shownAt(one).map((at) => at / frame)).sort((a, b) => a - b);
      assert.deepEqual(shown, [0, ...range(lag + 1, lag + 225)], file);
      assert.equal(packets[0]?.key, true);
      assert.deepEqual(await numbersIn(studio, whole), range(0, 225), file);
      const starts = segments.map((one) => Math.min(...shownAt(one)) / frame);
      // Where key frames do not lie on whole multiples of four seconds, segments follow them.
      assert.deepEqual(
        starts,
        list.segments.map((_, at) => (at === 0 ? 0 : at * 100 + lag)),
      );
      // What is encoded shows the same at the same time.
      const numbers = await numbersIn(studio, (await track(encoding, `/${file}/240.m3u8`)).whole);
      for (const [at, number] of numbers.entries())
        assert.equal(number, Math.max(0, at - lag), `${file} ${at}`);
    }
  });

  it("have the same bytes every time", async () => {
    const other = await start();
    const [one, two] = [await track(server, "/clip.mp4/360.m3u8"), await track(other, "/clip.mp4/360.m3u8")];
    assert(one.whole.equals(two.whole));
  });

  it("of a clip that begins at a key frame", async () => {
    const steps = [clip(4.004, 6.006)];
    assert.deepEqual(await made("count.mp4", "240", steps), ["copied"]);
    const { whole, segments } = await track(server, partUrl("count.mp4", "240.m3u8", steps));
    assert.deepEqual(await numbersIn(studio, whole), range(120, 300));
    assert.deepEqual(segments.map(decodeTime), [0, 120 * 1_001]);
    assert.deepEqual(await made("count.mp4", "240", [clip(3)]), [
      "encoded: it does not begin at a key frame",
    ]);
    const { whole: other } = await track(server, partUrl("count.mp4", "240.m3u8", [clip(3.003, 2)]));
    assert.deepEqual(await numbersIn(studio, other), range(90, 150));
  });

  describe("are cut where the file has key frames", () => {
    const starts = [0, 120, 230, 380];
    const lengths = [...starts.slice(1), 500].map((end, at) => (end - (starts[at] as number)) / 25);

    before(async () => {
      const keys = [20, ...starts, 120, 160, 230, 270, 420, 490].sort((a, b) => a - b);
      const forced = ["-force_key_frames", keys.map((key) => key / 25).join(",")];
      const scaled = "scale=640:360:flags=neighbor";
      await studio.make("scenes.mp4", ...numbered(20), "-vf", scaled, ...mp4(9_999), ...forced);
    });

    it("in all rungs, as near to the usual length as can be", async () => {
      assert.deepEqual(await made("scenes.mp4", "240_360"), ["encoded: it is of another size", "copied"]);
      for (const rung of [240, 360]) {
        const { list, init, segments, whole } = await track(server, `/scenes.mp4/${rung}.m3u8`);
        assert.deepEqual(
          list.segments.map(({ duration }) => duration),
          lengths,
          String(rung),
        );
        assert.equal(list.targetDuration, 6);
        assert.deepEqual(await numbersIn(studio, whole), range(0, 500), String(rung));
        const { timescale } = await told(studio, Buffer.concat([init, segments[0] as Buffer]));
        assert.deepEqual(
          segments.map((one) => Math.round((decodeTime(one) * 25_000) / timescale) / 1_000),
          starts,
          String(rung),
        );
        for (const [index, segment] of segments.entries()) {
          const first = starts[index] as number;
          const numbers = await numbersIn(studio, Buffer.concat([init, segment]));
          assert.deepEqual(numbers, range(first, starts[index + 1] ?? 500));
        }
      }
    });

    it("for DASH, too", async () => {
      const { text } = await server.ask("/scenes.mp4/master.mpd?sr=240_360");
      const [video = ""] = text.split("</SegmentTimeline>");
      const timescale = Number(/<SegmentTemplate timescale="(\d+)"/.exec(video)?.[1]);
      const durations = [...video.matchAll(/<S (?:t="0" )?d="(\d+)"\/>/g)].map(
        ([, d]) => Number(d) / timescale,
      );
      assert.deepEqual(durations, lengths);
    });

    it("but those to wind by are as far from each other as usual", async () => {
      const { list } = await track(server, "/scenes.mp4/iframes-240.m3u8");
      assert.deepEqual(
        list.segments.map(({ duration }) => duration),
        Array(10).fill(2),
      );
    });

    it("unless nothing is copied", async () => {
      const list = await playlist(await start({ copy: false }), "/scenes.mp4/360.m3u8");
      assert.deepEqual(
        list.segments.map(({ duration }) => duration),
        Array(5).fill(4),
      );
    });
  });

  it("are encoded where the file is not made for them", async () => {
    const h264 = (...more: readonly string[]) => [
      ...["-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=9", "-c:v", "libx264", "-pix_fmt", "yuv420p"],
      ...["-preset", "ultrafast", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", ...more],
    ];
    const files: Record<string, readonly string[]> = {
      "sparse.mp4": h264("-vf", "tpad=stop_mode=clone:stop_duration=5", "-g", "300", "-keyint_min", "300"),
      "open.mp4": h264(
        "-vf",
        "tpad=stop_mode=clone:stop_duration=5",
        "-bf",
        "3",
        "-x264-params",
        "open-gop=1:bframes=3:b-adapt=0",
      ),
      "refresh.mp4": h264("-x264-params", "intra-refresh=1"),
      "chroma.mp4": h264("-pix_fmt", "yuv422p"),
      "deep.mp4": h264("-pix_fmt", "yuv420p10le"),
      "anamorphic.mp4": h264("-vf", "setsar=4/3"),
      "hdr.mp4": h264("-crf", "40", "-x264-params", "transfer=smpte2084:colorprim=bt2020"),
      "interlaced.mp4": h264("-preset", "veryfast", "-flags", "+ildct+ilme", "-x264-params", "tff=1"),
      "fast.mp4": h264("-vf", "fps=100", "-g", "200"),
      "large.mp4": h264("-crf", "1", "-vf", "noise=alls=60:allf=t"),
      "fragments.mp4": h264("-movflags", "+frag_keyframe+empty_moov"),
      "container.mkv": h264(),
      "other.mp4": h264("-c:v", "mpeg4"),
      "uneven.mp4": h264("-vf", "select='not(between(t,1,1.5))'", "-fps_mode", "vfr"),
    };
    await Promise.all(Object.entries(files).map(([name, args]) => studio.make(name, ...args)));
    await studio.make("turned.mp4", "-display_rotation", "90", "-i", studio.path("clip.mp4"), "-c", "copy");
    await studio.make(
      "late.mp4",
      "-itsoffset",
      "0.5",
      "-i",
      studio.path("clip.mp4"),
      "-i",
      studio.path("clip.mp4"),
      "-map",
      "0:v",
      "-map",
      "1:a",
      "-c",
      "copy",
    );
    for (const [name, why] of Object.entries({
      "sparse.mp4": /no key frame within 6 s from 0 s on/,
      "open.mp4": /no key frame within 6 s from 0 s on/,
      "refresh.mp4": /key frame at 4 s needs others/,
      "chroma.mp4": /colours/,
      "deep.mp4": /colours/,
      "hdr.mp4": /colours/,
      "anamorphic.mp4": /not square/,
      "turned.mp4": /turned/,
      "interlaced.mp4": /interlaced/,
      "fast.mp4": /rate is changed/,
      "uneven.mp4": /rate/,
      "large.mp4": /bits a second/,
      "fragments.mp4": /fragments/,
      "container.mkv": /no MP4/,
      "other.mp4": /not H.264/,
      "late.mp4": /does not begin/,
    })) {
      const [words = ""] = await made(name, "240");
      assert.match(words, /^encoded: /, name);
      assert.match(words, why, name);
      const { status } = await server.ask(`/${name}/240-0.m4s`);
      assert.equal(status, 200, name);
    }
  });

  it("are encoded where something is asked of them", async () => {
    assert.match((await made("clip.mp4", "360", [{ op: "rotate", angle: 180 }]))[0] ?? "", /changed/);
    assert.deepEqual(await made("clip.mp4", "360", [{ op: "volume", gain: 0.5 }]), ["copied"]);
    assert.deepEqual(await made("clip.mp4", "360", [], await start({ copy: false })), [
      "encoded: copying is turned off",
    ]);
  });

  it("are encoded if no plugin packages them, or if the one that answers first refuses", async () => {
    const answering = (name: string, ...plugins: readonly Plugin[]) =>
      startServer({
        plugins: [streamLanguage(), storageFs(), videoFfmpeg(), ...plugins],
        origins: { files: { type: "FOLDER", path: studio.folder } },
        endpoints: { default: { origins: ["files"] } },
        server: { explain: true },
      }).then(async (place) => {
        others.push(place);
        return made(name, "360", [], place);
      });
    assert.deepEqual(await answering("clip.mp4"), ["encoded: no plugin packages it without encoding"]);
    const refusing: Plugin = {
      name: "remux-nothing",
      version: "1.0.0",
      apiVersion: 1,
      apply: ({ hooks }) =>
        hooks.inspect.for("remux").tap("remux-nothing", () => ({ unfit: "it is private" })),
    };
    assert.deepEqual(await answering("clip.mp4", refusing, videoRemux()), ["encoded: it is private"]);
  });

  it("are made without a program, of the bytes of the file", async () => {
    const { whole } = await track(server, "/clip.mp4/360.m3u8");
    const bytes = await studio.bytes("clip.mp4");
    const packets = await run("/usr/bin/ffprobe", [
      ...["-v", "error", "-select_streams", "v", "-show_entries", "packet=pos,size", "-of", "csv=p=0"],
      studio.path("clip.mp4"),
    ]);
    for (const line of packets.stdout.trim().split("\n")) {
      const [size = 0, pos = 0] = line.split(",").map(Number);
      assert(whole.includes(bytes.subarray(pos, pos + size)), line);
    }
  });

  describe("of a file at an origin", () => {
    const origins: WebOrigin[] = [];
    after(() => Promise.all(origins.map((one) => one.close())));

    /** 10 MB, its index in front. */
    function makeNoise() {
      const noise = "nullsrc=s=320x180:r=25:d=1,geq=random(1)*255:128:128,loop=loop=19:size=25";
      const rate = ["-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M"];
      return studio.make("noise.mp4", "-f", "lavfi", "-i", noise, ...mp4(), ...rate);
    }

    /** A server of a file that lies elsewhere, and the ranges that its origin was asked for. */
    async function remote(name: string, file: OriginFile) {
      const origin = await startOrigin();
      origins.push(origin);
      origin.files.set(name, file);
      const place = await startServer({
        plugins: [streamLanguage(), storageWeb(), videoFfmpeg(), videoRemux()],
        origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
        endpoints: { default: { origins: ["site"] } },
        server: { explain: true },
      });
      others.push(place);
      const asked = () =>
        origin.requests
          .map(({ headers }) => /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? ""))
          .flatMap((range) => (range ? [{ first: Number(range[1]), last: Number(range[2]) }] : []));
      return { place, asked };
    }

    it("are no longer read when nobody waits", async () => {
      await makeNoise();
      const bytes = await studio.bytes("noise.mp4");
      let waiting: Socket | null = null;
      const { place } = await remote("noise.mp4", {
        answer: ({ headers }, response) => {
          const asked = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "");
          const [first, last] = asked ? [Number(asked[1]), Number(asked[2])] : [0, bytes.length - 1];
          response.writeHead(asked ? 206 : 200, {
            etag: '"one"',
            "content-length": last - first + 1,
            ...(asked && { "content-range": `bytes ${first}-${last}/${bytes.length}` }),
          });
          // The last segment never comes.
          if (first < bytes.length * 0.85) response.end(bytes.subarray(first, last + 1));
          else {
            response.flushHeaders();
            waiting = response.socket;
          }
        },
      });
      await get(place, "/noise.mp4/1080-0.m4s");
      const controller = new AbortController();
      const answer = place.ask("/noise.mp4/1080-4.m4s", { signal: controller.signal }).catch(() => undefined);
      await until(() => waiting !== null, "the origin is asked");
      assert.equal(ownProgramsWith("noise.mp4").length, 0);
      controller.abort();
      await answer;
      await until(() => waiting?.destroyed === true, "its connection is closed");
    });

    it("are the same where it gives no parts, and encoded where it tells no versions apart", async () => {
      const bytes = await studio.bytes("count.mp4");
      const whole = (headers: OutgoingHttpHeaders): OriginFile => ({
        answer: (_, response) => {
          response.writeHead(200, { ...headers, "content-length": bytes.length }).end(bytes);
        },
      });
      const { whole: expected } = await track(server, "/count.mp4/240.m3u8");
      const { place } = await remote("count.mp4", whole({ etag: '"one"' }));
      assert.deepEqual(await made("count.mp4", "240", [], place), ["copied"]);
      assert(expected.equals((await track(place, "/count.mp4/240.m3u8")).whole));
      const { place: other } = await remote("count.mp4", whole({}));
      assert.match((await made("count.mp4", "240", [], other))[0] ?? "", /versions apart/);
      assert.deepEqual(
        await numbersIn(studio, (await track(other, "/count.mp4/240.m3u8")).whole),
        range(0, 390),
      );
    });

    it("are read in parts, and no others", async () => {
      await makeNoise();
      const { place, asked } = await remote("noise.mp4", {
        bytes: await studio.bytes("noise.mp4"),
        headers: { etag: '"one"' },
      });
      const { segments } = await track(server, "/noise.mp4/1080.m3u8");
      const lengths = segments.map(({ length }) => length);
      await get(place, "/noise.mp4/1080-init.mp4");
      const before = asked().length;
      assert(segments[3]?.equals(await get(place, "/noise.mp4/1080-3.m4s")));
      const more = asked().slice(before);
      const bytes = more.reduce((sum, { first, last }) => sum + last - first + 1, 0);
      assert(bytes <= (lengths[3] ?? 0) + 2 * BLOCK, `${bytes} for ${lengths[3]}`);
      for (const { first, last } of more) {
        assert(
          first > lengths.slice(0, 3).reduce((sum, length) => sum + length) - 2 * BLOCK,
          `${first}-${last}`,
        );
      }
      const again = asked().length;
      assert(segments[3]?.equals(await get(place, "/noise.mp4/1080-3.m4s")));
      assert.equal(asked().length, again);
    });
  });

  describe("of a file whose index lies", () => {
    /** Some numbers of its index become others. */
    const edits = fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        value: fc.oneof(
          fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x00ffffff),
          fc.integer({ min: 0, max: 0xffffffff }),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    );
    type Edits = readonly { readonly at: number; readonly value: number }[];

    function edited(bytes: Buffer, from: number, to: number, list: Edits): Buffer {
      const changed = Buffer.from(bytes);
      for (const { at, value } of list) changed.writeUInt32BE(value, from + Math.floor(at * (to - from - 4)));
      return changed;
    }

    /** Where the index of a file is that has it in front. */
    function indexIn(bytes: Buffer): readonly [number, number] {
      const from = bytes.readUInt32BE(0);
      return [from, from + bytes.readUInt32BE(from)];
    }

    it("are packaged as they can be, or are not", async () => {
      const bytes = await studio.bytes("count.mp4");
      const [from, to] = indexIn(bytes);
      const rate = { n: 30_000, d: 1_001 };
      const frames = 120;
      const fixed = equalGrid(rate, 390, frames);
      const judge = (index: Buffer, grid = fixed, isAgain = false): void => {
        try {
          const found = trackOf(index, bytes.length);
          const cut = cutOf(found, grid, 0);
          const { base, count } = cut;
          initOf(found);
          segmentHeader(found, cut, { from: base, samples: count }, 1);
          for (const { start, length } of stretchesOf(found, base, count)) {
            assert(start >= 0 && start + length <= bytes.length);
          }
        } catch (error) {
          unfitFor(error);
          if (!isAgain) judge(index, followed(index), true);
        }
      };
      const followed = (index: Buffer): Grid => {
        try {
          return followedGrid(trackOf(index, bytes.length), fixed, frames, 0);
        } catch (error) {
          unfitFor(error);
          return fixed;
        }
      };
      judge(bytes.subarray(from + 8, to));
      fc.assert(
        fc.property(edits, (list) => judge(edited(bytes, from + 8, to, list).subarray(from + 8, to))),
        { numRuns: 3_000 },
      );
      fc.assert(
        fc.property(fc.integer({ min: 0, max: to - from - 8 }), (end) =>
          judge(bytes.subarray(from + 8, from + 8 + end)),
        ),
      );
    });

    it("are an answer, or the file's own fault", async function () {
      this.timeout(180_000);
      await studio.make("short.mp4", ...numbered(2), ...mp4(25));
      const bytes = await studio.bytes("short.mp4");
      const place = await start({ segmentSeconds: 1 });
      let count = 0;
      await fc.assert(
        fc.asyncProperty(edits, async (list) => {
          const name = `edited-${count++}.mp4`;
          await writeFile(studio.path(name), edited(bytes, ...indexIn(bytes), list));
          for (const part of ["master.m3u8?sr=240", "240-init.mp4", "240-1.m4s"]) {
            const { status, text } = await place.ask(`/${name}/${part}`);
            assert([200, 400, 403, 404].includes(status), `${part} ${status} ${text.slice(0, 200)}`);
          }
        }),
        { numRuns: 12 },
      );
      assert.equal((await place.ask("/short.mp4/240-1.m4s")).status, 200);
    });

    it("are refused if it does not match its frames", async () => {
      const bytes = Buffer.from(await studio.bytes("count.mp4"));
      // The pictures of the last two segments are other bytes.
      bytes.fill(0x55, Math.floor(bytes.length * 0.7));
      await writeFile(studio.path("other-bytes.mp4"), bytes);
      assert.deepEqual(await made("other-bytes.mp4", "240"), ["copied"]);
      const answer = await server.ask("/other-bytes.mp4/240-3.m4s");
      assert.equal(answer.status, 400);
      assert.match(answer.text, /index does not match/);
      assert.equal((await server.ask("/other-bytes.mp4/240-0.m4s")).status, 200);
    });
  });
});
