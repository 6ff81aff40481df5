import assert from "node:assert/strict";
import type { StepOf } from "@mediatap/core";
import fc from "fast-check";
import { exchangeFor, jobOf, paint, RED, taps } from "./helpers.ts";

function overlays(chain: string, path = "v.mp4"): StepOf<"overlay">[] {
  const { problem, transformation } = jobOf(`${path}?tr=${chain}`);
  assert.equal(problem, undefined, problem?.message);
  return transformation.steps.filter((step) => step.op === "overlay");
}
const only = (chain: string, path?: string) => overlays(chain, path)[0] as StepOf<"overlay">;
const problemOf = (chain: string, path = "v.mp4") => jobOf(`${path}?tr=${chain}`).problem;

describe("url-imagekit: layers of videos", () => {
  it("show for a time", () => {
    const rows: [items: string, time: StepOf<"overlay">["time"]][] = [
      ["lso-2,ldu-3", { start: 2, duration: 3 }],
      ["leo-5.25", { end: 5.25 }],
      [
        "lso-bdu_div_2,leo-bdu_sub_1,ldu-1",
        { start: ["div", "parentDuration", 2], end: ["sub", "parentDuration", 1], duration: 1 },
      ],
      ["w-5", undefined],
    ];
    for (const [items, time] of rows) {
      for (const layer of [
        "l-image,i-a.png",
        "l-text,i-Hi",
        "l-image,i-ik_canvas,bg-red",
        "l-video,i-a.mp4",
      ]) {
        assert.deepEqual(only(`${layer},${items},l-end`).time, time, `${layer},${items}`);
      }
    }
    assert.deepEqual(only("l-subtitles,i-a.srt,lso-2,l-end").time, { start: 2 });
    const [first] = overlays("sr-240,l-text,i-Hi,lso-1,l-end", "v.mp4/ik-master.m3u8");
    assert.deepEqual(first?.time, { start: 1 });
  });

  it("have no time on pictures", () => {
    for (const path of ["a.jpg", "v.mp4/ik-thumbnail.jpg"]) {
      assert.equal(only("l-text,i-Hi,lso-2,leo-3,l-end", path).time, undefined, path);
    }
    // A picture in a layer is one, too.
    const { layer } = only("l-image,i-a.png,l-text,i-Hi,lso-2,l-end,l-end");
    assert(layer.kind === "image");
    const inner = layer.steps.at(-1);
    assert(inner?.op === "overlay" && inner.time === undefined);
  });

  it("are pictures that may be changed as any", () => {
    const { layer } = only("l-image,i-a.png,w-bw_div_3,e-grayscale,l-end");
    assert.deepEqual(layer.kind === "image" && layer.steps.map(({ op }) => op), [
      "trim",
      "resize",
      "grayscale",
    ]);
  });

  it("are videos, changed as videos are", () => {
    const step = only(
      "l-video,i-b@@a.gif,so-1,du-bdu_div_2,w-bw_div_4,ar-16-9,rt-90,spd-2,f-mp4,q-50,lfo-top_left,l-end",
    );
    assert.deepEqual(step, {
      op: "overlay",
      layer: {
        kind: "video",
        path: "b/a.gif",
        steps: [
          { op: "clip", start: 1, duration: ["div", "parentDuration", 2] },
          { op: "speed", factor: 2 },
          { op: "resize", width: ["div", "parentWidth", 4], ratio: 16 / 9, fit: "cover", enlarge: true },
          { op: "rotate", angle: 90 },
        ],
      },
      place: { gravity: "top-left" },
    });
    const { layer } = only("l-video,i-a.mp4,ac-none,w-5,l-text,i-Hi,lso-1,l-end,l-end");
    assert(layer.kind === "video");
    assert.deepEqual(layer.steps[0], { op: "volume", gain: 0 });
    assert(layer.steps[2]?.op === "overlay" && layer.steps[2].time?.start === 1);
  });

  it("are subtitles", () => {
    assert.deepEqual(only("l-subtitle,i-a.srt,l-end"), {
      op: "overlay",
      layer: { kind: "subtitles", path: "a.srt", style: {} },
      place: { gravity: "bottom" },
    });
    const file = `ie-${Buffer.from("/x/ä b.vtt").toString("base64url")}`;
    assert.deepEqual(
      only(`l-subtitles,${file},fs-20,ff-Roboto,co-red,tg-b_i,bg-FF000050,fol-2_red,fsh-red_1.5,l-end`).layer,
      {
        kind: "subtitles",
        path: "x/ä b.vtt",
        style: {
          size: 20,
          font: "Roboto",
          bold: true,
          italic: true,
          color: RED,
          background: { ...RED, alpha: 0.5 },
          outline: { width: 2, color: RED },
          shadow: { color: RED, indent: 1.5 },
        },
      },
    );
  });

  it("are subtitles as the SDKs write them, wherever those would have them lie", () => {
    const { layer, place, time } = only(
      "l-subtitles,i-subtitle.srt,lx-10,ly-20,lfo-center,lso-5,leo-15,ldu-10,bg-red,color-FF0000,fol-2_A1CCDD50,l-end",
    );
    assert(layer.kind === "subtitles");
    assert.deepEqual(layer.style.color, RED);
    assert.deepEqual(place, { gravity: "bottom" });
    assert.equal(time?.start, 5);
  });

  const refused: [chain: string, message: string][] = [
    ["l-text,i-Hi,lso-abc,l-end", "Expected seconds for lso but received 'abc'"],
    ["l-text,i-Hi,ldu-1.234,l-end", "Expected seconds for ldu but received '1.234'"],
    ["l-image,i-a.png,lm-multiply,l-end", "Expected 'lm-multiply' on pictures only"],
    ["l-video,i-a.mp4,e-grayscale,l-end", "Expected 'e-grayscale' outside of layers of videos"],
    [
      "l-video,i-a.mp4,w-5,rt-45,l-end",
      "Expected 0, 90, 180, 270 or 360 for rt of a video but received '45'",
    ],
    ["l-video,i-a.mp4,sr-240,l-end", "Expected 'sr' outside of layers of videos"],
    ["l-video,i-a.mp4,orig-true,l-end", "Expected 'orig' outside of layers of videos"],
    ["l-video,i-a.mp4,vc-h264,ac-opus,l-end", "Expected f, vc and ac that fit together"],
    ["l-video,w-5,l-end", "Expected an input (i or ie) for l-video"],
    ["l-video,i-..@@a.mp4,l-end", "Expected a plain name in the path but received '..'"],
    ["l-subtitles,i-a.srt,lm-multiply,l-end", "Expected 'lm' outside of layers of subtitles"],
    ["l-subtitles,i-a.srt,w-5,l-end", "Expected 'w' outside of layers of subtitles"],
    ["l-subtitles,i-a.srt,tg-strikethrough,l-end", "Expected one of b, i for tg"],
    ["l-subtitles,i-a.srt,fol-red,l-end", "Expected <width>_<colour> for fol but received 'red'"],
    ["l-subtitles,i-a.srt,fol-2_red_3,l-end", "Expected <width>_<colour> for fol"],
    ["l-subtitles,i-a.srt,fsh-red,l-end", "Expected <colour>_<indent> for fsh but received 'red'"],
    ["l-subtitles,i-a.srt,fsh-red_1001,l-end", "Expected <colour>_<indent> for fsh"],
    ["l-subtitles,i-a.srt,l-text,i-a,l-end,l-end", "Expected no layers in layers of subtitles"],
    ["l-text,i-a,fol-2_red,l-end", "Expected 'fol' outside of layers of text"],
  ];
  for (const [chain, message] of refused) {
    it(`refuse ${chain}`, () => {
      const problem = problemOf(chain);
      assert.equal(problem?.code, "EINVAL");
      assert.ok(problem.message.startsWith(message), problem.message);
    });
  }

  it("of videos and subtitles are none of pictures", () => {
    for (const path of ["a.jpg", "v.mp4/ik-thumbnail.jpg"]) {
      for (const chain of ["l-video,i-a.mp4,l-end", "l-subtitles,i-a.srt,l-end"]) {
        assert.equal(problemOf(chain, path)?.code, "EUNSUPPORTED", `${path} ${chain}`);
      }
    }
    assert.equal(problemOf("l-image,i-a.png,l-video,i-a.mp4,l-end,l-end")?.code, "EUNSUPPORTED");
  });

  const word = (...words: string[]) => fc.constantFrom(...words);
  const time = fc
    .tuple(word("lso", "leo", "ldu"), word("0", "2.5", "idu", "bdu_div_2", "100"))
    .map(([key, value]) => `${key}-${value}`);
  const layer = fc
    .tuple(
      word(
        "l-video,i-a@@b.mp4,w-bw_div_2,h-100,c-at_max",
        "l-video,i-a.gif,so-1,du-idu_div_2,vol-0.5,lx-10,ly-N20",
        "l-video,i-x y.mp4,ac-none,fl-h:r-5,bg-red",
        "l-video,i-a.mp4,l-text,i-Hi,lso-1,l-end,lfo-top",
        "l-subtitles,i-a.srt",
        "l-subtitle,i-a@@b.vtt,fs-bh_div_20,ff-a@@b.ttf,co-red,tg-b_i,bg-FF000050,fol-2_red,fsh-red_1.5",
        "l-image,i-a.png,w-50,lfo-top_left",
        "l-text,i-Hi,fs-bh_div_10,co-red",
        "l-image,i-ik_canvas,bg-red,w-50,h-50",
      ),
      fc.array(time, { maxLength: 3 }),
    )
    .map(([head, times]) => [head, ...times, "l-end"].join(","));
  const chain = fc
    .array(fc.oneof(layer, word("w-300,h-200", "rt-90", "so-2", "q-30", "r-5,bg-red")), {
      minLength: 1,
      maxLength: 4,
    })
    .chain((items) =>
      fc
        .array(word(",", ":"), { minLength: items.length, maxLength: items.length })
        .map((ends) => items.map((item, at) => (at === 0 ? item : `${ends[at]}${item}`)).join("")),
    );

  it("are written as they are read", () => {
    fc.assert(
      fc.property(chain, word("v.mp4", "v.mp4/ik-track-240.m3u8"), (text, path) => {
        const url = `${path}?tr=${encodeURIComponent(text)}`;
        const job = jobOf(url);
        if (path !== "v.mp4" && job.problem) return;
        assert.equal(job.problem, undefined, `${text}: ${job.problem?.message}`);
        const link = taps.link(job, exchangeFor(url)) ?? "";
        assert.deepEqual(jobOf(link.slice(1)).transformation, job.transformation, link);
      }),
      { numRuns: 500 },
    );
  });

  it("stand on what lies below, as on pictures", () => {
    const { steps } = jobOf("v.mp4?tr=r-5,bg-red,l-text,i-Hi,l-end").transformation;
    assert.deepEqual(
      steps.map(({ op }) => op),
      ["round", "flatten", "overlay"],
    );
    assert.deepEqual(steps[1], { op: "flatten", background: paint(RED) });
  });
});
