import assert from "node:assert/strict";
import { isMediaError } from "@mediatap/core";
import { parseChain } from "../src/index.ts";
import { codeThrown } from "./helpers.ts";

describe("url-imagekit: requests outside of the language", () => {
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
    ["dpr-iw_div", /number or expression for dpr/],
    ["c-extract", /^Expected one of maintain_ratio, .* for c but received 'extract'$/],
    ["cm-force", /for cm/],
    ["fo-somewhere", /^Expected one of center, .*, face or an object for fo/],
    ["z-0", /positive number for z/],
    ["x-N5", /integer for x/],
    ["bg-nocolour", /colour such as .* for bg/],
    ["bg-FFAABBCC", /colour such as .* for bg/],
    ["bg-constructor", /colour such as .* for bg/],
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
    ["e-shadow-5", /^Expected parts of bl-, st-, x-, y- for e-shadow but received '5'$/],
    ["e-shadow-false", /parts of bl-/],
    ["e-shadow-bl-16", /^Expected number from 0 to 15 for bl of e-shadow but received '16'$/],
    ["e-shadow-st-101", /number from 0 to 100 for st of e-shadow/],
    ["e-shadow-x-N101", /number from -100 to 100 for x of e-shadow/],
    ["e-shadow-bl-5_z-3", /for bl of e-shadow but received '5_z-3'/],
    ["e-gradient-ld-up", /angle below 360 or a direction for ld of e-gradient but received 'up'/],
    ["e-gradient-ld-360", /angle below 360/],
    ["e-gradient-ld-top_right_center", /for ld of e-gradient but received 'top_right_center'/],
    ["e-gradient-from-nocolour", /colour such as .* for from of e-gradient/],
    ["e-gradient-to-", /colour such as .* for to of e-gradient/],
    ["e-gradient-sp-0", /positive number or expression for sp of e-gradient/],
    ["e-gradient-sp-N5", /for sp of e-gradient/],
    ["e-gradient-sp-ih_div", /number or expression for sp of e-gradient/],
    ["e-gradient-red", /parts of ld-, from-, to-, sp-/],
    ["e-distort", /p-<4 corners> or a-<degrees> for e-distort/],
    ["e-distort-a-5_p-0_0_9_0_9_9_0_9", /p-<4 corners> or a-<degrees>/],
    ["e-distort-a-0", /number of degrees other than 0 for a of e-distort/],
    ["e-distort-a-361", /number from -360 to 360 for a of e-distort/],
    ["e-distort-p-1_2_3_4_5_6_7", /x1_y1_x2_y2_x3_y3_x4_y4 for p of e-distort/],
    ["e-distort-p-1_2_3_4_5_6_7_iw", /x1_y1/],
    ["e-distort-p-1_2_3_4_5_6_7_65536", /x1_y1/],
    ["e-distort-p-0_0_9_9_9_0_0_9", /corners of a convex quadrilateral for p of e-distort/],
    ["e-colorize-co-nocolour", /colour such as .* for co of e-colorize/],
    ["e-colorize-in-101", /number from 0 to 100 for in of e-colorize/],
    ["e-colorize-red", /parts of co-, in-/],
    ["cr-", /colour such as .* for cr/],
    ["cr-nocolour", /colour such as .* for cr/],
    ["cr-red_101", /number from 0 to 100 for tolerance of cr/],
    ["cr-red_5_nocolour", /colour such as .* for cr/],
    ["cr-red_5_red_5", /<colour>_<tolerance>_<colour> for cr/],
    ["e-grayscale-maybe", /boolean for e-grayscale/],
    ["f-heic", /for f but received 'heic'/],
    ["lo-1", /boolean for lo/],
    ["dn-1201", /integer from 1 to 1200 for dn/],
    ["pg-0", /for pg/],
    ["pg-x", /for pg/],
    ["pg-4-2-1", /page for pg/],
    ["so-1.234", /seconds for so/],
    ["vc-h265", /for vc/],
    ["f-mp4", /^Expected 'f-mp4' on videos only$/],
    ["so-5", /^Expected 'so-5' on videos only$/],
    ["w-5,vc-h264", /^Expected 'vc-h264' on videos only$/],
    ["spd-2", /^Expected 'spd-2' on videos only$/],
    ["sr-240_360", /^Expected 'sr-240_360' with ik-master.m3u8 or ik-master.mpd only$/],
    ["n-nothing", /name of a stored transformation for n/],
    ["n-toString", /name of a stored transformation for n/],
    ["n-__proto__", /name of a stored transformation for n/],
    ["foo-5", /known parameter but received 'foo'/],
    ["rndm_trnsf-abcd", /known parameter/],
    ["e-magic", /known parameter/],
    ["toString-1", /known parameter/],
    ["__proto__-1", /known parameter/],
    ["W-100", /did you mean "w"/],
    ["width-400", /^Expected known parameter but received 'width', did you mean "w-400"\?$/],
    ["w=400", /received 'w=400', did you mean "w-400"\?$/],
    ["w400", /received 'w400', did you mean "w-400"\?$/],
    ["height_300", /received 'height_300', did you mean "h-300"\?$/],
    ["aspectRatio-4-3", /received 'aspectRatio', did you mean "ar-4-3"\?$/],
    ["grayscale", /received 'grayscale', did you mean "e-grayscale"\?$/],
    ["w-400, h-300", /^Expected no space before 'h-300'$/],
    ["w-400,%20h-300", /^Expected no space before 'h-300'$/],
    [
      "w-400;h-300",
      /^Expected positive integer for w but received '400;h-300'; a comma separates parameters$/,
    ],
    ["w-400&q-50", /received '400&q-50'; a comma separates parameters$/],
    ["fo-centre", /received 'centre', did you mean "center"\?$/],
    ["fo-persons", /received 'persons', did you mean "person"\?$/],
    ["c-maintain-ratio", /received 'maintain-ratio', did you mean "maintain_ratio"\?$/],
    ["bg-#ff0000", /without #, for bg but received '#ff0000', did you mean "ff0000"\?$/],
    ["bg-", /without #, for bg but received ''$/],
    ["bg-GGGGGG", /such as FF0000, FF000050 or red, .* but received 'GGGGGG'$/],
    ["bg-ligthgreen", /did you mean "lightgreen"\?$/],
    ["oi-logo.png", /retired parameter 'oi'/],
    ["ot-text", /retired parameter 'ot'/],
    ["lx-5", /'lx' inside of a layer only/],
    ["w-bw_div_2", /number or expression for w/],
    ["l-image,w-5,l-end", /an input \(i or ie\) for l-image/],
    ["l-text,fs-5,l-end", /an input/],
    ["l-image,i-..@@secret.png,l-end", /plain name in the path/],
    ["l-image,ie-aHR0cDovL3VzZXI6cGFzc0Bob3N0L3gucG5n,l-end", /absolute URL without credentials/],
    ["l-image,ie-%%%,l-end", /base64 of UTF-8 for ie/],
    ["l-image,ie-gICA,l-end", /base64 of UTF-8 for ie/],
    ["l-image,i-a.png,f-png,l-end", /'f' outside of layers/],
    ["l-image,i-a.png,fs-5,l-end", /'fs' inside of a layer/],
    ["l-image,i-a.png,lx-5,lxc-5,l-end", /lx or lxc but received both/],
    ["l-image,i-a.png,lx-abc,l-end", /for lx/],
    ["l-image,i-a.png,lfo-face,l-end", /one of center.* for lfo/],
    ["l-image,i-a.png,lm-screen,l-end", /one of multiply.* for lm/],
    ["l-image,i-a.png,lm-displace,l-end", /x or y for lm-displace/],
    ["l-image,i-ik_canvas,bg-dominant,l-end", /colour such as .* for bg/],
    ["l-image,i-ik_canvas,w-iw_div_2,l-end", /number or expression for w/],
    ["l-text,i-Hi,fs-0,l-end", /positive integer for fs/],
    ["l-text,i-Hi,fs-cw_div_2,l-end", /number or expression for fs/],
    ["l-text,i-Hi,co-nocolour,l-end", /colour such as .* for co/],
    ["l-text,i-Hi,ia-middle,l-end", /for ia/],
    ["l-text,i-Hi,pa-1_2_3_4_5,l-end", /1 to 4 lengths for pa/],
    ["l-text,i-Hi,tg-b_u,l-end", /for tg/],
    ["l-text,i-Hi,al-0,l-end", /integer from 1 to 9 for al/],
    ["l-text,i-Hi,h-50,l-end", /'h' outside of layers of text/],
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
    assert.equal(parseChain(nested(3)).steps.length, 1);
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

describe("url-imagekit: requests that cannot be met", () => {
  const rows: [chain: string, capability: string][] = [
    ["l-video,i-a.mp4,l-end", "layers on pictures (l-video)"],
    ["l-subtitles,i-a.srt,l-end", "layers on pictures (l-subtitles)"],
    ["if-ar_gt_1,dn-50,if-end", "this output parameter in conditions (dn)"],
    ["if-ar_gt_1,f-auto,if-end", "this output parameter in conditions (f)"],
    ["if-ar_gt_1,orig-true,if-end", "this output parameter in conditions (orig)"],
    ["e-bgremove", "background removal (e-bgremove)"],
    ["e-edit-prompt-a%20cat", "generative editing"],
    ["w-5,h-5,cm-pad_resize,bg-genfill-prompt-sea", "generated backgrounds"],
    ["w-5,h-5,fo-car", "focus on objects (fo-car)"],
    ["w-5,h-5,fo-person_trafficLight", "focus on objects"],
    ["pg-1_3_5", "several pages"],
    ["pg-2_3-4", "several pages"],
    ['pg-name-"layer-4"', "layers of a picture"],
    ["c2pa-true", "content credentials"],
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
      codeThrown(() => parseChain("e-upscale:w-abc")),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("fo-car:w-abc")),
      "EINVAL",
    );
  });
});
