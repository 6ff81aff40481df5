import assert from "node:assert/strict";
import type { Job, Step, Transformation } from "@mediatap/core";
import { jobOf, namedChains, RED, square } from "./helpers.ts";

const of = (url: string, options = {}): Transformation => {
  const { problem, transformation } = jobOf(url, options);
  assert.equal(problem, undefined, problem?.message);
  return transformation;
};
const problemOf = (url: string, options = {}) => {
  const { problem } = jobOf(url, options);
  return problem && `${problem.code} ${problem.message}`;
};
const cover = { fit: "cover", enlarge: true } as const;

describe("url-imagekit: videos", () => {
  it("are untouched without parameters, unless the endpoint makes the best of each", () => {
    for (const url of ["v.mp4", "v.MOV?v=2", "clip/ik-video.mp4", "v.mp4?tr=", "v.mp4?tr=orig-true"]) {
      assert.deepEqual(of(url), { steps: [], output: { format: "original" } }, url);
    }
    const endpoint = { autoVideo: true };
    assert.deepEqual(of("v.mp4", { endpoint }), { steps: [], output: { video: {} } });
    assert.deepEqual(of("v.mp4?tr=orig-true", { endpoint }).output, { format: "original" });
    assert.deepEqual(of("a.jpg", { endpoint }), { steps: [], output: {} });
  });

  it("become videos where they are none by name", () => {
    for (const url of [
      "clip/ik-video.mp4?tr=w-5",
      "a.gif/ik-gif-video.mp4?tr=w-5",
      "tr:w-5/a.gif/ik-gif-video.mp4",
    ]) {
      const job = jobOf(url);
      assert.equal(job.media, "video");
      assert.deepEqual(job.transformation.output, { video: {} });
      assert.deepEqual(job.transformation.steps, [{ op: "resize", width: 5, fit: "inside", enlarge: true }]);
    }
    const { asset, transformation } = jobOf("a.gif/ik-gif-video.mp4");
    assert.equal(asset.path, "a.gif");
    assert.deepEqual(transformation, { steps: [], output: { video: {} } });
  });

  const outputs: [chain: string, video: object][] = [
    ["f-mp4", { format: "mp4" }],
    ["f-auto,q-30", { format: "auto", quality: 30 }],
    ["f-webm,vc-av1,ac-none", { format: "webm", codec: "av1", audio: "none" }],
    ["vc-none", { codec: "none" }],
    ["ac-none:vc-vp9", { audio: "none", codec: "vp9" }],
    ["q-30:q-60", { quality: 60 }],
  ];
  for (const [chain, video] of outputs) {
    it(`are written as ${chain} says`, () => {
      assert.deepEqual(of(`v.mp4?tr=${chain}`), { steps: [], output: { video } });
    });
  }

  it("know what goes together", () => {
    const containers = [undefined, "f-auto", "f-mp4", "f-webm"];
    const codecs = [undefined, "vc-h264", "vc-vp9", "vc-av1", "vc-none"];
    const sounds = [undefined, "ac-aac", "ac-opus", "ac-none"];
    const good = new Set<string>();
    for (const f of containers) {
      for (const vc of codecs) {
        for (const ac of sounds) {
          const chain = [f, vc, ac].filter(Boolean).join(",");
          const problem = chain && problemOf(`v.mp4?tr=${chain}`);
          if (!problem) good.add(chain);
          else assert.match(problem, /^EINVAL Expected f, vc and ac that fit together .* but received '/);
        }
      }
    }
    for (const set of "mp4/aac/h264 mp4/aac/none mp4/none/h264 webm/opus/vp9 webm/opus/none webm/none/vp9 webm/opus/av1 webm/none/av1".split(
      " ",
    )) {
      const [f, ac, vc] = set.split("/");
      const full = `f-${f},vc-${vc},ac-${ac}`;
      assert.ok(good.delete(full), full);
    }
    assert.deepEqual(
      [...good].filter((chain) => /^f-(?:mp4|webm),vc-.*,ac-/.test(chain)),
      [],
    );
    for (const chain of ["vc-h264,ac-opus", "vc-none,ac-none", "f-mp4,vc-av1", "f-webm,ac-aac"]) {
      assert.ok(!good.has(chain), chain);
    }
  });

  const rows: [chain: string, ...steps: Step[]][] = [
    ["w-300,h-200", { ...square, ...cover }],
    ["so-5.25", { op: "clip", start: 5.25 }],
    ["w-300,h-200:so-5,du-3", { op: "clip", start: 5, duration: 3 }, { ...square, ...cover }],
    [
      "so-idu_div_2,eo-idu_sub_1",
      { op: "clip", start: ["div", "originalDuration", 2], end: ["sub", "originalDuration", 1] },
    ],
    [
      "vol-0.5:spd-2:du-3",
      { op: "clip", duration: 3 },
      { op: "speed", factor: 2 },
      { op: "volume", gain: 0.5 },
    ],
    ["vol-0", { op: "volume", gain: 0 }],
    [
      "w-300,h-200,cm-pad_resize,bg-red,r-20",
      { ...square, fit: "contain", enlarge: true, background: { kind: "color", color: RED } },
      { op: "round", radius: [20, 20, 20, 20] },
      { op: "flatten", background: { kind: "color", color: RED } },
    ],
    ["rt-N90,fl-h", { op: "rotate", angle: 270 }, { op: "flip", horizontal: true, vertical: false }],
    ["rt-360"],
    [
      "w-300,h-200,cm-extract,fo-top_left,b-5_FF0000",
      { op: "extract", width: 300, height: 200, focus: "top-left", outside: "clip", shrink: true },
      { op: "border", width: 5, color: RED },
    ],
  ];
  for (const [chain, ...steps] of rows) {
    it(`are changed as ${chain} says`, () => assert.deepEqual(of(`v.mp4?tr=${chain}`).steps, steps));
  }

  const refused: [chain: string, message: string][] = [
    ["e-sharpen", "'e-sharpen' on pictures only"],
    ["e-grayscale:w-5", "'e-grayscale' on pictures only"],
    ["e-upscale", "'e-upscale' on pictures only"],
    ["pg-2", "'pg-2' on pictures only"],
    ["md-true", "'md-true' on pictures only"],
    ["di-b.mp4", "'di-b.mp4' on pictures only"],
    ["f-jpg", "'f-jpg' on pictures only"],
    ["f-orig", "'f-orig' on pictures only"],
    ["w-auto", "'w-auto' on pictures only"],
    ["w-5,dpr-auto", "'dpr-auto' on pictures only"],
    ["w-5,h-5,c-at_max_enlarge", "'c-at_max_enlarge' on pictures only"],
    ["w-5,h-5,cm-pad_extract", "'cm-pad_extract' on pictures only"],
    ["w-5,h-5,fo-face", "'fo-face' on pictures only"],
    ["w-5,h-5,fo-car", "'fo-car' on pictures only"],
    ["w-5,h-5,cm-pad_resize,bg-dominant", "'bg-dominant' on pictures only"],
    ["rt-45", "0, 90, 180, 270 or 360 for rt of a video but received '45'"],
    ["sr-240", "'sr-240' with ik-master.m3u8 or ik-master.mpd only"],
    ["if-w_gt_5,w-5,if-end", "'if' on pictures only"],
    ["spd-5", "number from 0.25 to 4 for spd but received '5'"],
    ["spd-0.1", "number from 0.25 to 4 for spd but received '0.1'"],
    ["vol-N1", "number from 0 to 4 for vol but received 'N1'"],
    ["so-1.234", "seconds for so but received '1.234'"],
    ["so-N1", "seconds for so but received 'N1'"],
    ["so-bdu_div_2", "number or expression for so but received 'bdu_div_2'"],
    ["e-sharpen,w-abc", "positive integer for w but received 'abc'"],
  ];
  for (const [chain, message] of refused) {
    it(`have no ${chain}`, () => assert.equal(problemOf(`v.mp4?tr=${chain}`), `EINVAL Expected ${message}`));
  }

  it("may be asked for by name", () => {
    const endpoint = { namedTransformations: namedChains({ short: "so-5,du-3,f-webm" }) };
    assert.deepEqual(of("v.mp4?tr=n-short", { endpoint }), {
      steps: [{ op: "clip", start: 5, duration: 3 }],
      output: { video: { format: "webm" } },
    });
    assert.equal(problemOf("a.jpg?tr=n-short", { endpoint }), "EINVAL Expected 'so-5' on videos only");
  });
});

describe("url-imagekit: pictures of videos", () => {
  const still = (chain: string) => jobOf(`v.mp4/ik-thumbnail.jpg${chain && `?tr=${chain}`}`);

  it("show the first moment, or the one asked for", () => {
    const moment = (job: Job) => job.transformation.steps[0];
    assert.deepEqual(moment(still("")), { op: "frame", page: 1, time: 0 });
    assert.deepEqual(moment(still("w-5:so-5.5")), { op: "frame", page: 1, time: 5.5 });
    assert.deepEqual(moment(still("so-idu_div_2")), {
      op: "frame",
      page: 1,
      time: ["div", "originalDuration", 2],
    });
    assert.deepEqual(moment(jobOf("clip/ik-video.mp4/ik-thumbnail.jpg")), { op: "frame", page: 1, time: 0 });
    assert.equal(still("so-5").media, "video");
  });

  it("take all that pictures take", () => {
    const { transformation } = still("so-5,w-300,h-200,fo-face,e-sharpen,l-text,i-Hi,l-end,f-png");
    assert.deepEqual(
      transformation.steps.map(({ op }) => op),
      ["frame", "resize", "sharpen", "overlay"],
    );
    assert.deepEqual(transformation.output, { format: "png" });
    assert.deepEqual(still("orig-true").transformation.output, { format: "original" });
  });

  it("move where a stretch is asked for", () => {
    assert.deepEqual(still("so-1,du-3,w-5").transformation, {
      steps: [
        { op: "clip", start: 1, duration: 3 },
        { op: "resize", width: 5, fit: "inside", enlarge: true },
      ],
      output: { format: "auto" },
    });
    assert.deepEqual(still("eo-3,f-gif,q-50").transformation, {
      steps: [{ op: "clip", end: 3 }],
      output: { format: "gif", quality: 50 },
    });
    assert.equal(
      still("du-3,f-jpg").problem?.message,
      "Expected one of gif, webp, avif, auto for f beside du or eo but received 'jpeg'",
    );
  });

  it("have neither codecs nor pages", () => {
    for (const chain of ["vc-h264", "f-mp4", "ac-none", "spd-2", "vol-2"]) {
      assert.equal(still(chain).problem?.message, `Expected '${chain}' on videos that stay videos only`);
    }
    assert.equal(still("pg-2").problem?.message, "Expected 'pg-2' on pictures and documents only");
    assert.equal(still("sr-240").problem?.code, "EINVAL");
  });

  it("are pages where the source is no video", () => {
    assert.deepEqual(jobOf("a.pdf/ik-thumbnail.jpg").transformation.steps, [{ op: "frame", page: 1 }]);
    assert.equal(jobOf("a.gif/ik-thumbnail.jpg?tr=so-5").problem?.code, "EINVAL");
  });
});
