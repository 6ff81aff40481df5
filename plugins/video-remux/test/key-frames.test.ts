import assert from "node:assert/strict";
import {
  decodeTime,
  numbersIn,
  playlist,
  probeBytes,
  track,
} from "../../video-ffmpeg/test/support/streams.ts";
import { mp4, numbered } from "../../video-ffmpeg/test/support/videos.ts";
import { describeRemuxing, range } from "./support/remuxing.ts";

describeRemuxing("video-remux: streams that are cut where the file has key frames", (remuxing) => {
  const starts = [0, 120, 230, 380];
  const lengths = [...starts.slice(1), 500].map((end, at) => (end - (starts[at] as number)) / 25);

  before(async () => {
    const keys = [20, ...starts, 120, 160, 230, 270, 420, 490].sort((a, b) => a - b);
    const forced = ["-force_key_frames", keys.map((key) => key / 25).join(",")];
    const scaled = "scale=640:360:flags=neighbor";
    await remuxing.studio.make("scenes.mp4", ...numbered(20), "-vf", scaled, ...mp4(9_999), ...forced);
  });

  it("in all rungs, as near to the usual length as can be", async () => {
    assert.deepEqual(await remuxing.made("scenes.mp4", "240_360"), [
      "encoded: it is of another size",
      "copied",
    ]);
    for (const rung of [240, 360]) {
      const { list, init, segments, whole } = await track(remuxing.server, `/scenes.mp4/${rung}.m3u8`);
      assert.deepEqual(
        list.segments.map(({ duration }) => duration),
        lengths,
        String(rung),
      );
      assert.equal(list.targetDuration, 6);
      assert.deepEqual(await numbersIn(remuxing.studio, whole), range(0, 500), String(rung));
      const { timescale } = await probeBytes(remuxing.studio, Buffer.concat([init, segments[0] as Buffer]));
      assert.deepEqual(
        segments.map((one) => Math.round((decodeTime(one) * 25_000) / timescale) / 1_000),
        starts,
        String(rung),
      );
      for (const [index, segment] of segments.entries()) {
        const first = starts[index] as number;
        const numbers = await numbersIn(remuxing.studio, Buffer.concat([init, segment]));
        assert.deepEqual(numbers, range(first, starts[index + 1] ?? 500));
      }
    }
  });

  it("for DASH, too", async () => {
    const { text } = await remuxing.server.ask("/scenes.mp4/master.mpd?sr=240_360");
    const [video = ""] = text.split("</SegmentTimeline>");
    const timescale = Number(/<SegmentTemplate timescale="(\d+)"/.exec(video)?.[1]);
    const durations = [...video.matchAll(/<S (?:t="0" )?d="(\d+)"\/>/g)].map(
      ([, d]) => Number(d) / timescale,
    );
    assert.deepEqual(durations, lengths);
  });

  it("but trick-play playlists keep the usual distance", async () => {
    const { list } = await track(remuxing.server, "/scenes.mp4/iframes-240.m3u8");
    assert.deepEqual(
      list.segments.map(({ duration }) => duration),
      Array(10).fill(2),
    );
  });

  it("unless nothing is copied", async () => {
    const list = await playlist(await remuxing.start({ copy: false }), "/scenes.mp4/360.m3u8");
    assert.deepEqual(
      list.segments.map(({ duration }) => duration),
      Array(5).fill(4),
    );
  });
});
