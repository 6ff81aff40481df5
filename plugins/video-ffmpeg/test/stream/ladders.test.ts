import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, type TestServer } from "@mediatap/test";
import { videoRemux } from "@mediatap/video-remux";
import { parse } from "mpd-parser";
import { type VideoFfmpegOptions, videoFfmpeg } from "../../src/index.ts";
import { streamLanguage } from "../support/language.ts";
import { serve } from "../support/server.ts";
import {
  boxesIn,
  decodeTime,
  get,
  numbersIn,
  playlist,
  presentationTimes,
  probeBytes,
  track,
  type Variant,
} from "../support/streams.ts";
import { FFMPEG, mp4, numbered, openStudio, type Studio } from "../support/videos.ts";

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

/** What a decoder's configuration says, as codec strings do (RFC 6381). */
const NAMES = {
  /** AV1 in ISO base media, 2.3.3 and 5. */
  av1(init: Buffer): string {
    const at = init.indexOf("av1C") + 4;
    const [, second = 0, third = 0] = init.subarray(at, at + 3);
    const level = String(second & 31).padStart(2, "0");
    return `av01.${second >> 5}.${level}${third & 0x80 ? "H" : "M"}.${third & 0x40 ? "10" : "08"}`;
  },
  /** ISO 14496-15, E.3. */
  hevc(init: Buffer): string {
    const at = init.indexOf("hvcC") + 4;
    const profile = init[at + 1] as number;
    const fits = range(0, 32).reduce(
      (all, bit) => all | (((init.readUInt32BE(at + 2) >>> bit) & 1) << (31 - bit)),
      0,
    );
    const bounds = [...init.subarray(at + 6, at + 12)].map((byte) => byte.toString(16).toUpperCase());
    while (bounds.at(-1) === "0") bounds.pop();
    const tier = profile & 0x20 ? "H" : "L";
    return [`hvc1.${profile & 31}`, (fits >>> 0).toString(16), `${tier}${init[at + 12]}`, ...bounds].join(
      ".",
    );
  },
};
const TAGS = { av1: "av01", hevc: "hvc1" };

