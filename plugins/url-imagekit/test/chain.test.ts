import assert from "node:assert/strict";
import { type Condition, evaluate, isMediaError, type Output, type Step } from "@mediatap/core";
import { parseChain } from "../src/index.ts";
import { codeThrown, namedChains } from "./helpers.ts";

const RED = { r: 255, g: 0, b: 0, alpha: 1 };
const paint = (color: typeof RED) => ({ kind: "color", color }) as const;
const square = { op: "resize", width: 300, height: 200 } as const;

function stepsOf(chain: string): readonly Step[] {
  return parseChain(chain).steps;
}

function table(rows: readonly (readonly [chain: string, ...steps: Step[]])[]): void {
  for (const [chain, ...steps] of rows) it(`reads ${chain}`, () => assert.deepEqual(stepsOf(chain), steps));
}

describe("url-imagekit: size and mode", () => {
  table([
    ["w-300,h-200", { ...square, fit: "cover", enlarge: true }],
    ["w-300,h-200,c-maintain_ratio", { ...square, fit: "cover", enlarge: true }],
    ["w-300,h-200,c-force", { ...square, fit: "fill", enlarge: true }],
    ["w-300,h-200,c-at_max", { ...square, fit: "inside", enlarge: false }],
    ["w-300,h-200,c-at_max_enlarge", { ...square, fit: "inside", enlarge: true }],
    ["w-300,h-200,c-at_least", { ...square, fit: "outside", enlarge: true }],
    ["w-300,h-200,c-maintain_ratio_no_enlarge", { ...square, fit: "cover", enlarge: false }],
    ["w-300,h-200,cm-pad_resize", { ...square, fit: "contain", enlarge: true }],
    ["w-300,h-200,cm-pad_resize_no_enlarge", { ...square, fit: "contain", enlarge: false }],
    ["w-300,h-200,cm-extract", { ...square, op: "extract", outside: "clip", shrink: true }],
    ["w-300,h-200,cm-pad_extract", { ...square, op: "extract", outside: "pad", shrink: true }],
    ["w-300,h-200,cm-pad_extract_no_shrink", { ...square, op: "extract", outside: "pad", shrink: false }],
    ["w-300,h-200,c-force,cm-extract", { ...square, op: "extract", outside: "clip", shrink: true }],
    ["w-400.4", { op: "resize", width: 400, fit: "inside", enlarge: true }],
    [
      "w-0.5,h-0.25",
      { ...square, width: ["mul", "iw", 0.5], height: ["mul", "ih", 0.25], fit: "cover", enlarge: true },
    ],
    ["w-3840,c-at_max", { op: "resize", width: 3840, fit: "inside", enlarge: false }],
    ["h-10,c-force", { op: "resize", height: 10, fit: "inside", enlarge: true }],
    ["w-10,cm-pad_resize", { op: "resize", width: 10, fit: "inside", enlarge: true }],
    ["w-10,cm-extract", { op: "extract", width: 10, outside: "clip", shrink: true }],
    ["w-10,ar-4-3,c-force", { op: "resize", width: 10, ratio: 4 / 3, fit: "fill", enlarge: true }],
    ["w-10,ar-4_3", { op: "resize", width: 10, ratio: 4 / 3, fit: "cover", enlarge: true }],
    ["w-10,ar-4:3", { op: "resize", width: 10, ratio: 4 / 3, fit: "cover", enlarge: true }],
    [
      "ar-4:3,w-10:rt-90",
      { op: "resize", width: 10, ratio: 4 / 3, fit: "cover", enlarge: true },
      { op: "rotate", angle: 90 },
    ],
    ["h-10,ar-1.5", { op: "resize", height: 10, ratio: 1.5, fit: "cover", enlarge: true }],
    ["h-10,ar-car", { op: "resize", height: 10, ratio: "car", fit: "cover", enlarge: true }],
    ["w-300,h-200,ar-1-1", { ...square, fit: "cover", enlarge: true }],
    ["ar-1-1"],
    ["c-force,cm-extract,x-5"],
    ["w-300,h-200,dpr-1.5", { ...square, dpr: 1.5, fit: "cover", enlarge: true }],
    ["dpr-2"],
    ["w-70000,h-10", { op: "resize", height: 10, fit: "inside", enlarge: true }],
    ["w-70000"],
    ["w-9007199254740991"],
    ["w-10,w-20", { op: "resize", width: 20, fit: "inside", enlarge: true }],
  ]);
});

