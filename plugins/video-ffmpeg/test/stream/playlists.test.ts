import assert from "node:assert/strict";
import { parse } from "mpd-parser";
import { clip, describeStreaming, sizesOf } from "../support/streaming.ts";
import { partUrl, playlist, type Variant } from "../support/streams.ts";
import type { Studio } from "../support/videos.ts";

const prepare = (studio: Studio) => studio.make("sound.m4a", "-f", "lavfi", "-i", "sine=d=5", "-c:a", "aac");

describeStreaming("video-ffmpeg: streams", prepare, (streaming) => {
  describe("begin with a playlist", () => {
    const variants = async (url: string) =>
      (await playlist(streaming.server, url)).playlists as readonly Variant[];

    it("for HLS", async () => {
      const { headers } = await streaming.server.ask("/clip.mp4/master.m3u8?sr=240");
      assert.equal(headers["content-type"], "application/vnd.apple.mpegurl");
      const list = await playlist(streaming.server, "/clip.mp4/master.m3u8?sr=240");
      assert.deepEqual([list.version, list.independentSegments], [7, true]);
      assert.equal(list.mediaGroups.AUDIO.audio?.audio?.uri, "/clip.mp4/audio.m3u8");
      const [variant] = list.playlists as readonly Variant[];
      assert.deepEqual(
        { uri: variant?.uri, ...variant?.attributes },
        {
          uri: "/clip.mp4/240.m3u8",
          BANDWIDTH: 165_822 + 256_000,
          "AVERAGE-BANDWIDTH": String(149_240 + 128_000),
          CODECS: "avc1.64001e,mp4a.40.2",
          RESOLUTION: { width: 320, height: 180 },
          "FRAME-RATE": 25,
          AUDIO: "audio",
        },
      );
    });

    it("for DASH, of the same segments", async () => {
      const { headers, text } = await streaming.server.ask("/clip.mp4/master.mpd?sr=240");
      assert.equal(headers["content-type"], "application/dash+xml");
      const list = await playlist(streaming.server, "/clip.mp4/240.m3u8");
      const sound = await playlist(streaming.server, "/clip.mp4/audio.m3u8");
      const manifest = parse(text, { manifestUri: "http://host/" }) as {
        readonly playlists: readonly {
          readonly segments: typeof list.segments;
          readonly attributes: object;
        }[];
        readonly mediaGroups: {
          readonly AUDIO: {
            readonly audio: {
              readonly main: { readonly playlists: readonly { readonly segments: typeof list.segments }[] };
            };
          };
        };
      };
      const [pictures] = manifest.playlists;
      const plain = (segments: typeof list.segments) =>
        segments.map(({ uri, duration, map }) => [uri, duration.toFixed(4), map.uri]);
      assert.deepEqual(plain(pictures?.segments ?? []), plain(list.segments));
      assert.deepEqual(
        plain(Object.values(manifest.mediaGroups.AUDIO.audio)[0]?.playlists[0]?.segments ?? []),
        plain(sound.segments),
      );
    });

    it("of rungs that are never larger than the source, and differ", async () => {
      await streaming.studio.make(
        "wide.mp4",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=641x361:d=1",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv444p",
      );
      assert.deepEqual(sizesOf(await variants("/wide.mp4/master.m3u8?sr=240_360_480_720_1080_1440_2160")), [
        "426x240",
        "640x360",
      ]);
      assert.deepEqual(sizesOf(await variants("/wide.mp4/master.m3u8?sr=1080_2160")), ["640x360"]);
      assert.deepEqual(sizesOf(await variants("/clip.mp4/master.m3u8?sr=720_240")), ["320x180"]);
      assert.deepEqual(sizesOf(await variants("/turned.mp4/master.m3u8?sr=240_720")), ["136x240", "180x320"]);
    });

    it("of rungs whose rates follow their pixels", async () => {
      const rateOf = async (url: string) => ((await variants(url))[0]?.attributes.BANDWIDTH ?? 0) - 256_000;
      const [wide, high] = [
        await rateOf("/clip.mp4/master.m3u8?sr=240"),
        await rateOf("/turned.mp4/master.m3u8?sr=240"),
      ];
      const pixels = (136 * 240) / (320 * 180);
      assert(Math.abs(high / wide - pixels ** 0.75) < 0.001, `${high} of ${wide}`);
      const box = (426 * 240) / (1280 * 720);
      const large = await rateOf("/clip.mp4/master.m3u8?sr=720");
      assert(Math.abs(large / wide - (3_300_000 / 200_000) * box ** 0.75) < 0.001, `${large} of ${wide}`);
    });

    it("with links that contain the requested steps", async () => {
      const steps = [clip(2, 5)];
      const list = await playlist(streaming.server, partUrl("clip.mp4", "240.m3u8", steps));
      assert.equal(list.segments.length, 2);
      for (const { uri, map } of list.segments)
        for (const one of [uri, map.uri]) assert.match(one, /\?steps=/);
    });
  });

  it("have no audio if the source has none", async () => {
    const list = await playlist(streaming.server, "/count.mp4/master.m3u8?sr=240");
    const [variant] = list.playlists as readonly Variant[];
    assert.deepEqual([variant?.attributes.CODECS, variant?.attributes.AUDIO], ["avc1.64001e", undefined]);
    assert.equal((await streaming.server.ask("/count.mp4/audio.m3u8")).status, 404);
    assert.doesNotMatch((await streaming.server.ask("/count.mp4/master.mpd?sr=240")).text, /audio/);
  });

  it("end where they end", async () => {
    for (const name of [
      "240-4.m4s",
      "audio-4.m4s",
      "144.m3u8",
      "0240.m3u8",
      "144-init.mp4",
      "144-0.m4s",
      "sub.m3u8",
    ]) {
      const { status } = await streaming.server.ask(`/clip.mp4/${name}`);
      assert.equal(status, 404, name);
    }
    for (const url of [
      "/sound.m4a/master.m3u8?sr=240",
      "/clip.mp4/master.m3u8?sr=144",
      "/clip.mp4/master.m3u8",
      partUrl("clip.mp4", "240.m3u8", [clip(14)]),
      partUrl("clip.mp4", "240.m3u8", [{ op: "speed", factor: 2 }]),
    ]) {
      const { status } = await streaming.server.ask(url);
      assert([400, 403].includes(status), `${url}: ${status}`);
    }
    assert.equal((await streaming.server.ask("/sound.m4a/240.m3u8")).status, 404);
  });
});
