import assert from "node:assert/strict";
import type { Job, Step } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import { partOfName } from "@mediatap/core/stream";
import fc from "fast-check";
import { printChain } from "../src/index.ts";
import { codeThrown, exchangeFor, jobOf, taps } from "./helpers.ts";

const word = (...words: string[]) => fc.constantFrom(...words);
const number = fc.integer({ min: 1, max: 3000 }).map(String);
const seconds = fc.oneof(
  fc.integer({ min: 0, max: 9999 }).map((hundredths) => String(hundredths / 100)),
  word("idu", "idu_div_2", "idu_mul_0.5_sub_1", "iw_mod_3"),
);
const time = fc.tuple(word("so", "eo", "du"), seconds).map(([key, value]) => `${key}-${value}`);
const shared = fc.oneof(
  time,
  word("rt-90", "rt-N90", "rt-180", "rt-360", "fl-h", "fl-v", "fl-h_v", "r-max", "r-20", "r-1_2_3_4"),
  word("bg-red", "bg-FFAABB50", "bg-blurred", "bg-blurred_25_N30", "b-5_red", "b-cw_mul_0.05_FF00FF"),
  word("spd-2", "spd-0.25", "spd-1", "vol-0", "vol-0.55", "vol-4"),
  word("c-force", "c-at_max", "c-at_least", "cm-pad_resize", "cm-extract", "fo-left", "fo-bottom_right"),
  word(
    "l-text,i-Hi,fs-20,l-end",
    "l-image,i-a@@b.png,w-bw_div_3,lx-10,l-end",
    "l-image,i-ik_canvas,bg-red,w-50,h-50,l-end",
  ),
);
const sized = fc.oneof(
  shared,
  number.map((value) => `w-${value}`),
  word("h-0.5", "h-ih_div_2", "h-200", "ar-4-3", "ar-1.5", "x-5", "yc-10", "dpr-2"),
);
const written = fc.oneof(
  word("f-mp4,vc-h264", "f-mp4,ac-none", "f-webm,vc-av1,ac-none", "f-auto", "vc-none", "ac-opus"),
  number.map((value) => `q-${1 + (Number(value) % 100)}`),
);
const chainOf = (item: fc.Arbitrary<string>) =>
  fc
    .array(fc.array(item, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 })
    .map((steps) => steps.map((items) => items.join(",")).join(":"));

const essence = ({ asset, transformation, query, media }: Job) => ({ asset, transformation, query, media });

/** A URL and the link to its job stand for the same. */
function roundTrips(url: string): boolean {
  const job = jobOf(url);
  if (job.problem) return false;
  const link = taps.link(job, exchangeFor(url));
  assert.ok(link);
  const again = jobOf(link.slice(1));
  assert.equal(again.problem, undefined, `${url} → ${link}: ${again.problem?.message}`);
  assert.deepEqual(essence(again), essence(job), `${url} → ${link}`);
  assert.equal(taps.link(again, exchangeFor(url)), link);
  return true;
}

