import assert from "node:assert/strict";
import type { Job, Step } from "@mediatap/core";
import fc from "fast-check";
import { parseChain, printChain, sign } from "../src/index.ts";
import { codeThrown, exchangeFor, jobOf, resolved, taps } from "./helpers.ts";

const positive = fc.integer({ min: 1, max: 3000 }).map(String);
const share = fc.integer({ min: 1, max: 99 }).map((percent) => `0.${String(percent).padStart(2, "0")}`);
const word = (...words: string[]) => fc.constantFrom(...words);
const term = word("iw", "ih", "cw", "ch", "iar", "2", "0.5", "100");
const calculation = fc
  .tuple(term, fc.array(fc.tuple(word("add", "sub", "mul", "div", "mod", "pow"), term), { maxLength: 5 }))
  .map(([first, rest]) => [first, ...rest.flat()].join("_"))
  .filter((text) => text !== "2" && text !== "0.5" && text !== "100");
const extent = fc.oneof(positive, share, calculation);
const colour = fc.oneof(word("red", "lightgreen", "FFAABB50", "272B38", "0f0"));
const background = fc.oneof(
  colour,
  word("blurred", "blurred_25_N30", "dominant", "gradient_dominant", "gradient_dominant_4"),
);
const percent = fc.integer({ min: 1, max: 100 }).map(String);

/** An effect with some of its parts, in any order; bare without. */
const parts = (key: string, some: fc.Arbitrary<string>[]) =>
  fc
    .shuffledSubarray(some.map((_, index) => index))
    .chain((chosen) => fc.tuple(...chosen.map((index) => some[index] as fc.Arbitrary<string>)))
    .map((chosen) => (chosen.length === 0 ? key : `${key}-${chosen.join("_")}`));

const item = fc.oneof(
  extent.map((value) => `w-${value}`),
  extent.map((value) => `h-${value}`),
  fc.oneof(word("4-3", "1.5", "2_1", "16:9"), calculation).map((value) => `ar-${value}`),
  word("c-force", "c-at_max", "c-at_max_enlarge", "c-at_least", "c-maintain_ratio_no_enlarge"),
  word(
    "cm-pad_resize",
    "cm-pad_resize_no_enlarge",
    "cm-extract",
    "cm-pad_extract",
    "cm-pad_extract_no_shrink",
  ),
  word("fo-left", "fo-bottom_right", "fo-auto", "fo-face", "fo-custom", "fo-center"),
  word("z-2", "z-0.25", "z-1"),
  fc
    .tuple(word("x", "y", "xc", "yc"), fc.oneof(positive, calculation))
    .map(([key, value]) => `${key}-${value}`),
  fc.oneof(word("2", "0.3", "1"), calculation).map((value) => `dpr-${value}`),
  background.map((value) => `bg-${value}`),
  word("rt-90", "rt-N45", "rt-12.5", "rt-360", "fl-h", "fl-v", "fl-h_v"),
  word(
    "e-grayscale",
    "e-contrast",
    "e-sharpen",
    "e-sharpen-0.0000001",
    "e-usm-2-2-0.8-0.024",
    "e-usm-0-5-1-0.05",
  ),
  percent.map((value) => `bl-${value}`),
  parts("e-shadow", [
    fc.integer({ min: 0, max: 15 }).map((value) => `bl-${value}`),
    percent.map((value) => `st-${value}`),
    percent.map((value) => `x-N${value}`),
    fc.oneof(percent, word("0.1", "33.33")).map((value) => `y-${value}`),
  ]),
  parts("e-gradient", [
    word("ld-top_right", "ld-bottom", "ld-0", "ld-33.3", "ld-359"),
    colour.map((value) => `from-${value}`),
    colour.map((value) => `to-${value}`),
    fc.oneof(positive, share, calculation).map((value) => `sp-${value}`),
  ]),
  parts("e-colorize", [colour.map((value) => `co-${value}`), percent.map((value) => `in-${value}`)]),
  word("e-distort-p-0_0_90.5_5_80_100_0_90", "e-distort-p-N5_N5_9_0_9_9_0_9", "e-distort-a-N30"),
  fc
    .tuple(colour, fc.option(percent), fc.option(colour))
    .map(([to, near, from]) => ["cr", to, near === null ? "" : `_${near}`, near && from ? `_${from}` : ""])
    .map(([key, to, near, from]) => `${key}-${to}${near}${from}`),
  word("t-true", "t-20", "r-max", "r-20", "r-1_2_3_4"),
  fc.tuple(fc.oneof(positive, calculation), colour).map((parts) => `b-${parts.join("_")}`),
  percent.map((value) => `o-${value}`),
  word("pg-3", "f-auto", "f-jpg", "f-orig", "lo-true", "pr-true", "cp-true", "md-true", "md-false", "dn-300"),
  percent.map((value) => `q-${value}`),
);
const step = fc.array(item, { minLength: 1, maxLength: 8 }).map((items) => items.join(","));
const comparison = word("w_gt_300", "h_lte_20.5", "ar_lt_4-3", "iw_eq_5", "iar_ne_1");
const test = fc
  .tuple(comparison, fc.array(fc.tuple(word("and", "or"), comparison), { maxLength: 3 }))
  .map(([first, rest]) => [first, ...rest.flat()].join("_"));
/** Steps that may stand in a branch: without what acts once. */
const branch = fc
  .array(step, { minLength: 1, maxLength: 2 })
  .map((steps) => steps.join(":"))
  .filter((text) => !/(?:^|[,:])(?:pg|f|q|lo|pr|cp|md|dn)-/.test(text));
