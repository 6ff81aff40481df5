import assert from "node:assert/strict";
import { DEFAULT_LIMITS } from "../../../src/model/limits.ts";
import type { builtInSteps } from "../../../src/model/steps/built-in.ts";
import { createBuiltInRegistry } from "../../../src/model/steps/built-in.ts";
import { measure } from "../../../src/model/steps/measure.ts";
import type { StepDefinition } from "../../../src/model/steps/registry.ts";
import type { Op, Output, Step, StepOf } from "../../../src/model/transformation.ts";

const registry = createBuiltInRegistry();
const definition = (op: string) => registry.get(op) as StepDefinition<Step>;

/** One of each operation, complete and valid. */
const EXAMPLES: { readonly [K in keyof typeof builtInSteps]: StepOf<K> } = {
  frame: { op: "frame", page: 2 },
  clip: { op: "clip", start: 1, duration: ["div", "originalDuration", 2] },
  speed: { op: "speed", factor: 2 },
  volume: { op: "volume", gain: 0.5 },
  resize: {
    op: "resize",
    width: 300,
    height: ["div", "originalHeight", 2],
    fit: "contain",
    enlarge: true,
    dpr: 2,
    focus: "left",
  },
  extract: {
    op: "extract",
    width: 300,
    at: { from: "center", x: 1, y: "currentHeight" },
    outside: "pad",
    shrink: true,
  },
  rotate: { op: "rotate", angle: 45, background: { kind: "color", color: { r: 1, g: 2, b: 3, alpha: 0.5 } } },
  flip: { op: "flip", horizontal: true, vertical: false },
  blur: { op: "blur", sigma: 3 },
  grayscale: { op: "grayscale" },
  contrast: { op: "contrast" },
  sharpen: { op: "sharpen", amount: 20 },
  unsharp: { op: "unsharp", radius: 1, sigma: 1, amount: 2, threshold: 0 },
  trim: { op: "trim", tolerance: 10 },
  border: { op: "border", width: ["mul", "currentWidth", 0.05], color: { r: 1, g: 2, b: 3, alpha: 1 } },
  round: { op: "round", radius: [1, 2, 3, 4] },
  opacity: { op: "opacity", value: 0.5 },
  flatten: { op: "flatten", background: { kind: "gradient", colors: 4 } },
  gradient: {
    op: "gradient",
    angle: 180,
    from: { r: 255, g: 255, b: 255, alpha: 1 },
    to: { r: 0, g: 0, b: 0, alpha: 0 },
    stop: ["div", "currentHeight", 2],
  },
  distort: {
    op: "distort",
    mode: "perspective",
    corners: [
      [10, 10],
      [90, 0],
      [100, 100],
      [-5, 80],
    ],
  },
  shadow: { op: "shadow", sigma: 5, strength: 0.3, x: 0.02, y: -0.02 },
  colorize: { op: "colorize", color: { r: 255, g: 0, b: 0, alpha: 1 }, intensity: 0.5 },
  recolor: { op: "recolor", to: { r: 255, g: 0, b: 0, alpha: 1 }, tolerance: 35 },
  overlay: {
    op: "overlay",
    layer: {
      kind: "color",
      color: { r: 1, g: 2, b: 3, alpha: 1 },
      width: ["div", "parentWidth", 2],
      steps: [],
    },
    place: { x: { by: 5, of: "edge", fromEnd: true } },
    blend: { mode: "displace", x: 5, y: 0 },
  },
  write: { op: "write", output: { format: "png", quality: 50, lossless: true } },
  when: {
    op: "when",
    if: {
      all: [
        { left: "originalWidth", is: "gt", right: 100 },
        { any: [{ left: "originalRatio", is: "lte", right: 1 }] },
      ],
    },
    // biome-ignore lint/suspicious/noThenProperty: the word of the model.
    then: [{ op: "blur", sigma: 3 }],
    else: [],
  },
};

/** Places as `x,y` in a row. */
const corners = (text: string) => text.split(" ").map((pair) => pair.split(",").map(Number));

async function problems(step: unknown): Promise<number> {
  const { op } = step as { op: string };
  const result = await definition(op).schema["~standard"].validate(step);
  return result.issues?.length ?? 0;
}

const canonical = (step: Step) => {
  const { canonical: change } = definition(step.op);
  return change ? change(step) : step;
};