describe("url-imagekit: links to videos", () => {
  const forms: [name: string, arbitrary: fc.Arbitrary<string>][] = [
    ["videos", chainOf(fc.oneof(sized, written)).map((chain) => `v.mp4?tr=${chain}`)],
    ["animations", chainOf(sized).map((chain) => `a.gif/ik-gif-video.mp4?tr=${chain}`)],
    ["videos by suffix", chainOf(sized).map((chain) => `clip/ik-video.mp4?tr=${chain}`)],
    [
      "stills",
      chainOf(fc.oneof(time, sized, word("e-sharpen", "bl-5", "q-60", "t-10", "if-w_gt_5,w-5,if-end"))).map(
        (chain) => `v.mp4/ik-thumbnail.jpg?tr=${chain}`,
      ),
    ],
    [
      "playlists",
      fc
        .tuple(word("240", "240_720", "360_480_1080"), word("m3u8", "mpd"), chainOf(shared))
        .map(([sr, end, chain]) => `v.mp4/ik-master.${end}?tr=sr-${sr}:${chain}`),
    ],
    [
      "parts",
      fc
        .tuple(
          word("360.m3u8", "audio-init.mp4", "360-17.m4s", "sheet-3.jpg"),
          word("v.mp4", "clip/ik-video.mp4", "a.gif/ik-gif-video.mp4"),
          fc.option(chainOf(shared)),
        )
        .map(([name, asset, chain]) => `${asset}/ik-track-${name}${chain === null ? "" : `?tr=${chain}`}`),
    ],
  ];
  for (const [name, url] of forms) {
    it(`lead to the same ${name}`, () => {
      let count = 0;
      fc.assert(
        fc.property(url, (text) => {
          if (roundTrips(text)) count++;
        }),
        { numRuns: 400 },
      );
      assert.ok(count > 100, String(count));
    });
  }

  for (const url of [
    "v.mp4",
    "v.mp4?tr=f-auto",
    "a.gif/ik-gif-video.mp4",
    "clip/ik-video.mp4",
    "clip/ik-video.mp4?tr=orig-true",
    "v.mp4/ik-thumbnail.jpg",
    "a.gif/ik-gif-video.mp4/ik-thumbnail.jpg?tr=so-2",
    "v.mp4/ik-seek-thumbnail-track.vtt?v=2&tr=so-1",
    "https%3A%2F%2Fexample.com%2Fv*.mp4%3Fid%3D3/ik-master.m3u8?tr=sr-240",
    "ik%2Dvideo.mp4/ik-track-1.m3u8",
  ]) {
    it(`lead to the same as ${url}`, () => assert.ok(roundTrips(url)));
  }

  it("tell a video that is written again from the untouched one", () => {
    const job = jobOf("v.mp4", { endpoint: { autoVideo: true } });
    assert.equal(taps.link(job, exchangeFor("v.mp4")), "/v.mp4?tr=rt-0");
    assert.equal(taps.link(job, exchangeFor("v.mp4", { endpoint: { autoVideo: true } })), "/v.mp4");
  });

  it("hold one star in place of the name of any part", () => {
    const job = jobOf(
      "a*b/v*.mp4/ik-master.m3u8?v=*&tr=sr-240_360:so-5,l-text,i-a*b,l-end&ik-attachment=true",
    );
    const { output, steps } = job.transformation;
    // As the core asks it of a job in canonical form.
    const video: VideoOutput = {
      format: "mp4",
      codec: "h264",
      audio: "aac",
      quality: 50,
      part: { kind: "any" },
    };
    const link = taps.link(
      { ...job, transformation: { steps, output: { ...output, video } } },
      exchangeFor(""),
    );
    assert.match(link ?? "", /^\/a%2Ab\/v%2A\.mp4\/ik-track-\*\?v=%2A&tr=so-5,l-text,ie-[^*&]*,l-end$/);
    const child = jobOf((link ?? "").slice(1).replace("*", "360-3.m4s"));
    assert.deepEqual(child.transformation, { steps, output: { video: { part: partOfName("360-3.m4s") } } });
    assert.deepEqual(child.query, [["v", "*"]]);
  });

  const foreign: [steps: Step[], video?: VideoOutput][] = [
    [[{ op: "clip", start: 1.234 }], {}],
    [
      [
        { op: "flip", horizontal: true, vertical: false },
        { op: "clip", start: 1 },
      ],
      {},
    ],
    [
      [
        { op: "volume", gain: 2 },
        { op: "speed", factor: 2 },
      ],
      {},
    ],
    [[{ op: "grayscale" }], {}],
    [[{ op: "rotate", angle: 45 }], {}],
    [[{ op: "resize", width: 5, fit: "inside", enlarge: true }], { part: { kind: "previews" } }],
    [[{ op: "clip" }], {}],
    [
      [
        { op: "blur", sigma: 2 },
        { op: "frame", page: 1, time: 2 },
      ],
    ],
  ];
  for (const [steps, video] of foreign) {
    it(`have no words for ${JSON.stringify([steps, video])}`, () => {
      assert.equal(
        codeThrown(() => printChain({ steps, output: video ? { video } : {} })),
        "EUNSUPPORTED",
      );
    });
  }

  it("do not take a video for a picture without saying how", () => {
    const job = { ...jobOf("a.jpg?tr=w-5"), media: "video" } as const;
    assert.equal(
      codeThrown(() => taps.link(job, exchangeFor(""))),
      "EUNSUPPORTED",
    );
  });
});
