import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig, PluginList } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, readPng, type TestServer, until } from "@mediatap/test";
import { videoFfmpeg } from "../../src/index.ts";
import { streamLanguage } from "../support/language.ts";
import { serve } from "../support/server.ts";
import { boxesIn, decoded, get, partUrl } from "../support/streams.ts";
import { FFMPEG, mp4, numbered, numberIn, openStudio, type Studio } from "../support/videos.ts";

const FFPROBE = FFMPEG.path.replace("ffmpeg", "ffprobe");

describeWith(FFMPEG, "video-ffmpeg: the work for streams", () => {
  let studio: Studio;
  let runs: string;
  let server: TestServer | undefined;
  let count = 0;

  before(async () => {
    studio = await openStudio();
    await studio.make(
      "clip.mp4",
      "-f",
      "lavfi",
      "-i",
      "testsrc2=s=640x360:r=25:d=13",
      "-f",
      "lavfi",
      "-i",
      "sine=d=13",
      ...mp4(250),
    );
    await studio.make("count.mp4", ...numbered(30), ...mp4(250));
    await studio.make(
      "long.mp4",
      ...numbered(30),
      "-vf",
      "tpad=stop_mode=clone:stop_duration=250,scale=640:360:flags=neighbor",
      ...mp4(100),
    );
  });
  after(() => studio?.close());
  beforeEach(async () => {
    // A program that keeps what each run was told and what it wrote.
    runs = studio.path(`runs-${count++}`);
    await mkdir(runs);
    const program = `${runs}.sh`;
    await writeFile(
      program,
      `#!/bin/bash\nset -o pipefail\n${FFMPEG.path} "$@" | tee ${runs}/$$.out\ncode=$?\necho "$@" > ${runs}/$$.args\nexit $code\n`,
    );
    await chmod(program, 0o755);
  });
  afterEach(() => server?.close());

  async function start(...plugins: PluginList) {
    return startAs({}, ...plugins);
  }

  async function startAs(config: MediatapConfig, ...plugins: PluginList) {
    server = await serve(
      studio,
      [streamLanguage(), storageFs(), videoFfmpeg({ ffmpeg: `${runs}.sh`, ffprobe: FFPROBE }), ...plugins],
      { limits: { videoTransforms: 1 }, ...config },
    );
    return server;
  }

  /** What the runs that are over were told, and wrote first. */
  async function past(): Promise<readonly { readonly args: string; readonly out: Buffer }[]> {
    const names = (await readdir(runs)).filter((name) => name.endsWith(".args"));
    const all = await Promise.all(
      names.map(async (name) => ({
        args: await readFile(`${runs}/${name}`, "utf8"),
        out: await readFile(`${runs}/${name.replace("args", "out")}`),
      })),
    );
    return all.filter(({ args }) => args.includes("-f mp4"));
  }

  it("is done by one run for rungs that are requested together, with the same bytes", async () => {
    const place = await start();
    const names = ["240-1.m4s", "360-1.m4s"];
    const together = await Promise.all(names.map((name) => get(place, `/clip.mp4/${name}`)));
    const [run, ...others] = await past();
    assert.equal(others.length, 0);
    assert.match(run?.args ?? "", /split=2.*pipe:1.*pipe:3/s);
    for (const [at, name] of names.entries()) {
      assert((await get(place, `/clip.mp4/${name}`)).equals(together[at] as Buffer), name);
    }
    assert.equal((await past()).length, 3);
  });

  it("is not done for clients that have left", async () => {
    const place = await start();
    const leaving = new AbortController();
    const left = place.ask("/clip.mp4/240-2.m4s", { signal: leaving.signal }).catch(() => undefined);
    const stays = get(place, "/clip.mp4/360-2.m4s");
    await new Promise(setImmediate);
    leaving.abort();
    await left;
    assert.deepEqual(boxesIn(await stays), ["moof", "mdat"]);
  });

  it("begins at the key frame before a segment, if the container has an index", async () => {
    const place = await start();
    for (const name of ["count.mkv", "count.ts"])
      await studio.make(name, "-i", studio.path("count.mp4"), "-c", "copy");
    for (const name of ["count.mp4", "count.mkv", "count.ts"]) await get(place, `/${name}/240-6.m4s`);
    const seeks = (await past()).map(({ args }) => {
      const [, format] = / -f (\w+) -i /.exec(args) ?? [];
      const [, seek] = / -ss (\S+) /.exec(args) ?? [];
      return `${format} ${seek}`;
    });
    assert.deepEqual(seeks.sort(), ["matroska 23.900000", "mp4 23.900000", "mpegts 14.000000"]);
  });

  it("begins with the same initialisation in every run, created without the source", async () => {
    const place = await start();
    for (const track of ["240", "360", "audio"]) {
      const init = await get(place, `/clip.mp4/${track}-init.mp4`);
      await get(place, `/clip.mp4/${track}-0.m4s`);
      await get(place, `/clip.mp4/${track}-3.m4s`);
      const steps = [
        { op: "clip", start: 2 },
        { op: "flip", horizontal: true, vertical: false },
      ] as const;
      await get(place, partUrl("clip.mp4", `${track}-1.m4s`, steps));
      const all = await past();
      const same = all.filter(({ out }) => out.subarray(0, init.length).equals(init));
      assert.equal(same.length, 4, track);
      assert.equal(same.filter(({ args }) => args.includes("lavfi")).length, 1);
    }
  });

  it("prefetches one segment for a viewer who continues, if a cache stores it", async () => {
    const place = await start(cacheMemory());
    const made = (index: number) =>
      until(async () => {
        const { length } = await past();
        return length >= index && length;
      }, `${index} segments are made`);
    await get(place, "/clip.mp4/240-0.m4s");
    assert.equal(await made(2), 2);
    await get(place, "/clip.mp4/240-1.m4s");
    assert.equal(await made(3), 3);
    // Nobody followed there: what lies in the cache leads to nothing more.
    await get(place, "/clip.mp4/240-0.m4s");
    const { headers } = await place.ask("/clip.mp4/240-2.m4s");
    assert.match(headers["cache-status"] ?? "", /hit|collapsed/);
    assert.equal(await made(4), 4);
  });

  it("prefetches for browsers, which request ranges, and starts with the first audio", async () => {
    const place = await startAs({ cacheControl: "public, max-age=0, must-revalidate" }, cacheMemory());
    const ask = async (name: string) => {
      const { status } = await place.ask(`/clip.mp4/${name}`, { headers: { range: "bytes=0-" } });
      assert.equal(status, 206, name);
    };
    const runsWith = async (word: string) => (await past()).filter(({ args }) => args.includes(word)).length;
    await ask("240.m3u8");
    await until(async () => (await runsWith("-c:a aac")) === 2, "the first sound is made");
    await ask("audio-init.mp4");
    await ask("audio-0.m4s");
    assert.deepEqual([await runsWith("anullsrc"), await runsWith("atrim=start_pts=0:")], [1, 1]);
    await ask("240-0.m4s");
    await until(async () => (await runsWith("start_time=4.0")) === 1, "the second segment is made");
    // Work ahead is left out while the machine has other work, and begun with the next request.
    await until(async () => {
      await ask("240-1.m4s");
      return (await runsWith("start_time=8.0")) === 1;
    }, "the third one is made");
    assert.equal(await runsWith("start_time=4.0"), 1);
  });

  describe("creates thumbnails for seeking", () => {
    const sheetOf = async (place: TestServer, name: string) => {
      const sheet = await get(place, name);
      const png = await decoded(studio, sheet, "-f", "image2pipe", "-c:v", "png");
      return readPng(png);
    };

    it("which show the frame of their time", async () => {
      const place = await start();
      const { headers, text } = await place.ask("/count.mp4/previews.vtt");
      assert.match(headers["content-type"] ?? "", /^text\/vtt/);
      const cues = [...text.matchAll(/(\S+) --> (\S+)\n(\S+)#xywh=(\d+),(\d+),160,90\n/g)];
      assert.equal(cues.length, 30);
      assert.deepEqual(cues[29]?.slice(1, 4), ["00:00:29.000", "00:00:30.000", "/count.mp4/sheet-0.jpg"]);
      const { width, height, at } = await sheetOf(place, "/count.mp4/sheet-0.jpg");
      assert.deepEqual([width, height], [1600, 270]);
      for (const [index, [, , , , x, y]] of cues.entries()) {
        const number = numberIn((dx, dy) => at(Number(x) + dx, Number(y) + dy));
        assert.equal(number, index * 25);
      }
      assert.equal((await place.ask("/count.mp4/sheet-1.jpg")).status, 404);
    });

    it("of a clip alone", async () => {
      const place = await start();
      const steps = [{ op: "clip", start: 10, duration: 5 }] as const;
      const { at, width } = await sheetOf(place, partUrl("count.mp4", "sheet-0.jpg", steps));
      assert.equal(width, 800);
      for (let index = 0; index < 5; index++) {
        assert.equal(
          numberIn((x, y) => at(index * 160 + x, y)),
          250 + index * 25,
        );
      }
    });

    it("on several sprite sheets for a long video, from its key frames", async () => {
      const place = await start();
      const { text } = await place.ask("/long.mp4/previews.vtt");
      const cues = [...text.matchAll(/(\S+) --> \S+\n(\S+)#/g)];
      assert.deepEqual([cues.length, cues[1]?.[1], cues[100]?.[2]], [94, "00:00:03.000", undefined]);
      const { at, width, height } = await sheetOf(place, "/long.mp4/sheet-0.jpg");
      assert.deepEqual([width, height], [1600, 900]);
      // Key frames are four seconds apart: each picture is one of those next to its time.
      for (let index = 0; index < 10; index++) {
        const number = numberIn((x, y) => at(index * 160 + x, y));
        assert(number % 100 === 0 && Math.abs(number - index * 75) <= 100, `${number} at ${index * 3} s`);
      }
    });
  });
});