describe("url-imagekit: focus", () => {
  table([
    ["w-300,h-200,fo-center", { ...square, fit: "cover", enlarge: true }],
    ["w-300,h-200,fo-bottom_left", { ...square, fit: "cover", enlarge: true, focus: "bottom-left" }],
    ["w-300,h-200,fo-auto", { ...square, fit: "cover", enlarge: true, focus: "attention" }],
    ["w-300,h-200,fo-face", { ...square, fit: "cover", enlarge: true, focus: "faces" }],
    ["w-300,h-200,fo-face,z-1", { ...square, fit: "cover", enlarge: true, focus: "faces" }],
    ["w-300,h-200,fo-custom", { ...square, fit: "cover", enlarge: true, focus: "custom" }],
    ["w-300,h-200,c-force,fo-face,z-2", { ...square, fit: "fill", enlarge: true }],
    ["w-300,h-200,c-force,fo-left,z-2,x-3", { ...square, fit: "fill", enlarge: true }],
    ["w-300,h-200,cm-pad_resize,fo-left", { ...square, fit: "contain", enlarge: true, focus: "left" }],
    ["w-300,h-200,cm-pad_resize,fo-auto", { ...square, fit: "contain", enlarge: true }],
    ["fo-left"],
    [
      "w-300,h-200,cm-extract,x-10,fo-left",
      { ...square, op: "extract", at: { from: "corner", x: 10, y: 0 }, outside: "clip", shrink: true },
    ],
    [
      "w-300,h-200,cm-extract,xc-10,yc-ih_div_2",
      {
        ...square,
        op: "extract",
        at: { from: "center", x: 10, y: ["div", "ih", 2] },
        outside: "error",
        shrink: true,
      },
    ],
    [
      "w-300,h-200,cm-extract,fo-top",
      { ...square, op: "extract", focus: "top", outside: "clip", shrink: true },
    ],
  ]);
});

describe("url-imagekit: background", () => {
  const padded = { ...square, fit: "contain", enlarge: true } as const;
  table([
    ["bg-F00000", { op: "flatten", background: paint({ r: 240, g: 0, b: 0, alpha: 1 }) }],
    ["bg-FFAABB50", { op: "flatten", background: paint({ r: 255, g: 170, b: 187, alpha: 0.5 }) }],
    ["bg-f00", { op: "flatten", background: paint(RED) }],
    ["bg-red", { op: "flatten", background: paint(RED) }],
    ["bg-lightgreen", { op: "flatten", background: paint({ r: 144, g: 238, b: 144, alpha: 1 }) }],
    ["bg-dominant", { op: "flatten", background: { kind: "dominant" } }],
    ["bg-blurred"],
    ["w-300,h-200,cm-pad_resize,bg-red", { ...padded, background: paint(RED) }],
    [
      "w-800,h-600,cm-pad_resize,bg-blurred_25_N30",
      { ...padded, width: 800, height: 600, background: { kind: "blurred", intensity: 25, brightness: -30 } },
    ],
    [
      "w-300,h-200,cm-pad_resize,bg-blurred",
      { ...padded, background: { kind: "blurred", intensity: "auto", brightness: 0 } },
    ],
    [
      "w-300,h-200,cm-pad_resize,bg-gradient_dominant_4",
      { ...padded, background: { kind: "gradient", colors: 4 } },
    ],
    [
      "w-700,h-700,cm-pad_extract,bg-272B38",
      {
        op: "extract",
        width: 700,
        height: 700,
        outside: "pad",
        shrink: true,
        background: paint({ r: 39, g: 43, b: 56, alpha: 1 }),
      },
    ],
    ["o-40,bg-FF000050", { op: "opacity", value: 0.4 }, { op: "flatten", background: paint(RED) }],
    [
      "w-300,h-200,cm-pad_resize,bg-red,rt-45",
      { ...padded, background: paint(RED) },
      { op: "rotate", angle: 45 },
      { op: "flatten", background: paint(RED) },
    ],
  ]);
});

