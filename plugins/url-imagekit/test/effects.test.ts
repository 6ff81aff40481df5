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
    ["b-cw_mul_0.05_FF0000", { op: "border", width: ["mul", "currentWidth", 0.05], color: RED }],
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

describe("url-imagekit: effects with parts", () => {
  const white = { r: 255, g: 255, b: 255, alpha: 1 };
  const clear = { r: 0, g: 0, b: 0, alpha: 0 };
  const gray = { r: 128, g: 128, b: 128, alpha: 1 };
  const shadow = { op: "shadow", sigma: 5, strength: 0.3, x: 0.02, y: 0.02 } as const;
  const gradient = { op: "gradient", angle: 180, from: white, to: clear, stop: 1 } as const;
  table([
    ["e-shadow", shadow],
    ["e-shadow-true", shadow],
    ["e-shadow-st-40", { ...shadow, strength: 0.4 }],
    ["e-shadow-x-N10_bl-15", { ...shadow, sigma: 7.5, x: -0.1 }],
    ["e-shadow-bl-0_st-100_x-100_y-N100", { op: "shadow", sigma: 0, strength: 1, x: 1, y: -1 }],
    ["e-gradient", gradient],
    ["e-gradient-ld-top_right_from-FF0000", { ...gradient, angle: 45, from: RED }],
    [
      "e-gradient-from-red_to-lightskyblue_sp-0.5",
      { ...gradient, from: RED, to: { r: 135, g: 206, b: 250, alpha: 1 }, stop: 0.5 },
    ],
    [
      "e-gradient-sp-40_ld-270_to-FF000050",
      { ...gradient, angle: 270, to: { ...RED, alpha: 0.5 }, stop: 40 },
    ],
    [
      "e-gradient-sp-ih_div_2_add_10_ld-bottom_left",
      { ...gradient, angle: 225, stop: ["add", ["div", "originalHeight", 2], 10] },
    ],
    ["e-gradient-ld-left_ld-0_sp-ch", { ...gradient, angle: 0, stop: "currentHeight" }],
    [
      "e-distort-p-50_50_400_10_200_500_N10_100.5",
      {
        op: "distort",
        mode: "perspective",
        corners: [
          [50, 50],
          [400, 10],
          [200, 500],
          [-10, 100.5],
        ],
      },
    ],
    ["e-distort-a-45", { op: "distort", mode: "arc", angle: 45 }],
    ["e-distort-a-N120.5", { op: "distort", mode: "arc", angle: -120.5 }],
    ["e-colorize", { op: "colorize", color: gray, intensity: 1 }],
    ["e-colorize-co-red", { op: "colorize", color: RED, intensity: 1 }],
    ["e-colorize-in-35_co-FF000050", { op: "colorize", color: { ...RED, alpha: 0.5 }, intensity: 0.35 }],
    ["cr-red", { op: "recolor", to: RED, tolerance: 35 }],
    ["cr-FF0000_0", { op: "recolor", to: RED, tolerance: 0 }],
    ["cr-FF000000_12.5_white", { op: "recolor", to: { ...RED, alpha: 0 }, tolerance: 12.5, from: white }],
    [
      "e-shadow,e-distort-a-10,e-gradient,bl-2,e-colorize,e-grayscale,cr-red,r-max,w-300,h-200",
      { ...square, fit: "cover", enlarge: true },
      { op: "recolor", to: RED, tolerance: 35 },
      { op: "grayscale" },
      { op: "colorize", color: gray, intensity: 1 },
      { op: "blur", sigma: 2 },
      gradient,
      { op: "distort", mode: "arc", angle: 10 },
      shadow,
      { op: "round", radius: "max" },
    ],
    [
      "w-300,h-200,cm-pad_resize,bg-red,e-distort-a-10",
      { ...square, fit: "contain", enlarge: true, background: paint(RED) },
      { op: "distort", mode: "arc", angle: 10 },
      { op: "flatten", background: paint(RED) },
    ],
  ]);
});
