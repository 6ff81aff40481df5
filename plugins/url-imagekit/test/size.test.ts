import { square, table } from "./helpers.ts";

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
      {
        ...square,
        width: ["mul", "originalWidth", 0.5],
        height: ["mul", "originalHeight", 0.25],
        fit: "cover",
        enlarge: true,
      },
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
    ["h-10,ar-car", { op: "resize", height: 10, ratio: "currentRatio", fit: "cover", enlarge: true }],
    ["w-300,h-200,ar-1-1", { ...square, fit: "cover", enlarge: true }],
    ["ar-1-1"],
    ["c-force,cm-extract,x-5"],
    ["w-300,h-200,dpr-1.5", { ...square, dpr: 1.5, fit: "cover", enlarge: true }],
    [
      "w-300,h-200,dpr-iw_div_100",
      { ...square, dpr: ["div", "originalWidth", 100], fit: "cover", enlarge: true },
    ],
    ["dpr-2"],
    ["dpr-iw_div_100"],
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
    ["w-300,h-200,fo-face,z-1.5", { ...square, fit: "cover", enlarge: true, focus: "faces", zoom: 1.5 }],
    ["w-300,h-200,fo-auto,z-2", { ...square, fit: "cover", enlarge: true, focus: "attention" }],
    [
      "w-300,h-200,cm-extract,fo-face,z-0.5",
      { ...square, op: "extract", focus: "faces", zoom: 0.5, outside: "clip", shrink: true },
    ],
    ["fo-face", { op: "extract", focus: "faces", outside: "clip", shrink: true }],
    [
      "fo-face,ar-2_1,z-2",
      { op: "extract", ratio: 2, focus: "faces", zoom: 2, outside: "clip", shrink: true },
    ],
    ["w-300,fo-face", { op: "resize", width: 300, fit: "inside", enlarge: true }],
    ["w-auto,fo-face"],
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
        at: { from: "center", x: 10, y: ["div", "originalHeight", 2] },
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
