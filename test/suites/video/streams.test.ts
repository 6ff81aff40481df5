import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import {
  type Answer,
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
import { signed } from "../support/signed.ts";

const KEY = "private_test_key";

describeWith(FFMPEG, "streams over HTTP", () => {
  let folder: TestFolder;
  let origin: WebOrigin;
  let server: TestServer;

  before(async () => {
    folder = await makeFolder();
    const file = join(folder.path, "clip.mp4");
    await runFfmpeg(
      file,
      ...["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=6", "-f", "lavfi", "-i", "sine=d=6"],
      ...["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-c:a", "aac"],
    );
    origin = await startOrigin({ "clip.mp4": await readFile(file) });
    server = await startServer({
      plugins: [urlImagekit(), storageWeb(), imageSharp(), videoFfmpeg(), videoRemux(), cacheMemory()],
      origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["site"] }, closed: { origins: ["site"], restrictUnsigned: "all" } },
      privateKey: KEY,
    });
  });
  after(async () => {
    await server?.close();
    await origin?.close();
    await folder?.close();
  });

  const linksIn = (text: string) =>
    text
      .split("\n")
      .flatMap((line) => (line.startsWith("#") ? (/URI="([^"]+)"/.exec(line)?.[1] ?? []) : line || []));

  /** All that a playlist of HLS leads to, itself included. */
  async function walk(path: string): Promise<Map<string, Answer>> {
    const found = new Map<string, Answer>();
    const visit = async (url: string) => {
      if (found.has(url)) return;
      const answer = await server.ask(url);
      found.set(url, answer);
      if (answer.headers["content-type"]?.includes("mpegurl"))
        for (const link of linksIn(answer.text)) await visit(link);
    };
    await visit(path);
    return found;
  }

  it("lead to all their parts, which are kept like any other file", async () => {
    const parts = await walk("/clip.mp4/ik-master.m3u8?tr=sr-240_360,so-1&v=2");
    assert.deepEqual(
      [...parts].map(([url, { status }]) => [url, status]),
      [
        "/clip.mp4/ik-master.m3u8?tr=sr-240_360,so-1&v=2",
        ...[
          "audio.m3u8",
          "audio-init.mp4",
          "audio-0.m4s",
          "audio-1.m4s",
          "240.m3u8",
          "240-init.mp4",
          "240-0.m4s",
          "240-1.m4s",
          ...["iframes-240.m3u8", "iframes-240-init.mp4"],
          ...[0, 1, 2].map((index) => `iframes-240-${index}.m4s`),
        ].map((name) => `/clip.mp4/ik-track-${name}?v=2&tr=so-1`),
      ].map((url) => [url, 200]),
    );
    const [url, first] = [...parts].at(-1) as [string, Answer];
    const { etag = "" } = first.headers;
    assert.equal((await server.ask(url, { headers: { "if-none-match": etag } })).status, 304);
    const part = await server.ask(url, { headers: { range: "bytes=8-15" } });
    assert.deepEqual([part.status, part.body.equals(first.body.subarray(8, 16))], [206, true]);
    const again = await server.ask(url);
    assert.match(again.headers["cache-status"] ?? "", /hit/);
    assert(again.body.equals(first.body));
    const head = await server.ask(url, { method: "HEAD" });
    assert.equal(head.headers["content-length"], String(first.body.length));
  });

  it("have signed links where they were signed", async () => {
    const path = "/clip.mp4/ik-master.m3u8?tr=sr-240";
    assert.equal((await server.ask(`/closed${path}`)).status, 401);
    const parts = await walk(`/closed${signed(path, KEY)}`);
    assert.equal(parts.size, 14);
    for (const [url, { status }] of parts) {
      assert.equal(status, 200, url);
      assert.equal((await server.ask(url.replace(/[?&]ik-s=[^&]+/, ""))).status, 401, url);
    }
    const { text } = await server.ask(`/closed${signed("/clip.mp4/ik-master.mpd?tr=sr-240", KEY)}`);
    const media = /media="([^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    for (const [id, number] of [
      ["240", "1"],
      ["audio", "0"],
    ] as const) {
      const url = media.replace("$RepresentationID$", id).replace("$Number$", number);
      assert.equal((await server.ask(url)).status, 200, url);
    }
  });

  it("have pictures to seek by", async () => {
    const { headers, status } = await server.ask("/clip.mp4/ik-seek-thumbnail-track.vtt");
    assert.deepEqual([status, headers["content-type"]], [200, "text/vtt; charset=utf-8"]);
    const sheet = await server.ask("/clip.mp4/ik-track-sheet-0.jpg");
    assert.deepEqual([sheet.status, sheet.headers["content-type"]], [200, "image/jpeg"]);
  });

  it("say what is wrong", async () => {
    for (const [url, status, code] of [
      ["/clip.mp4/ik-track-240-2.m4s", 404, "ENOENT"],
      ["/clip.mp4/ik-track-144.m3u8", 404, "ENOENT"],
      ["/clip.mp4/ik-track-sheet-1.jpg", 404, "ENOENT"],
      ["/gone.mp4/ik-master.m3u8?tr=sr-240", 404, "ENOENT"],
      ["/clip.mp4/ik-master.m3u8?tr=sr-240,so-7", 400, "EINVAL"],
      ["/clip.mp4/ik-master.m3u8", 400, "EINVAL"],
    ] as const) {
      const answer = await server.ask(url);
      assert.equal(answer.status, status, url);
      assert.equal((answer.headers["ik-error"] ?? "").split(" ")[0], code, url);
    }
  });
});