describe("url-imagekit: effects", () => {
  table([
    ["rt-90", { op: "rotate", angle: 90 }],
    ["rt-N90", { op: "rotate", angle: 270 }],
    ["rt-405.5", { op: "rotate", angle: 45.5 }],
    ["rt-360"],
    ["rt-N0"],
    ["rt-auto"],
    ["fl-h", { op: "flip", horizontal: true, vertical: false }],
    ["fl-v_h", { op: "flip", horizontal: true, vertical: true }],
    ["bl-6", { op: "blur", sigma: 4 }],
    ["bl-5.00", { op: "blur", sigma: 3.5 }],
    ["e-grayscale", { op: "grayscale" }],
    ["e-grayscale-true", { op: "grayscale" }],
    ["e-contrast-false"],
    ["e-contrast", { op: "contrast" }],
    ["e-sharpen", { op: "sharpen", amount: 50 }],
    ["e-sharpen-200", { op: "sharpen", amount: 200 }],
    ["e-usm-2-2-0.8-0.024", { op: "unsharp", radius: 2, sigma: 2, amount: 0.8, threshold: 0.024 }],
    ["t-true", { op: "trim", tolerance: 10 }],
    ["t-20", { op: "trim", tolerance: 20 }],
    ["t-true,t-false"],
    ["r-20", { op: "round", radius: [20, 20, 20, 20] }],
    ["r-1_2_3_4", { op: "round", radius: [1, 2, 3, 4] }],
    ["r-max", { op: "round", radius: "max" }],
    ["r-0"],
    ["b-5_FF0000", { op: "border", width: 5, color: RED }],
    ["b-5-FF0000", { op: "border", width: 5, color: RED }],
    ["b-cw_mul_0.05_FF0000", { op: "border", width: ["mul", "cw", 0.05], color: RED }],
    ["o-50", { op: "opacity", value: 0.5 }],
    ["o-100"],
    ["pg-2", { op: "frame", page: 2 }],
    ["w-10:pg-3", { op: "frame", page: 3 }, { op: "resize", width: 10, fit: "inside", enlarge: true }],
    [
      "bg-red,o-50,b-1_red,r-max,bl-2,e-sharpen,e-contrast,e-grayscale,fl-h,rt-45,w-300,h-200,t-true",
      { op: "trim", tolerance: 10 },
      { ...square, fit: "cover", enlarge: true },
      { op: "rotate", angle: 45 },
      { op: "flip", horizontal: true, vertical: false },
      { op: "grayscale" },
      { op: "contrast" },
      { op: "sharpen", amount: 50 },
      { op: "blur", sigma: 2 },
      { op: "round", radius: "max" },
      { op: "border", width: 1, color: RED },
      { op: "opacity", value: 0.5 },
      { op: "flatten", background: paint(RED) },
    ],
  ]);
});