describeWith(FFMPEG, "video-ffmpeg: the codecs of streams", () => {
  let studio: Studio;
  let server: TestServer;
  const servers: TestServer[] = [];

  async function start(options: VideoFfmpegOptions): Promise<TestServer> {
    const started = await serve(studio, [
      streamLanguage(),
      storageFs(),
      videoFfmpeg({ copy: false, ...options }),
      videoRemux(),
    ]);
    servers.push(started);
    return started;
  }
  const all = () => start({ ladders: ["h264", "av1", "hevc"] });

  before(async () => {
    studio = await openStudio();
    await studio.make("count.mp4", ...numbered(9, "30000/1001"), ...mp4(250));
    await studio.make("clip.mp4", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=4.04", ...mp4(250));
    await studio.make(
      "busy.mp4",
      ...["-f", "lavfi", "-i", "mandelbrot=s=640x360:r=25:end_scale=0.05,noise=alls=6:allf=t"],
      ...["-t", "4", ...mp4(250)],
    );
    await studio.make("strip.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x48:r=25:d=1", ...mp4());
    server = await all();
  });
  after(async () => {
    await Promise.all(servers.map((one) => one.close()));
    await studio?.close();
  });

  const variants = async (from: TestServer, url: string) =>
    (await playlist(from, url)).playlists as readonly Variant[];

  it("are H.264 only by default", async () => {
    const plain = await start({});
    const list = await variants(plain, "/clip.mp4/master.m3u8?sr=240_360");
    assert.deepEqual(
      list.map(({ uri }) => uri),
      ["/clip.mp4/240.m3u8", "/clip.mp4/360.m3u8"],
    );
    for (const name of ["240-av1.m3u8", "240-av1-init.mp4", "240-av1-0.m4s"]) {
      assert.equal((await plain.ask(`/clip.mp4/${name}`)).status, 404, name);
    }
    assert.throws(() => videoFfmpeg({ ladders: ["av1"] }), /ladders.*h264 first/);
    assert.throws(() => videoFfmpeg({ ladders: ["h264", "av1", "av1"] }), /ladders.*each codec once/);
  });

  it("are each named in the playlist for HLS, H.264 first", async () => {
    const list = await variants(server, "/clip.mp4/master.m3u8?sr=240_360");
    assert.deepEqual(
      list.map(({ uri, attributes: { CODECS, RESOLUTION } }) => [uri, CODECS, RESOLUTION.height]),
      [
        ["/clip.mp4/240.m3u8", "avc1.64001e", 240],
        ["/clip.mp4/360.m3u8", "avc1.64001e", 360],
        ["/clip.mp4/240-av1.m3u8", "av01.0.04M.08", 240],
        ["/clip.mp4/360-av1.m3u8", "av01.0.04M.08", 360],
        ["/clip.mp4/240-hevc.m3u8", "hvc1.1.6.L90.90", 240],
        ["/clip.mp4/360-hevc.m3u8", "hvc1.1.6.L90.90", 360],
      ],
    );
    const { text } = await server.ask("/clip.mp4/master.m3u8?sr=240_360");
    assert.match(text, /I-FRAME-STREAM-INF:.*CODECS="avc1.64001e".*iframes-240.m3u8/);
  });

  it("have a set each for DASH, of the same segments", async () => {
    const { text } = await server.ask("/clip.mp4/master.mpd?sr=240_360");
    const sets = text.split("<AdaptationSet").slice(1);
    assert.deepEqual(
      sets.map((set) =>
        [...set.matchAll(/Representation id="([^"]*)" codecs="(\w*)/g)].map(([, ...of]) => of),
      ),
      [
        [
          ["240", "avc1"],
          ["360", "avc1"],
        ],
        [
          ["240-av1", "av01"],
          ["360-av1", "av01"],
        ],
        [
          ["240-hevc", "hvc1"],
          ["360-hevc", "hvc1"],
        ],
      ],
    );
    const ids = sets.map((set) => /^ id="(\d+)"/.exec(set)?.[1]);
    assert.equal(new Set(ids).size, 3);
    const { playlists } = parse(text, { manifestUri: "http://host/" }) as {
      readonly playlists: readonly {
        readonly attributes: { readonly NAME: string };
        readonly segments: readonly { readonly uri: string }[];
      }[];
    };
    const one = playlists.find(({ attributes }) => attributes.NAME === "360-av1");
    const list = await playlist(server, "/clip.mp4/360-av1.m3u8");
    assert.deepEqual(
      one?.segments.map(({ uri }) => uri),
      list.segments.map(({ uri }) => uri),
    );
  });

  for (const codec of ["av1", "hevc"] as const) {
    describe(`${codec} has segments`, () => {
      it("that contain each frame once, at the times of H.264", async () => {
        const usual = await track(server, "/count.mp4/240.m3u8");
        const { list, init, segments, whole } = await track(server, `/count.mp4/240-${codec}.m3u8`);
        assert.deepEqual(
          list.segments.map(({ duration }) => duration),
          usual.list.segments.map(({ duration }) => duration),
        );
        assert(init.includes(TAGS[codec]));
        // What AV1 says of itself stands in each segment, too.
        if (codec === "av1") {
          const at = init.indexOf("av1C");
          const sequence = init.subarray(at + 8, at - 4 + init.readUInt32BE(at - 4));
          assert(sequence.length > 8 && segments.every((segment) => segment.includes(sequence)));
        }
        for (const [index, segment] of segments.entries()) {
          assert.deepEqual(boxesIn(segment), ["moof", "mdat"]);
          const twin = usual.segments[index] as Buffer;
          assert.equal(decodeTime(segment), decodeTime(twin));
          const sorted = (times: number[]) => times.sort((a, b) => a - b);
          assert.deepEqual(sorted(presentationTimes(segment)), sorted(presentationTimes(twin)));
          const alone = Buffer.concat([init, segment]);
          const { packets, ...metadata } = await probeBytes(studio, alone);
          const [frames, first] = [index < 2 ? 120 : 30, index * 120];
          assert.equal(packets.length, frames);
          assert.deepEqual(
            { codec: metadata.codec, profile: metadata.profile, size: [metadata.width, metadata.height] },
            { codec, profile: "Main", size: [160, 90] },
          );
          assert.equal(metadata.timescale, 30_000);
          assert.deepEqual(
            packets.map(({ key }) => key),
            packets.map((_, at) => at === 0),
          );
          assert.deepEqual(await numbersIn(studio, alone), range(first, first + frames));
        }
        assert.deepEqual(await numbersIn(studio, whole), range(0, 270));
      });

      it("that match the playlist, in every size", async () => {
        await studio.make("large.mp4", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=50:d=0.2", ...mp4());
        const list = await variants(server, "/large.mp4/master.m3u8?sr=360_480_720");
        const mine = list.filter(({ uri }) => uri.includes(`-${codec}.`));
        assert.equal(mine.length, 3);
        for (const { uri, attributes } of mine) {
          const { init, whole } = await track(server, uri);
          assert.equal(NAMES[codec](init), attributes.CODECS);
          const { width, height, level } = await probeBytes(studio, whole);
          assert.deepEqual({ width, height }, attributes.RESOLUTION);
          const said = Number(/(?:M|L|\.)(\d\d+)M?\.\w\w$/.exec(attributes.CODECS)?.[1]);
          assert.equal(level, said);
        }
      });

      it("with the same bytes every time", async () => {
        const other = await all();
        for (const rung of [240, 360]) {
          const one = await track(server, `/clip.mp4/${rung}-${codec}.m3u8`);
          const names = one.list.segments.map(({ uri }) => uri);
          // In another order, and all at once.
          const again = await Promise.all(names.toReversed().map((name) => get(other, name)));
          assert(Buffer.concat(again.reverse()).equals(Buffer.concat(one.segments)), String(rung));
          // The last one is of a single frame.
          assert.equal((await probeBytes(studio, one.whole)).packets.length, 101);
        }
      });

      it("that keep within the rate that the playlist names, below that of H.264", async () => {
        const list = await variants(server, "/busy.mp4/master.m3u8?sr=360");
        const find = (name: string) => list.find(({ uri }) => uri.includes(name)) as Variant;
        const { uri, attributes } = find(`-${codec}.`);
        const part = attributes.BANDWIDTH / find("360.m3u8").attributes.BANDWIDTH;
        assert(part > 0.6 && part < 0.7, `${part}`);
        const { segments, list: own } = await track(server, uri);
        for (const [index, { length }] of segments.entries()) {
          const rate = (length * 8) / (own.segments[index]?.duration ?? 1);
          assert(rate <= attributes.BANDWIDTH, `${index}: ${rate} of ${attributes.BANDWIDTH}`);
        }
      });
    });
  }

  it("have no other names", async () => {
    const bad = [
      "240-vp9",
      "240-h264",
      "240-AV1",
      "0240-av1",
      "144-av1",
      "av1-240",
      "240-av1-hevc",
      "iframes-240-av1",
    ];
    for (const name of bad) {
      for (const part of [`${name}.m3u8`, `${name}-init.mp4`, `${name}-0.m4s`]) {
        assert.equal((await server.ask(`/clip.mp4/${part}`)).status, 404, part);
      }
    }
    assert.equal((await server.ask("/clip.mp4/240-av1-2.m4s")).status, 404);
  });

  it("leave out what is too small for a codec", async () => {
    const list = await variants(server, "/strip.mp4/master.m3u8?sr=240");
    assert.deepEqual(
      list.map(({ uri }) => uri),
      ["/strip.mp4/240.m3u8", "/strip.mp4/240-hevc.m3u8"],
    );
    assert.equal((await server.ask("/strip.mp4/240-av1-0.m4s")).status, 404);
  });

  it("are packaged without encoding only if they are H.264", async () => {
    const copying = await start({ ladders: ["h264", "av1"], copy: true });
    await studio.make("own.mp4", ...numbered(8), ...mp4(150));
    const [plain] = await variants(copying, "/own.mp4/master.m3u8?sr=240");
    assert.notEqual(plain?.attributes.CODECS, "avc1.64001e");
    const { list, whole } = await track(copying, "/own.mp4/240-av1.m3u8");
    // Both are cut where the file has key frames.
    assert.deepEqual(
      list.segments.map(({ duration }) => duration),
      [6, 2],
    );
    const { codec, packets } = await probeBytes(studio, whole);
    assert.deepEqual([codec, packets.filter(({ key }) => key).length], ["av1", 2]);
  });

  it("are refused by name if ffmpeg cannot write them", async () => {
    const program = studio.path("without-av1.sh");
    await writeFile(
      program,
      `#!/bin/bash\nif [[ "$*" == *-encoders* ]]; then ${FFMPEG.path} "$@" | grep -v libsvtav1; else exec ${FFMPEG.path} "$@"; fi\n`,
    );
    await chmod(program, 0o755);
    const without = await start({ ladders: ["h264", "av1"], ffmpeg: program });
    for (const name of ["master.m3u8?sr=240", "master.mpd?sr=240", "240-av1-init.mp4", "240-av1-0.m4s"]) {
      const { status, text } = await without.ask(`/clip.mp4/${name}`);
      assert.equal(status, 403, name);
      assert.match(text, /option ladders.*cannot write av1.*libsvtav1/, name);
    }
    const found = new Map<string, string>();
    await without.server.runtime.hooks.diagnose.promise({
      add: ({ what, state }) => void found.set(what, state),
    });
    assert.equal(found.get("video ladder av1"), "bad");
  });
});
