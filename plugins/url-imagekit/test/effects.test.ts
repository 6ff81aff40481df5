import { paint, RED, square, table } from "./helpers.ts";

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
