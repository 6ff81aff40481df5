import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import { describeWith, FFMPEG, readPng, runFfmpeg, startServer, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { info } from "../src/index.ts";

const H264 = [
  "-c:v",
  "libx264",
  "-preset",
  "ultrafast",
  "-pix_fmt",
  "yuv420p",
  "-g",
  "50",
  "-sc_threshold",
  "0",
];

describeWith(FFMPEG, "descriptions of videos", () => {
  let folder: string;
  let server: TestServer;
  let remote: TestServer;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "mediatap-info-"));
    const picture = ["-f", "lavfi", "-i", "color=red:s=320x180:r=25:d=5"];
    const tone = ["-f", "lavfi", "-i", "sine=f=440:d=5"];
    const of = (name: string, ...args: readonly string[]) => runFfmpeg(join(folder, name), ...args);
    const language = ["-metadata:s:a:0", "language=deu"];
    await of("film.mp4", ...picture, ...tone, ...H264, "-c:a", "aac", ...language, "-movflags", "+faststart");
    await of("turned.mp4", "-display_rotation", "90", "-i", join(folder, "film.mp4"), "-c", "copy", "-an");
    await of("tone.mp4", ...tone, "-c:a", "aac");
    await of("film.mkv", "-i", join(folder, "film.mp4"), "-c", "copy");
    const plugins = [urlImagekit(), storageFs(), storageWeb(), imageSharp(), videoFfmpeg(), info()];
    const config = { plugins, endpoints: { default: { origins: ["files"] } }, server: { explain: true } };
    server = await startServer({ ...config, origins: { files: { type: "FOLDER", path: folder } } });
    remote = await startServer({
      ...config,
      origins: { files: { type: "WEB_FOLDER", baseUrl: server.url } },
    });
  });
  after(async () => {
    await remote?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function described(path: string, from = server) {
    const { status, text } = await from.ask(path);
    assert.equal(status, 200, text);
    return JSON.parse(text);
  }

  const VIDEO = {
    kind: "video",
    codec: "h264",
    width: 320,
    height: 180,
    rotation: 0,
    alpha: false,
    frameRate: 25,
    pixelFormat: "yuv420p",
  };
  const AUDIO = { kind: "audio", codec: "aac", channels: 1, sampleRate: 44_100, language: "deu" };

  it("contain duration, bit rate and tracks", async () => {
    const { bytes, bitrate, duration, ...video } = await described("/film.mp4/ik-info.json");
    assert.deepEqual(video, {
      type: "video/mp4",
      format: "mp4",
      width: 320,
      height: 180,
      alpha: false,
      tracks: [VIDEO, AUDIO],
    });
    assert(Math.abs(duration - 5) < 0.1);
    assert(Math.abs(bitrate - (bytes * 8) / duration) < 0.05 * bitrate, `${bitrate}`);
    const other = await described("/film.mkv/ik-info.json");
    assert.deepEqual([other.type, other.tracks.length], ["video/x-matroska", 2]);
  });

  it("contain the size as clients see it, and the rotation", async () => {
    const { width, height, tracks } = await described("/turned.mp4/ik-info.json");
    assert.deepEqual([width, height, tracks[0].rotation], [180, 320, 270]);
    assert.equal(tracks.length, 1);
  });

  it("of sound alone have no size", async () => {
    const { width, duration, tracks, ...tone } = await described("/tone.mp4/ik-info.json");
    assert.equal(width, undefined);
    assert.equal(tone.type, "video/mp4");
    assert.deepEqual(
      tracks.map(({ kind }: { kind: string }) => kind),
      ["audio"],
    );
    assert.deepEqual(await described("/tone.mp4/ik-info.json?fields=thumbHash,keyFrameInterval,width"), {});
  });

  it("contain the distance between key frames", async () => {
    assert.deepEqual(await described("/film.mp4/ik-info.json?fields=keyFrameInterval"), {
      keyFrameInterval: 2,
    });
    const far = await described("/film.mp4/ik-info.json?fields=keyFrameInterval,duration", remote);
    assert.equal(far.keyFrameInterval, 2, "of a file at a web server");
  });

  it("contain colours and placeholders of a frame", async () => {
    const { thumbHash, colors } = await described("/film.mp4/ik-info.json?fields=thumbHash,colors");
    assert.equal(colors.length, 1);
    assert.match(colors[0].color, /^#f[de]0000$/);
    const [red = 0, green = 0] = readPng(Buffer.from(thumbHash.url.split(",")[1], "base64")).at(4, 4);
    assert(red > 200 && green < 30, `${red} ${green}`);
  });

  it("have the price of a frame", async () => {
    const costs = [];
    for (const fields of ["tracks", "thumbHash"]) {
      const url = encodeURIComponent(`/film.mp4/ik-info.json?fields=${fields}`);
      costs.push(JSON.parse((await server.ask(`/-/explain?url=${url}`)).text).plan.cost);
    }
    assert(costs[0] < 10 && costs[1] > 100, String(costs));
  });

  it("are those of the file whatever it is to be delivered as", async () => {
    const { text } = await server.ask("/film.mp4/ik-video.mp4/ik-info.json?fields=width");
    assert.equal(text, '{"width":320}');
  });
});
