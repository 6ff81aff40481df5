import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { cacheMemory } from "@mediatap/cache-memory";
import { storageWeb } from "@mediatap/storage-web";
import {
  describeWith,
  FFMPEG,
  makeFolder,
  runFfmpeg,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { videoRemux } from "@mediatap/video-remux";
import { warm } from "../src/index.ts";
import { callsOf, KEY } from "./calls.ts";

describeWith(FFMPEG, "warm: streams", () => {
  let folder: TestFolder;
  let origin: WebOrigin;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder();
    const clip = `${folder.path}/clip.mp4`;
    const source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=14", "-pix_fmt", "yuv420p"];
    const coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-movflags", "+faststart"];
    await runFfmpeg(clip, ...source, ...coding);
    const bytes = await readFile(clip);
    origin = await startOrigin({ "clip.mp4": bytes, "other.mp4": bytes });
    server = await startServer({
      plugins: [urlImagekit(), storageWeb(), videoFfmpeg(), videoRemux(), cacheMemory(), warm()],
      origins: { files: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["files"] } },
      privateKey: KEY,
    });
  });
  after(async () => {
    await server?.close();
    await origin?.close();
    await folder?.close();
  });

  /** Addresses in a playlist, as a player finds them. */
  async function linksIn(path: string): Promise<string[]> {
    const { status, text } = await server.ask(path);
    assert.equal(status, 200, text);
    const uris = [...text.matchAll(/^(?!#)(\S+)$|URI="([^"]+)"/gm)].map(([, line, uri]) => line ?? uri ?? "");
    return uris
      .map((uri) => new URL(uri, server.url + path))
      .map(({ pathname, search }) => pathname + search);
  }
  const cacheOf = async (path: string) => (await server.ask(path)).headers["cache-status"] ?? "";

  it("are begun: playlists, and as many segments as were asked for", async () => {
    const master = "/clip.mp4/ik-master.m3u8?tr=sr-240";
    const progress = await callsOf(server).warm([master], { segments: 2 });
    assert.deepEqual(progress, { total: 1, done: 1, failed: 0, errors: [] });
    assert.match(await cacheOf(master), /; hit/);
    const playlists = (await linksIn(master)).filter((path) => path.includes(".m3u8"));
    assert(playlists.length >= 1);
    for (const playlist of playlists) {
      const links = await linksIn(playlist);
      assert.match(await cacheOf(playlist), /; hit/);
      const [init = "", first = "", second = "", third = ""] = links;
      for (const path of [init, first, second]) assert.match(await cacheOf(path), /; hit/, path);
      assert.match(await cacheOf(third), /fwd=miss/);
    }
  });

  it("of DASH are those of HLS", async () => {
    const path = "/other.mp4/ik-master.mpd?tr=sr-240";
    const progress = await callsOf(server).warm([path], { segments: 1 });
    assert.equal(progress.done, 1, JSON.stringify(progress.errors));
    assert.match(await cacheOf(path), /; hit/);
    const [playlist = ""] = await linksIn("/other.mp4/ik-master.m3u8?tr=sr-240");
    const [init = "", first = "", second = ""] = await linksIn(playlist);
    for (const part of [init, first]) assert.match(await cacheOf(part), /; hit/, part);
    assert.match(await cacheOf(second), /fwd=miss/);
  });
});