describe("built-in steps", () => {
  it("know themselves", async () => {
    assert.deepEqual(Object.keys(EXAMPLES).sort(), [...registry.list()].sort());
    for (const step of Object.values(EXAMPLES)) assert.equal(await problems(step), 0, step.op);
  });

  it("refuse unknown fields, missing ones and wrong values", async () => {
    for (const step of Object.values(EXAMPLES)) {
      assert.ok((await problems({ ...step, surprise: 1 })) > 0, step.op);
    }
    for (const step of [
      { op: "frame", page: 0 },
      { op: "resize", width: Number.NaN, fit: "cover", enlarge: true },
      { op: "resize", width: "wide", fit: "cover", enlarge: true },
      { op: "resize", width: ["add", 1], fit: "cover", enlarge: true },
      { op: "resize", fit: "crop", enlarge: true },
      { op: "extract", outside: "pad" },
      { op: "blur", sigma: -1 },
      { op: "trim", tolerance: 100 },
      { op: "round", radius: [1, 2, 3] },
      { op: "opacity", value: 2 },
      { op: "flatten", background: { kind: "color", color: { r: 256, g: 0, b: 0, alpha: 1 } } },
      { op: "distort", mode: "arc", angle: 0 },
      { op: "distort", mode: "arc", angle: 361 },
      { ...EXAMPLES.distort, corners: corners("0,0 9,9 9,0 0,9") },
      { ...EXAMPLES.distort, corners: corners("0,0 9,0 3,3 0,9") },
      { ...EXAMPLES.distort, corners: corners("0,0 9,0 18,0 0,9") },
      { ...EXAMPLES.distort, corners: corners("0,0 0,0 9,9 0,9") },
      { ...EXAMPLES.distort, corners: corners("0,0 9,0 9,9") },
      { ...EXAMPLES.shadow, x: 1.01 },
      { ...EXAMPLES.colorize, intensity: 100 },
      { ...EXAMPLES.recolor, tolerance: 101 },
      { ...EXAMPLES.when, if: { all: [] } },
    ]) {
      assert.ok((await problems(step)) > 0, JSON.stringify(step));
    }
  });

  it("drop what changes nothing", () => {
    const nothing: Step[] = [
      { op: "resize", ratio: 2, fit: "cover", enlarge: true },
      { op: "rotate", angle: -720 },
      { op: "flip", horizontal: false, vertical: false },
      { op: "blur", sigma: 0 },
      { op: "sharpen", amount: 0 },
      { op: "border", width: ["sub", 5, 5], color: { r: 0, g: 0, b: 0, alpha: 1 } },
      { op: "round", radius: [0, 0, 0, 0] },
      { op: "opacity", value: 1 },
      { ...EXAMPLES.gradient, from: EXAMPLES.gradient.to },
      { ...EXAMPLES.shadow, strength: 0 },
      { ...EXAMPLES.colorize, intensity: 0 },
    ];
    for (const step of nothing) assert.equal(canonical(step), undefined, step.op);
  });

  it("make equal requests equal", () => {
    const plain: Step = { op: "resize", width: 300, fit: "inside", enlarge: true };
    for (const step of [
      { ...plain, fit: "cover" },
      { ...plain, fit: "contain", focus: "left" },
      { ...plain, rounding: "up" },
      { ...plain, width: ["mul", 150, 2], dpr: 1 },
    ] as Step[]) {
      assert.deepEqual(canonical(step), plain);
    }
    const both: Step = { op: "resize", width: 30, height: 20, fit: "cover", enlarge: true };
    assert.deepEqual(canonical({ ...both, ratio: 2, focus: "center" }), both);
    assert.deepEqual(canonical({ ...both, background: { kind: "dominant" } }), both);
    assert.deepEqual(canonical({ op: "rotate", angle: -90, background: { kind: "dominant" } }), {
      op: "rotate",
      angle: 270,
    });
    const window: Step = { op: "extract", at: { from: "corner", x: 3, y: 0 }, outside: "clip", shrink: true };
    assert.deepEqual(
      canonical({ ...window, shrink: false, focus: "top", background: { kind: "dominant" } }),
      window,
    );
  });

  it("keep apart what differs, and are canonical already when they come out", () => {
    for (const step of Object.values(EXAMPLES) as Step[]) {
      const once = canonical(step);
      assert.ok(once);
      assert.deepEqual(canonical(once), once, step.op);
    }
    const single: Step = { op: "resize", width: 300, ratio: 2, fit: "contain", enlarge: true };
    assert.deepEqual(canonical(single), single);
    assert.deepEqual(canonical({ op: "resize", width: ["div", 1, 0], fit: "inside", enlarge: true }), {
      op: "resize",
      width: ["div", 1, 0],
      fit: "inside",
      enlarge: true,
    });
  });

  it("take no second definition of a name", () => {
    assert.throws(() => createBuiltInRegistry().define("blur" as Op, definition("blur") as never), {
      code: "ECONFIG",
    });
  });
});

