import assert from "node:assert/strict";
import type { StreamPart } from "@mediatap/core";
import { jobOf, namedChains } from "./helpers.ts";

const partOf = (url: string, options = {}) => {
  const { problem, transformation } = jobOf(url, options);
  assert.equal(problem, undefined, problem?.message);
  return transformation.output.video?.part;
};
const problemOf = (url: string, options = {}) => jobOf(url, options).problem?.message;

describe("url-imagekit: streams", () => {
  it("begin with a playlist of renditions", () => {
    const hls = { kind: "master", protocol: "hls" } as const;
    assert.deepEqual(partOf("v.mp4/ik-master.m3u8?tr=sr-240_360_480"), { ...hls, rungs: [240, 360, 480] });
    assert.deepEqual(partOf("tr:sr-1080_240_1080/v.mp4/ik-master.m3u8"), { ...hls, rungs: [240, 1080] });
    assert.deepEqual(partOf("clip/ik-video.mp4/ik-master.mpd?tr=sr-2160"), {
      kind: "master",
      protocol: "dash",
      rungs: [2160],
    });
    assert.deepEqual(partOf("a.gif/ik-gif-video.mp4/ik-master.m3u8?tr=sr-240"), { ...hls, rungs: [240] });
    const endpoint = { namedTransformations: namedChains({ hls: "sr-240_720" }) };
    assert.deepEqual(partOf("v.mp4/ik-master.m3u8?tr=n-hls", { endpoint }), { ...hls, rungs: [240, 720] });
  });

  const parts: [name: string, part: StreamPart][] = [
    ["ik-track-360.m3u8", { kind: "playlist", track: "360" }],
    ["ik-track-audio.m3u8", { kind: "playlist", track: "audio" }],
    ["ik-track-360-init.mp4", { kind: "init", track: "360" }],
    ["ik-track-audio-17.m4s", { kind: "segment", track: "audio", index: 17 }],
    ["ik-track-sub-pt-BR.vtt", { kind: "text", track: "sub-pt-BR" }],
    ["ik-track-sheet-3.jpg", { kind: "sheet", index: 3 }],
    ["ik-seek-thumbnail-track.vtt", { kind: "previews" }],
  ];
  for (const [name, part] of parts) {
    it(`have ${name}`, () => {
      for (const url of [
        `v.mp4/${name}`,
        `clip/ik-video.mp4/${name}?v=1`,
        `a.gif/ik-gif-video.mp4/${name}`,
      ]) {
        assert.deepEqual(jobOf(url).transformation, { steps: [], output: { video: { part } } }, url);
        assert.equal(jobOf(url).media, "video");
      }
    });
  }

  it("take what changes their picture, sound and time", () => {
    for (const end of [
      "ik-master.m3u8?tr=sr-240,",
      "ik-track-240.m3u8?tr=",
      "ik-seek-thumbnail-track.vtt?tr=",
    ]) {
      const { problem, transformation } = jobOf(`v.mp4/${end}so-5,du-9,rt-90,fl-h,r-5,bg-red,b-5_red:vol-2`);
      assert.equal(problem, undefined, problem?.message);
      assert.deepEqual(
        transformation.steps.map(({ op }) => op),
        ["clip", "volume", "rotate", "flip", "round", "border", "flatten"],
      );
    }
  });

  it("settle size, codecs and quality themselves", () => {
    for (const item of ["w-5", "h-5", "ar-4-3", "dpr-2", "f-mp4", "vc-h264", "ac-none", "q-5", "orig-true"]) {
      const message = `Expected '${item}' outside of streams`;
      assert.equal(problemOf(`v.mp4/ik-master.m3u8?tr=sr-240,${item}`), message);
      assert.equal(problemOf(`v.mp4/ik-track-240-0.m4s?tr=${item}`), message);
    }
    assert.equal(
      problemOf("v.mp4/ik-master.m3u8?tr=sr-240:e-sharpen"),
      "Expected 'e-sharpen' on pictures only",
    );
  });

  it("need resolutions that exist, in the playlist only", () => {
    const none = "Expected resolutions (sr) for a stream";
    assert.equal(problemOf("v.mp4/ik-master.m3u8"), none);
    assert.equal(problemOf("v.mp4/ik-master.mpd?tr=so-5"), none);
    for (const sr of ["", "-", "-144", "-240_", "-240_foo", "-0240", "-240-360"]) {
      assert.match(problemOf(`v.mp4/ik-master.m3u8?tr=sr${sr}`) ?? "", /^Expected some of 240, .* for sr/);
    }
    const elsewhere = "Expected 'sr-240' with ik-master.m3u8 or ik-master.mpd only";
    assert.equal(problemOf("v.mp4/ik-track-240.m3u8?tr=sr-240"), elsewhere);
    assert.equal(problemOf("v.mp4/ik-seek-thumbnail-track.vtt?tr=sr-240"), elsewhere);
    assert.equal(problemOf("v.mp4?tr=sr-240"), elsewhere);
  });

  it("exist of videos only, one part at a time", () => {
    assert.equal(problemOf("a.jpg/ik-master.m3u8?tr=sr-240"), "Expected a video before ik-master.m3u8");
    assert.equal(problemOf("a/ik-track-240.m3u8"), "Expected a video before ik-track-240.m3u8");
    for (const url of ["v.mp4/ik-master.m3u8/ik-thumbnail.jpg", "v.mp4/ik-track-1.m3u8/ik-video.mp4"]) {
      assert.match(problemOf(url) ?? "", /^Expected one ending of the language for the path/);
    }
    for (const name of [
      "*",
      "",
      "240",
      "240.mp4",
      "-0.m4s",
      "240-00.m4s",
      "%2A",
      "sheet-1.png",
      "sub-.vtt",
    ]) {
      assert.equal(jobOf(`v.mp4/ik-track-${name}`).problem?.code, "ENOENT", name);
    }
  });
});
