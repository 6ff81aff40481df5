import assert from "node:assert/strict";
import { DEFAULT_LIMITS } from "@mediatap/core";
import fc from "fast-check";
import { parseChain } from "../src/index.ts";
import { admitted, codeThrown, jobOf, namedChains } from "./helpers.ts";

/** What a client may send: any bytes, as Node shows them, and texts close to the language. */
const bytes = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 200,
});
const pieces = fc
  .array(
    fc.constantFrom(
      ..."w- h- ar- 4:3 , : / ? & = % %2F %00 tr: l-image l-text ,l-end if-w_gt_1 ,if-else ,if-end n-thumb e- e-usm- N _ iw mul . .. @@ di- bg- ik-seo ik-s= ik-t= tr= https: https%3A%2F%2F ik-thumbnail.jpg ik-video.mp4 ik-master.m3u8 ik-track-240.m3u8 ik-track- so- sr-240 l-video l-subtitles v.mp4 a.jpg 1 0.5 99999999999999999999".split(
        " ",
      ),
    ),
    { maxLength: 40 },
  )
  .map((list) => list.join(""));

describe("url-imagekit: any input", () => {
  it("gives a job whose path a storage may see, or an error of ours", () => {
    const endpoint = {
      privateKeys: ["key"],
      restrictUnnamed: true,
      namedTransformations: namedChains({ thumb: "w-5" }),
    };
    fc.assert(
      fc.property(fc.oneof(bytes, pieces, fc.string()), (url) => {
        const code = codeThrown(() => {
          const { kind, path } = jobOf(`a/${url}`).asset;
          if (kind === "url") return;
          for (const name of path.split("/")) {
            assert.ok(
              name !== "" && !name.startsWith(".") && !/[\\\p{Cc}]/u.test(name),
              JSON.stringify(path),
            );
          }
        });
        assert.ok(code === undefined || code === "EINVAL" || code === "ENOENT", code);
        codeThrown(() => admitted(`a/${url}`, { endpoint }));
      }),
      { numRuns: 5000 },
    );
  });

  // Sixteen times the longest URL: a regular expression that backtracks does not end in time.
  const floods = [
    ":",
    ",",
    "l-",
    "l-image,",
    "if-",
    "if-w_gt_1,",
    "(",
    " ",
    "ar-4:",
    "ar-4",
    "ar-4:3,",
    "w-1,",
    "w-1:",
    "_",
    "w-iw_add_",
    "n-thumb,",
    "%",
    "%2",
    "%41",
    "9",
    "0.",
    "@",
    "@@",
    "di-@@",
    "bg-blurred_",
    "sr-240_",
    "240_",
    "l-video,",
    "/ik-video.mp4",
    "ik-track-",
    "tr:",
    "tr:l-a/",
    "/",
    "&",
    "&ik-s",
    "&tr",
    "é",
  ];
  for (const piece of floods) {
    it(`comes to an end on a flood of ${JSON.stringify(piece)}`, () => {
      const text = piece.repeat(Math.ceil((16 * DEFAULT_LIMITS.urlBytes) / piece.length));
      const endpoint = { privateKeys: ["key"] };
      for (const prefix of ["", "w-", "ar-", "l-text,i-", "if-", "bg-", "e-usm-", "w-iw_"]) {
        codeThrown(() => parseChain(prefix + text));
      }
      codeThrown(() => admitted(`tr:${text}/a.jpg`, { endpoint }));
      codeThrown(() => admitted(`a.jpg?tr=${text}&ik-s=1`, { endpoint }));
      codeThrown(() => jobOf(text));
      codeThrown(() => jobOf(`v.mp4/ik-track-${text}.m3u8`));
      codeThrown(() => jobOf(`v.mp4/ik-master.m3u8?tr=sr-${text}`));
    });
  }
});