describe("measure", () => {
  const sizes = (steps: readonly Step[], limits = {}, output: Output = {}, more = {}) =>
    measure(
      { steps, output },
      { width: 640, height: 865 },
      registry,
      { ...DEFAULT_LIMITS, ...limits },
      more,
    ).map(({ width, height }) => `${width}x${height}`);
  const wide = (width: number): Step => ({ op: "resize", width, height: 10, fit: "fill", enlarge: true });
  const color = { r: 0, g: 0, b: 0, alpha: 1 };

  it("gives the size after each step", () => {
    assert.deepEqual(
      sizes([
        EXAMPLES.frame,
        { op: "resize", width: 320, fit: "inside", enlarge: true },
        { op: "rotate", angle: 90 },
        { op: "border", width: ["div", "currentHeight", 32], color },
        EXAMPLES.trim,
        { op: "extract", width: ["div", "originalWidth", 2], height: 20, outside: "error", shrink: true },
      ]),
      ["640x865", "320x433", "433x320", "453x340", "453x340", "320x20"],
    );
  });

  it("uses third parties' definitions too", () => {
    const own = createBuiltInRegistry();
    const doubled = {
      ...definition("grayscale"),
      size: (_step: Step, { current }: { current: { width: number; height: number } }) => ({
        width: current.width * 2,
        height: current.height,
      }),
    };
    own.define("doubled" as Op, doubled as never);
    const step = { op: "doubled" } as unknown as Step;
    const [size] = measure({ steps: [step], output: {} }, { width: 4, height: 3 }, own, DEFAULT_LIMITS);
    assert.deepEqual(size, { width: 8, height: 3 });
  });

  it("follows conditions, step by step", () => {
    const when = (right: number, inner: readonly Step[]): Step => ({
      op: "when",
      if: {
        any: [
          { left: "currentWidth", is: "lt", right },
          { all: [{ left: "originalRatio", is: "gte", right: 1 }] },
        ],
      },
      // biome-ignore lint/suspicious/noThenProperty: the word of the model.
      then: inner,
      else: [],
    });
    const half: Step = { op: "resize", width: ["div", "currentWidth", 2], fit: "inside", enlarge: true };
    assert.deepEqual(sizes([when(640, [half])]), ["640x865"]);
    assert.deepEqual(sizes([when(641, [half, half]), when(161, [half])]), ["160x217", "80x109"]);
    assert.throws(() => sizes([when(641, [{ ...half, width: 20000 }])]), { code: "ELIMIT" });
    assert.throws(() => sizes([{ ...EXAMPLES.when, if: { left: "parentWidth", is: "eq", right: 1 } }]), {
      code: "EINVAL",
    });
  });

  it("refuses too many pixels at any step, all frames together", () => {
    const up: Step = { op: "resize", width: 6400, fit: "inside", enlarge: true };
    const down: Step = { op: "resize", width: 64, fit: "inside", enlarge: true };
    assert.throws(() => sizes([up, down], { outputMegapixels: 50 }), {
      code: "ELIMIT",
      message: /after resize/,
    });
    assert.deepEqual(sizes([up, down]), ["6400x8650", "64x87"]);
    assert.throws(() => sizes([up, down], {}, {}, { frames: 2 }), { code: "ELIMIT" });
    assert.throws(() => sizes([{ op: "grayscale" }], { outputMegapixels: 0.5 }), { code: "ELIMIT" });
  });

  it("refuses sides that are too long, later for JPEG and PNG requested by name", () => {
    assert.deepEqual(sizes([wide(16383)]), ["16383x10"]);
    assert.throws(() => sizes([wide(16384)]), { code: "ELIMIT" });
    assert.throws(() => sizes([wide(16384)], {}, { format: "webp" }), { code: "ELIMIT" });
    assert.deepEqual(sizes([wide(65535)], {}, { format: "png" }), ["65535x10"]);
    assert.throws(() => sizes([wide(65536)], {}, { format: "jpeg" }), { code: "ELIMIT" });
  });

  it("does not blame a step for a side that was long before", () => {
    const long = { width: 20000, height: 10 };
    const steps: Step[] = [
      { op: "blur", sigma: 1 },
      { op: "rotate", angle: 90 },
    ];
    const after = measure({ steps, output: {} }, long, registry, DEFAULT_LIMITS);
    assert.deepEqual(after.at(-1), { width: 10, height: 20000 });
  });

  it("refuses a step that fits no picture of that size", () => {
    const window: Step = { op: "extract", width: 900, outside: "error", shrink: true };
    assert.throws(() => sizes([window]), { code: "EINVAL" });
  });
});