describe("url-imagekit: output", () => {
  const rows: [chain: string, output: Output][] = [
    ["w-10", {}],
    ["f-jpg", { format: "jpeg" }],
    ["f-jpeg", { format: "jpeg" }],
    ["f-orig", { format: "source" }],
    ["f-auto", { format: "auto" }],
    ["f-avif,q-90:f-webp", { format: "webp", quality: 90 }],
    ["lo-true,pr-false,cp-true", { lossless: true, progressive: false, colorProfile: "keep" }],
    ["md-true", { metadata: "keep", colorProfile: "keep" }],
    ["md-true,cp-false", { metadata: "keep", colorProfile: "srgb" }],
    ["md-false", { metadata: "strip" }],
    ["dn-300", { density: 300 }],
    ["dn-idn_div_2", { density: ["div", "idn", 2] }],
    ["c2pa-false", {}],
  ];
  for (const [chain, output] of rows) {
    it(`reads ${chain}`, () => assert.deepEqual(parseChain(chain).output, output));
  }

  it("leaves everything else out of an original", () => {
    const original = { steps: [], output: { format: "original" } };
    assert.deepEqual(parseChain("w-100,orig-true:rt-90,f-webp"), original);
    assert.deepEqual(parseChain("orig-true,what-ever"), original);
    assert.equal(parseChain("orig-false,w-5").steps.length, 1);
  });
});

describe("url-imagekit: expressions", () => {
  const scope = { iw: 1600, ih: 1067, cw: 800, ch: 533, iar: 1.5, car: 1.5 };
  const rows: [text: string, value: number][] = [
    ["iw_div_4", 400],
    ["ih_mul_0.8_add_iw_mul_0.4", 1493.6],
    ["iw_sub_1000_mul_0.5", 1100],
    ["iw_add_10_mod_100", 10],
    ["2_mul_5_pow_2", 100],
    ["100_sub_10_sub_5", 85],
    ["2_pow_3_pow_2", 64],
    ["ih", 1067],
    ["iw_div_2_div_2", 400],
  ];
  for (const [text, value] of rows) {
    it(`gives ${value} for ${text}`, () => {
      const [step] = stepsOf(`w-${text}`);
      assert.ok(step?.op === "resize" && step.width !== undefined);
      assert.ok(Math.abs(evaluate(step.width, scope) - value) < 1e-9);
    });
  }

  it("are at most 50 operands and operators long", () => {
    assert.equal(
      codeThrown(() => parseChain(`w-iw${"_add_1".repeat(24)}`)),
      undefined,
    );
    assert.equal(
      codeThrown(() => parseChain(`w-iw${"_add_1".repeat(25)}`)),
      "ELIMIT",
    );
  });
});

describe("url-imagekit: conditions", () => {
  const wide = (width: number): Step => ({ op: "resize", width, fit: "inside", enlarge: true });
  const tall = { left: "ch", is: "eq", right: 200 } as const;
  const when = (test: Condition, yes: Step[], no: Step[] = []): Step => ({
    op: "when",
    if: test,
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    then: yes,
    else: no,
  });
  table([
    [
      "if-ar_gt_1,w-200,if-else,w-300,if-end",
      when({ left: "car", is: "gt", right: 1 }, [wide(200)], [wide(300)]),
    ],
    [
      "h-200:if-h_eq_200,w-100:rt-90,if-end:rt-90",
      { op: "resize", height: 200, fit: "inside", enlarge: true },
      when(tall, [wide(100), { op: "rotate", angle: 90 }]),
      { op: "rotate", angle: 90 },
    ],
    [
      "if-h_gte_100_and_ih_lte_400_or_iar_lt_4-3,w-50,if-end",
      when(
        {
          any: [
            {
              all: [
                { left: "ch", is: "gte", right: 100 },
                { left: "ih", is: "lte", right: 400 },
              ],
            },
            { left: "iar", is: "lt", right: 4 / 3 },
          ],
        },
        [wide(50)],
      ),
    ],
    ["if-h_eq_200,rt-0,if-else,w-5,if-end", when(tall, [], [wide(5)])],
    ["if-h_eq_200,rt-0,if-end"],
    ["if-h_eq_200,if-h_eq_200,w-5,if-end,if-end", when(tall, [when(tall, [wide(5)])])],
  ]);

  it("may use named transformations", () => {
    const named = namedChains({ thumb: "w-5:rt-9" });
    assert.deepEqual(
      parseChain("if-w_gt_5,n-thumb,bl-2,if-end", { named }),
      parseChain("if-w_gt_5,w-5:rt-9,bl-2,if-end"),
    );
  });

  it("count with their steps and comparisons", () => {
    const steps = Array(20).fill("rt-5").join(":");
    assert.equal(
      codeThrown(() => parseChain(`if-w_gt_5,${steps},if-end`)),
      "ELIMIT",
    );
    const many = Array(20).fill("w_gt_5").join("_and_");
    assert.equal(
      codeThrown(() => parseChain(`if-${many},w-5,if-end`)),
      undefined,
    );
    assert.equal(
      codeThrown(() => parseChain(`if-${many}_or_w_gt_5,w-5,if-end`)),
      "ELIMIT",
    );
  });
});

