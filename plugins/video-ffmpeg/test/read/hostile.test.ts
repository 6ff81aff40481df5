import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import type { LimitName, Step } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, jobLanguage, jobUrl, readPng, type TestServer, until } from "@mediatap/test";
import { type VideoFfmpegOptions, videoFfmpeg } from "../../src/index.ts";
import { pointingElsewhere } from "../support/boxes.ts";
import { ownProgramsWith } from "../support/processes.ts";
import { serve } from "../support/server.ts";
import { FFMPEG, mp4, numbered, numberIn, openStudio, type Studio, testPicture } from "../support/videos.ts";

const still = (time?: number): Step => ({ op: "frame", page: 1, ...(time !== undefined && { time }) });

describeWith(FFMPEG, "video-ffmpeg: hostile files", () => {
  let studio: Studio;
  let server: TestServer;
  /** Nobody may ever connect to it. */
  let canary: Server;
  let connections = 0;
  const others: TestServer[] = [];

  async function start(limits: Partial<Record<LimitName, number>> = {}, options: VideoFfmpegOptions = {}) {
    const place = await serve(studio, [jobLanguage(), storageFs(), imageSharp(), videoFfmpeg(options)], {
      limits,
    });
    others.push(place);
    return place;
  }

  const ask = (name: string, time?: number, place = server) =>
    place.ask(jobUrl(name, { steps: [still(time)], output: { format: "png" } }));
  const put = (name: string, bytes: string | Uint8Array) => writeFile(join(studio.folder, name), bytes);
  const canaryUrl = () => `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;

  before(async () => {
    canary = createServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(canary, "listening");
    studio = await openStudio();
    const indexLast = mp4().filter((word) => !/faststart|movflags/.test(word));
    await Promise.all([
      studio.make("clip.mp4", ...testPicture(4), ...mp4()),
      studio.make("count.mp4", ...numbered(4), ...mp4()),
      studio.make("index-last.mp4", ...numbered(4), ...indexLast),
    ]);
    server = await start();
  });
  after(async () => {
    for (const place of others) await place.close();
    canary?.close();
    await studio?.close();
  });

  it("playlists and scripts never reach ffmpeg, whatever they are called", async () => {
    const url = canaryUrl();
    const other = studio.path("clip.mp4");
    for (const [name, text] of [
      ["hls.mp4", `#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n${url}/a.ts\n#EXT-X-ENDLIST\n`],
      ["hls-file.mp4", `#EXTM3U\n#EXTINF:5,\nfile://${other}\n#EXT-X-ENDLIST\n`],
      ["concat.mp4", `ffconcat version 1.0\nfile '${other}'\nfile '${url}/b.mp4'\n`],
      ["sdp.mp4", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 4000 RTP/AVP 96\n"],
      ["dash.mp4", `<?xml version="1.0"?><MPD><BaseURL>${url}/</BaseURL></MPD>`],
      ["imf.mp4", `<?xml version="1.0"?><CompositionPlaylist/>`],
      ["filter.mp4", `movie=${url}/c.mp4`],
      ["sub.mp4", `#EXTM3U\n#EXTINF:1,\nsubfile,,start,0,end,9,,:${other}\n`],
    ] as const) {
      await put(name, text);
      const { status, text: words } = await ask(name);
      assert.match(
        `${status} ${words}`,
        /^40\d (?:Not Found|The file is not a readable image or video)/,
        name,
      );
    }
    assert.equal(connections, 0);
  });

  it("what looks like a video at its start is read as nothing else", async () => {
    for (const [name, start] of [
      ["behind-ftyp.mp4", "\0\0\0\x18ftypisom\0\0\x02\0isomiso2"],
      ["behind-free.mp4", "\0\0\0\x08free"],
      ["behind-ebml.webm", "\x1a\x45\xdf\xa3"],
      ["behind-ogg.ogv", "OggS\0"],
      ["behind-riff.avi", "RIFF\xff\xff\0\0AVI "],
      ["behind-flv.flv", "FLV\x01"],
    ] as const) {
      const list = `\n#EXTM3U\n#EXTINF:5,\n${canaryUrl()}/a.ts\nffconcat version 1.0\nfile '${canaryUrl()}'\n`;
      await put(name, Buffer.concat([Buffer.from(start, "latin1"), Buffer.from(list)]));
      const { status, text } = await ask(name);
      assert.equal(status, 400, `${name}: ${text}`);
      assert.doesNotMatch(text, /\/tmp|127\.0\.0\.1/);
    }
    assert.equal(connections, 0);
  });

  it("nothing is opened that a file points to", async () => {
    const bytes = await studio.bytes("index-last.mp4");
    for (const [name, place] of [
      ["far.mp4", `${canaryUrl()}/other.mp4`],
      ["near.mp4", `file://${studio.path("clip.mp4")}`],
    ] as const) {
      await put(name, pointingElsewhere(bytes, place));
      const { status, text, body } = await ask(name);
      assert(status === 400 || status === 200, text);
      // Should it be taken for a file of its own, then it shows its own pictures.
      if (status === 200) assert.equal(numberIn(readPng(body).at), 0);
    }
    assert.equal(connections, 0);
  });

  it("a name is never an option", async () => {
    const bytes = await studio.bytes("count.mp4");
    for (const name of [
      "-i.mp4",
      "a -i b.mp4",
      "-f null -.mp4",
      "%03d.mp4",
      "pipe:0.mp4",
      "concat:a|b.mp4",
      "a'b\"c;d$(e).mp4",
    ]) {
      await put(name, bytes);
      const answer = await ask(name, 2);
      assert.equal(answer.status, 200, `${name}: ${answer.text}`);
      assert.equal(numberIn(readPng(answer.body).at), 50, name);
    }
  });

  it("truncated files are reported, or show their frames", async () => {
    const last = await studio.bytes("index-last.mp4");
    await put("cut.mp4", last.subarray(0, last.length / 2));
    const cut = await ask("cut.mp4");
    assert.equal(cut.status, 400);
    assert.match(cut.text, /truncated/);
    const first = await studio.bytes("count.mp4");
    await put("half.mp4", first.subarray(0, first.length * 0.7));
    const half = await ask("half.mp4");
    assert.deepEqual([half.status, numberIn(readPng(half.body).at)], [200, 0]);
    assert((await ask("half.mp4", 3.9)).status < 500);
  });

  it("an unknown codec is reported", async () => {
    const bytes = Buffer.from(await studio.bytes("count.mp4"));
    for (let at = bytes.indexOf("avc1"); at !== -1; at = bytes.indexOf("avc1", at + 4))
      bytes.write("zzzz", at);
    await put("unknown.mp4", bytes);
    const { status, text } = await ask("unknown.mp4", 1);
    assert.equal(status, 403, text);
    assert.match(text, /codec that is not supported/);
  });

  it("too many streams, and sizes beyond all screens, are refused by their index", async () => {
    const all = Array.from({ length: 60 }, () => ["-map", "0:a"]).flat();
    await studio.make(
      "streams.mkv",
      "-i",
      studio.path("clip.mp4"),
      "-map",
      "0:v",
      ...all,
      "-c",
      "copy",
      "-t",
      "0.2",
    );
    const streams = await ask("streams.mkv");
    assert.equal(streams.status, 400);
    assert.match(streams.text, /at most 8 streams but received 61/);
    const raw = ["-f", "rawvideo", "-pix_fmt", "monob", "-s", "16000x16000", "-i", "/dev/zero"];
    await studio.make("huge.mov", ...raw, "-frames:v", "1", "-c:v", "png");
    const huge = await ask("huge.mov");
    assert.equal(huge.status, 400);
    assert.match(huge.text, /at most 4096 pixels a side but received 16000/);
  });

  it("programs end when nobody waits", async () => {
    // It would never end by itself.
    const title = `title=endless-${process.pid}`;
    const program = studio.path("endless.sh");
    const endless = `-nostdin -v error -re -f lavfi -i testsrc2=s=16x16 -metadata ${title} -f null -`;
    const choice = `case "$*" in *rawvideo*) set -- ${endless};; esac`;
    await writeFile(program, `#!/bin/sh\n${choice}\nexec ${FFMPEG.path} "$@"\n`, { mode: 0o755 });
    const place = await start({}, { ffmpeg: program });
    const controller = new AbortController();
    const asked = place
      .ask(jobUrl("clip.mp4", { steps: [still(3)] }), { signal: controller.signal })
      .catch(() => undefined);
    await until(() => ownProgramsWith(title).length > 0, "it runs");
    controller.abort();
    await asked;
    await until(() => ownProgramsWith(title).length === 0, "it ends");
  });

  it("leave no zombies", () => {
    const states = execFileSync("ps", ["-o", "stat=,comm=", "--ppid", String(process.pid)]).toString();
    assert.doesNotMatch(states, /^Z.*ff(?:mpeg|probe)/m);
  });
});
