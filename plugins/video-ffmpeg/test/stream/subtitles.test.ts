import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Step } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import { describeWith, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { parse } from "mpd-parser";
import { videoFfmpeg } from "../../src/index.ts";
import { streamLanguage } from "../support/language.ts";
import { serve } from "../support/server.ts";
import { get, partUrl } from "../support/streams.ts";
import { FFMPEG, mp4, openStudio, type Studio, testPicture } from "../support/videos.ts";

const ENGLISH = `\ufeffWEBVTT - by hand
X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000

NOTE nobody reads this

STYLE
::cue { color: lime }

1
00:01.000 --> 00:02.500 line:0 align:start
<v Ann>Hello {{240.m3u8}}

00:00:04.000 --> 00:00:08.000
Slow<00:00:06.000>ly
`;
const GERMAN =
  "1\r\n00:00:01,000 --> 00:00:02,500\r\n{\\an8}\r\n<i>Grüße</i> & a < b\r\n\r\n2\r\n00:00:04,000 --> 00:00:99,000\r\nEnde\r\n";

describeWith(FFMPEG, "video-ffmpeg: subtitles of streams", () => {
  let studio: Studio;
  let server: TestServer;
  const closing: { close(): Promise<unknown> }[] = [];

  before(async () => {
    studio = await openStudio();
    await studio.make("clip.mp4", ...testPicture(10), ...mp4());
    await studio.make("plain.mp4", ...testPicture(2), ...mp4());
    await writeFile(studio.path("clip.en.vtt"), ENGLISH);
    // What comes of Windows has no mark, and other letters.
    await writeFile(studio.path("clip.de.srt"), Buffer.from(GERMAN, "latin1"));
    await writeFile(studio.path("clip.srt"), "1\n00:00:01,000 --> 00:00:02,000\nHm\n");
    await writeFile(studio.path("clip.fr.vtt"), "<!doctype html>");
    server = await serve(studio, [
      streamLanguage(),
      storageFs(),
      videoFfmpeg({ subtitles: ["en", "de", "fr", "pt-BR", "und"] }),
    ]);
  });
  after(async () => {
    await server?.close();
    for (const one of closing) await one.close();
    await studio?.close();
  });

  it("are listed in the existing languages, for HLS", async () => {
    const { text } = await server.ask("/clip.mp4/master.m3u8?sr=240");
    const group = 'TYPE=SUBTITLES,GROUP-ID="subtitles"';
    assert.deepEqual(
      text.split("\n").filter((line) => line.includes("SUBTITLES")),
      [
        `#EXT-X-MEDIA:${group},NAME="English",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="/clip.mp4/sub-en.m3u8"`,
        `#EXT-X-MEDIA:${group},NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="/clip.mp4/sub-de.m3u8"`,
        `#EXT-X-MEDIA:${group},NAME="Subtitles",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="/clip.mp4/sub-und.m3u8"`,
        text.split("\n").find((line) => line.startsWith("#EXT-X-STREAM-INF")),
      ],
    );
    assert.match(text, /#EXT-X-STREAM-INF:.*,SUBTITLES="subtitles"\n/);
    const list = (await get(server, "/clip.mp4/sub-en.m3u8")).toString();
    assert.match(list, /#EXT-X-TARGETDURATION:10\n/);
    assert.match(list, /#EXTINF:10\.0\d*,\n\/clip\.mp4\/sub-en\.vtt\n#EXT-X-ENDLIST\n$/);
  });

  it("and for DASH", async () => {
    const { text } = await server.ask("/clip.mp4/master.mpd?sr=240");
    const { mediaGroups } = parse(text, { manifestUri: "http://host/" }) as {
      mediaGroups: { SUBTITLES: { subs: Record<string, { playlists: { resolvedUri: string }[] }> } };
    };
    const groups = Object.values(mediaGroups.SUBTITLES.subs).map(
      ({ playlists }) => playlists[0]?.resolvedUri,
    );
    assert.deepEqual(
      groups,
      ["en", "de", "und"].map((language) => `http://host/clip.mp4/sub-${language}.vtt`),
    );
  });

  it("are WebVTT unchanged, except for its times", async () => {
    const { headers, text } = await server.ask("/clip.mp4/sub-en.vtt");
    assert.equal(headers["content-type"], "text/vtt; charset=utf-8");
    assert.equal(
      text,
      "WEBVTT\n\nSTYLE\n::cue { color: lime }\n\n00:00:01.000 --> 00:00:02.500 line:0 align:start\n<v Ann>Hello {{240.m3u8}}\n\n00:00:04.000 --> 00:00:08.000\nSlow<00:00:06.000>ly\n",
    );
  });

  it("become WebVTT if they are SubRip", async () => {
    const text = (await get(server, "/clip.mp4/sub-de.vtt")).toString();
    assert.equal(
      text,
      "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<i>Grüße</i> &amp; a &lt; b\n\n00:00:04.000 --> 00:00:10.000\nEnde\n",
    );
    assert.match((await get(server, "/clip.mp4/sub-und.vtt")).toString(), /Hm\n$/);
  });

  it("follow a clip", async () => {
    const steps: Step[] = [{ op: "clip", start: 2, duration: 4.5 }];
    const text = (await get(server, partUrl("clip.mp4", "sub-en.vtt", steps))).toString();
    assert.match(text, /\n00:00:00\.000 --> 00:00:00\.500 line:0 align:start\n<v Ann>/);
    assert.match(text, /\n00:00:02\.000 --> 00:00:04\.500\nSlow<00:00:04\.000>ly\n$/);
    const late: Step[] = [{ op: "clip", start: 3 }];
    assert.doesNotMatch((await get(server, partUrl("clip.mp4", "sub-en.vtt", late))).toString(), /Ann/);
  });

  it("are absent without a file, and their absence is no error", async () => {
    for (const name of [
      "sub-fr.vtt",
      "sub-fr.m3u8",
      "sub-pt-BR.vtt",
      "sub-it.vtt",
      "sub-en-0.m4s",
      "sub-en-init.mp4",
      "240.vtt",
    ]) {
      assert.equal((await server.ask(`/clip.mp4/${name}`)).status, 404, name);
    }
    const { status, text } = await server.ask("/plain.mp4/master.m3u8?sr=240");
    assert.equal(status, 200);
    assert.doesNotMatch(text, /SUBTITLES/);
  });

  describe("at an origin", () => {
    let origin: WebOrigin;
    let place: TestServer;
    let asked: string[];

    before(async () => {
      const clip = await readFile(studio.path("clip.mp4"));
      origin = await startOrigin({ "clip.mp4": clip, "clip.en.vtt": Buffer.from(ENGLISH) });
      closing.push(origin);
      place = await startServer({
        plugins: [streamLanguage(), storageWeb(), videoFfmpeg({ subtitles: ["en", "de"] }), cacheMemory()],
        origins: { files: { type: "WEB_FOLDER", baseUrl: origin.url } },
        endpoints: { default: { origins: ["files"] } },
      });
      closing.unshift(place);
    });

    it("are searched once", async () => {
      await get(place, "/clip.mp4/master.m3u8?sr=240");
      await get(place, "/clip.mp4/master.m3u8?sr=360");
      await get(place, "/clip.mp4/master.m3u8?sr=360");
      asked = origin.requests.map(({ url }) => url ?? "").filter((url) => /\.(?:vtt|srt)$/.test(url));
      assert.deepEqual(asked.filter((url) => url.includes(".de.")).sort(), ["/clip.de.srt", "/clip.de.vtt"]);
      assert(asked.filter((url) => url.includes(".en.")).length <= 2, asked.join());
    });

    it("come later if the origin fails; playback continues", async () => {
      origin.files.set("late.mp4", { bytes: await readFile(studio.path("clip.mp4")) });
      origin.files.set("late.en.vtt", { answer: (_, response) => response.writeHead(503).end() });
      const first = await get(place, "/late.mp4/master.m3u8?sr=240");
      assert.doesNotMatch(first.toString(), /SUBTITLES/);
      origin.files.set("late.en.vtt", { bytes: Buffer.from(ENGLISH) });
      assert.match((await get(place, "/late.mp4/master.m3u8?sr=240")).toString(), /SUBTITLES/);
    });
  });
});