describe("url-imagekit: wishes outside of the language", () => {
  const rows: [chain: string, message: RegExp][] = [
    ["w-abc", /^Expected positive integer for w but received 'abc'$/],
    ["w-", /positive integer for w/],
    ["w", /positive integer for w/],
    ["w-0", /positive integer for w/],
    ["w-N5", /positive integer for w/],
    ["w--5", /positive integer for w/],
    ["w-+5", /positive integer for w/],
    ["w-1e3", /positive integer for w/],
    ["w-0x10", /positive integer for w/],
    ["w-010", /positive integer for w/],
    ["w-.5", /positive integer for w/],
    ["w-5.", /positive integer for w/],
    ["w-NaN", /positive integer for w/],
    ["w-Infinity", /positive integer for w/],
    ["w-9007199254740993", /positive integer for w/],
    ["w- 5", /positive integer for w/],
    ["w-٣", /positive integer for w/],
    ["h-auto", /positive integer for h/],
    ["ar-4-0", /ratio/],
    ["ar-4:x", /./],
    ["dpr-0.05", /number from 0.1 to 5 for dpr/],
    ["dpr-6", /number from 0.1 to 5 for dpr/],
    ["c-extract", /^Expected one of maintain_ratio, .* for c but received 'extract'$/],
    ["cm-force", /for cm/],
    ["fo-somewhere", /focus for fo/],
    ["z-0", /positive number for z/],
    ["x-N5", /integer for x/],
    ["bg-nocolour", /colour for bg/],
    ["bg-FFAABBCC", /colour for bg/],
    ["bg-constructor", /colour for bg/],
    ["bg-blurred_101", /blurred/],
    ["bg-blurred_10_N256", /blurred/],
    ["bg-gradient_dominant_3", /gradient/],
    ["rt-left", /angle/],
    ["fl-x", /one of h, v, h_v, v_h for fl/],
    ["bl-0", /integer from 1 to 100 for bl/],
    ["bl-101", /integer from 1 to 100 for bl/],
    ["t-100", /integer from 1 to 99 for t/],
    ["o-0.8", /integer from 0 to 100 for o/],
    ["q-0", /integer from 1 to 100 for q/],
    ["q-101", /integer from 1 to 100 for q/],
    ["q-80.5", /integer from 1 to 100 for q/],
    ["r-1_2", /radii/],
    ["r-1_2_3_4_5", /radii/],
    ["b-5", /<width>_<colour>/],
    ["b-_FF0000", /for b/],
    ["e-usm-1-2", /e-usm/],
    ["e-sharpen-0", /e-sharpen/],
    ["e-grayscale-maybe", /boolean for e-grayscale/],
    ["f-heic", /for f but received 'heic'/],
    ["lo-1", /boolean for lo/],
    ["dn-1201", /integer from 1 to 1200 for dn/],
    ["pg-0", /for pg/],
    ["pg-x", /for pg/],
    ["pg-4-2-1", /page for pg/],
    ["so-1.234", /seconds for so/],
    ["vc-h265", /for vc/],
    ["n-nothing", /name of a transformation for n/],
    ["n-toString", /name of a transformation for n/],
    ["n-__proto__", /name of a transformation for n/],
    ["foo-5", /known parameter but received 'foo'/],
    ["rndm_trnsf-abcd", /known parameter/],
    ["e-magic", /known parameter/],
    ["toString-1", /known parameter/],
    ["__proto__-1", /known parameter/],
    ["W-100", /did you mean "w"/],
    ["oi-logo.png", /retired parameter 'oi'/],
    ["ot-text", /retired parameter 'ot'/],
    ["lx-5", /'lx' inside of a layer only/],
    ["", /transformation but received none/],
    [":", /a parameter between separators/],
    [",", /a parameter between separators/],
    ["w-1,", /a parameter between separators/],
    ["w-1::h-1", /a parameter between separators/],
    [",w-1", /a parameter between separators/],
    ["l-text,i-Hi", /Expected l-end/],
    ["l-end", /l-end only after/],
    ["l-image,l-end", /a parameter between separators/],
    ["l-image,i-a:l-end", /a parameter between separators/],
    ["l-magic,i-a,l-end", /type of layer/],
    ["l-image,i-a,if-end", /if-end only after/],
    ["if-w_gt_1,w-5", /Expected if-end/],
    ["if-w_gt_1,if-end", /a parameter between separators/],
    ["if-w_gt_1,w-5,if-else,if-end", /a parameter between separators/],
    ["if-w_gt_1,w-5,if-else,w-6,if-else,w-7,if-end", /if-else after/],
    ["if-else", /if-else after/],
    ["if-w_gt_1,w-5,l-end", /l-end only after/],
    ["h-100,if-h_eq_200,w-100,if-end", /if- alone in its step/],
    ["if-w_gt_1,w-100,if-end,h-5", /if- alone in its step/],
    ["if-w_like_1,w-100,if-end", /condition for if/],
    ["if-w_gt_1_and,w-100,if-end", /condition for if/],
    ["if-,w-100,if-end", /condition for if/],
    ["if-w_gt_1_or,w-100,if-end", /condition for if/],
    ["if-w_gt_1_xor_h_gt_1,w-100,if-end", /condition for if/],
    ["if-w_gt_1_2,w-100,if-end", /condition for if/],
    ["if-w_gt_4-0,w-100,if-end", /condition for if/],
    ["if-w_gt_4-3-2,w-100,if-end", /condition for if/],
    ["if-w_gt_1,pg-2,if-end", /'pg' outside of conditions/],
    ["if-w_gt_1,w-abc,if-end", /positive integer for w/],
    ["w-iw_div_0", /no division by zero/],
    ["w-iw_mod_0", /no division by zero/],
    ["w-iw_plus_1", /number or expression/],
    ["w-iw_add", /number or expression/],
    ["w-_iw", /number or expression/],
    ["w-iw__add_1", /number or expression/],
    ["w-iw_sub_N1", /number or expression/],
    ["w-bw_div_2", /number or expression/],
  ];
  for (const [chain, message] of rows) {
    it(`refuses ${JSON.stringify(chain)}`, () => {
      assert.throws(
        () => parseChain(chain),
        (error) => isMediaError(error) && error.code === "EINVAL" && message.test(error.message),
      );
    });
  }

  it("refuses more than 20 steps", () => {
    assert.equal(
      codeThrown(() => parseChain(Array(20).fill("rt-5").join(":"))),
      undefined,
    );
    assert.equal(
      codeThrown(() => parseChain(Array(21).fill("rt-5").join(":"))),
      "ELIMIT",
    );
  });

  it("refuses too many and too deep layers", () => {
    const nested = (depth: number) =>
      `${"l-image,i-a,".repeat(depth)}${Array(depth).fill("l-end").join(",")}`;
    assert.equal(
      codeThrown(() => parseChain(nested(3))),
      "EUNSUPPORTED",
    );
    assert.equal(
      codeThrown(() => parseChain(nested(4))),
      "ELIMIT",
    );
    assert.equal(
      codeThrown(() => parseChain(Array(11).fill("l-text,i-a,l-end").join(","))),
      "ELIMIT",
    );
    assert.equal(
      codeThrown(() => parseChain(`${"if-w_gt_1,".repeat(2000)}w-1`)),
      "ELIMIT",
    );
  });
});