const block = fc
  .tuple(test, branch, fc.option(branch))
  .map(([text, yes, no]) => [`if-${text}`, yes, ...(no === null ? [] : ["if-else", no]), "if-end"].join(","));
const chain = fc
  .array(fc.oneof({ arbitrary: step, weight: 4 }, block), { minLength: 1, maxLength: 4 })
  .map((steps) => steps.join(":"));

describe("url-imagekit: printChain", () => {
  it("writes what parseChain reads as the same", () => {
    fc.assert(
      fc.property(chain, (text) => {
        const transformation = parseChain(text);
        const printed = printChain(transformation);
        if (printed === "") assert.deepEqual(transformation, { steps: [], output: {} });
        else assert.deepEqual(parseChain(printed), transformation);
        assert.equal(printed === "" ? "" : printChain(parseChain(printed)), printed);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps operations together that fit into one step", () => {
    assert.equal(printChain(parseChain("q-50,rt-90,h-200,w-300:bl-2")), "w-300,h-200,rt-90,bl-2,q-50");
    assert.equal(printChain(parseChain("rt-90:w-300")), "rt-90:w-300");
    assert.equal(printChain(parseChain("w-5,orig-true")), "orig-true");
  });

  const foreign: Step[] = [
    { op: "blur", sigma: 0.7 },
    { op: "opacity", value: 0.505 },
    { op: "rotate", angle: 5, background: { kind: "dominant" } },
    { op: "resize", width: 5, height: 5, fit: "outside", enlarge: false },
    { op: "resize", width: 5, height: 5, fit: "inside", enlarge: false, larger: "error" },
    { op: "resize", width: ["mul", ["add", "originalWidth", 1], 2], fit: "inside", enlarge: true },
    { op: "resize", width: 5, height: 5, fit: "cover", enlarge: true, focus: "entropy" },
  ];
  for (const step of foreign) {
    it(`has no words for ${JSON.stringify(step)}`, () => {
      assert.equal(
        codeThrown(() => printChain({ steps: [step], output: {} })),
        "EUNSUPPORTED",
      );
    });
  }
  it("has no words for a description in a form of another plugin", () => {
    const info = { form: { plugin: "other", options: {} } };
    assert.equal(
      codeThrown(() => printChain({ steps: [], output: { info } })),
      "EUNSUPPORTED",
    );
  });
});

describe("url-imagekit: link", () => {
  const essence = ({ asset, transformation, query, media, delivery }: Job) => ({
    asset,
    transformation,
    query,
    media,
    delivery,
  });

  const urls = [
    "a/b.jpg",
    "a%20b/%E0%A4%B9%23.jpg?v=2&x=%26y&tr=w-300,h-200:rt-90",
    "clip/ik-video.mp4?tr=w-5",
    "a.gif/ik-thumbnail.jpg?tr=w-9",
    "a.svg?ik-sanitizeSvg=true",
    "a.svg?tr=orig-true&ik-sanitizeSvg=true",
    "a.jpg?tr=di-b@@c%20d.jpg,w-5&ik-attachment=true&ik-attachment-filename=my%20cat",
    "https://example.com/photo?id=3&tr=w-5",
    "ik%2Dseo/a/tr%3Aw-5/ik%2Dthumbnail.jpg?tr=w-5",
  ];
  for (const url of urls) {
    it(`leads to the same as ${url}`, () => {
      const job = jobOf(url);
      const link = taps.link(job, exchangeFor(url));
      assert.ok(link);
      assert.equal(link[0], "/");
      assert.deepEqual(essence(jobOf(link.slice(1))), essence(job));
    });
  }

  it("keeps the ending of a still, which promises a JPEG", () => {
    const job = jobOf("a.gif/ik-thumbnail.jpg?tr=w-9");
    const link = taps.link(job, exchangeFor("a.gif")) ?? "";
    assert.equal(link, "/a.gif/ik-thumbnail.jpg?tr=pg-1,w-9");
    assert.deepEqual(
      [job.accept, jobOf(link.slice(1)).accept, jobOf("a.gif?tr=pg-1").accept],
      ["jpeg", "jpeg", "basic"],
    );
  });

  it("stays below the endpoint's prefix", () => {
    assert.equal(
      taps.link(jobOf("a.jpg?tr=w-5"), exchangeFor("x", { mount: "shop/" })),
      "/shop/a.jpg?tr=w-5",
    );
  });

  it("is signed as the asking request was", () => {
    const endpoint = { privateKeys: ["key"] };
    const time = Math.floor(Date.now() / 1000) + 300;
    const ask = (query: string) => {
      const exchange = exchangeFor(`a.mp4${query}`, { endpoint });
      taps.admit(exchange, resolved(exchange));
      return taps.link(jobOf("b.jpg?tr=w-5"), exchange);
    };
    assert.equal(ask(""), "/b.jpg?tr=w-5");
    assert.equal(ask(`?ik-s=${sign("a.mp4", "key")}`), `/b.jpg?tr=w-5&ik-s=${sign("b.jpg?tr=w-5", "key")}`);
    assert.equal(
      ask(`?ik-t=${time}&ik-s=${sign("a.mp4", "key", time)}`),
      `/b.jpg?tr=w-5&ik-t=${time}&ik-s=${sign("b.jpg?tr=w-5", "key", time)}`,
    );
  });
});