describe("url-imagekit: wishes that cannot be met", () => {
  const rows: [chain: string, capability: string][] = [
    ["l-text,i-Hi,l-end", "layers (l-text)"],
    ["w-5,l-image,i-a.jpg,w-bw_div_3:l-text,i-Hi,l-end,l-end", "layers (l-image)"],
    ["if-ar_gt_1,w-200,q-50,if-end", "output parameters in conditions (q)"],
    ["if-ar_gt_1,orig-true,if-end", "output parameters in conditions (orig)"],
    ["if-ar_gt_1,l-text,i-Hi,l-end,if-end", "layers (l-text)"],
    ["e-bgremove", "background removal (e-bgremove)"],
    ["e-shadow-bl-15_st-40_x-10_y-N5", "shadows"],
    ["e-gradient", "gradients"],
    ["e-distort-p-1_2_3_4_5_6_7_8", "distortion"],
    ["e-colorize-co-red_in-50", "colorizing"],
    ["cr-FF0000_50", "colour replacement"],
    ["e-edit-prompt-a%20cat", "generative editing"],
    ["w-5,h-5,cm-pad_resize,bg-genfill-prompt-sea", "generated backgrounds"],
    ["w-5,h-5,fo-car", "focus on objects (fo-car)"],
    ["w-5,h-5,fo-person_trafficLight", "focus on objects"],
    ["fo-face", "crops tight around faces"],
    ["w-5,h-5,fo-face,z-0.5", "crops tight around faces"],
    ["pg-1_3_5", "several pages"],
    ["pg-2_3-4", "several pages"],
    ['pg-name-"layer-4"', "layers of a picture"],
    ["f-mp4", "video output"],
    ["so-5", "cutting videos"],
    ["vc-h264", "video codecs"],
    ["sr-240_360", "adaptive streaming"],
    ["c2pa-true", "content credentials"],
    ["w-5,dpr-iw_div_100", "expressions (dpr-iw_div_100)"],
  ];
  for (const [chain, capability] of rows) {
    it(`names what is missing for ${chain}`, () => {
      assert.throws(
        () => parseChain(chain),
        (error) =>
          isMediaError(error) &&
          error.code === "EUNSUPPORTED" &&
          error.message.startsWith(`Not supported here: ${capability}`),
      );
    });
  }

  it("speaks of what is wrong before what is missing", () => {
    assert.equal(
      codeThrown(() => parseChain("e-shadow:w-abc")),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("fo-face:w-abc")),
      "EINVAL",
    );
  });
});

describe("url-imagekit: named transformations", () => {
  const named = namedChains({
    thumb: "tr:w-150,h-150",
    two: "w-150:bl-2",
    outer: "n-thumb:rt-90",
    loop: "n-pool",
    pool: "w-5:n-loop",
    wrong: "w-abc",
    bomb: Array(30).fill("n-bomb2").join(","),
    bomb2: Array(30).fill("n-bomb3").join(","),
    bomb3: Array(30).fill("w-1").join(","),
  });
  const rows: [chain: string, same: string][] = [
    ["n-thumb", "w-150,h-150"],
    ["n-thumb,rt-90", "w-150,h-150,rt-90"],
    ["n-thumb:rt-90", "w-150,h-150:rt-90"],
    ["fl-h,n-two,rt-90", "fl-h,w-150:bl-2,rt-90"],
    ["n-outer", "w-150,h-150:rt-90"],
  ];
  for (const [chain, same] of rows) {
    it(`reads ${chain} as ${same}`, () => assert.deepEqual(parseChain(chain, { named }), parseChain(same)));
  }

  it("are refused when unknown, disabled, circular, wrong or endless", () => {
    const disabled = { thumb: { transformation: "w-150", enabled: false } };
    assert.equal(
      codeThrown(() => parseChain("n-thumb", { named: disabled })),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("n-Thumb", { named })),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("n-loop", { named })),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("n-wrong", { named })),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("n-bomb", { named })),
      "ELIMIT",
    );
  });
});
