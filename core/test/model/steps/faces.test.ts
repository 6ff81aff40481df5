import assert from "node:assert/strict";
import fc from "fast-check";
import type { Size } from "../../../src/model/expression.ts";
import { DEFAULT_LIMITS } from "../../../src/model/limits.ts";
import type { FaceBox } from "../../../src/model/render-context.ts";
import type { Box } from "../../../src/model/steps/box.ts";
import { createBuiltInRegistry } from "../../../src/model/steps/built-in.ts";
import { facesAfter } from "../../../src/model/steps/follow.ts";
import { extractGeometry, resizeGeometry } from "../../../src/model/steps/geometry.ts";
import { measure } from "../../../src/model/steps/measure.ts";
import type { Op, Step, StepOf } from "../../../src/model/transformation.ts";

const PICTURE: Size = { width: 1000, height: 500 };
const face = (left: number, top: number, width: number, height: number): FaceBox => ({
  left: left / 1000,
  top: top / 500,
  width: width / 1000,
  height: height / 500,
});
const box = (left: number, top: number, width: number, height: number): Box => ({ left, top, width, height });

const cover = (request: Partial<StepOf<"resize">>, faces: readonly FaceBox[]) =>
  resizeGeometry(
    { op: "resize", fit: "cover", enlarge: true, focus: "faces", ...request },
    { original: PICTURE, current: PICTURE, faces },
  );
const window = (request: Partial<StepOf<"extract">>, faces: readonly FaceBox[]) =>
  extractGeometry(
    { op: "extract", outside: "clip", shrink: true, focus: "faces", ...request },
    { original: PICTURE, current: PICTURE, faces },
  );

describe("crops around faces", () => {
  it("have the face in their middle", () => {
    const { left, top, width, height } = window({ width: 200, height: 200 }, [face(600, 200, 50, 60)]);
    assert.deepEqual({ left, top, width, height }, box(525, 130, 200, 200));
    assert.deepEqual(cover({ width: 250, height: 250 }, [face(600, 200, 50, 60)]).at, { left: 188, top: 0 });
  });

  it("stop at the edges", () => {
    const { left, top } = window({ width: 200, height: 200 }, [face(10, 440, 50, 60)]);
    assert.deepEqual({ left, top }, { left: 0, top: 300 });
  });

  it("contain all faces that fit, else the largest", () => {
    const faces = [face(300, 100, 40, 40), face(420, 200, 60, 60)];
    const both = window({ width: 200, height: 200 }, faces);
    assert.deepEqual([both.left, both.top], [290, 80]);
    const one = window({ width: 100, height: 100 }, faces);
    assert.deepEqual([one.left, one.top], [400, 180]);
  });

  it("stay at the centre where there is none", () => {
    assert.equal(cover({ width: 100, height: 100 }, []).at, undefined);
    const { left, top } = window({ width: 200, height: 100 }, []);
    assert.deepEqual([left, top], [400, 200]);
  });

  it("zoom in and out, and keep their size", () => {
    const faces = [face(500, 200, 40, 40)];
    const near = window({ width: 200, height: 100, zoom: 2 }, faces);
    assert.deepEqual(near, {
      ...box(470, 195, 100, 50),
      scaled: { width: 200, height: 100 },
      size: { width: 200, height: 100 },
    });
    const far = window({ width: 200, height: 100, zoom: 0.5 }, faces);
    assert.deepEqual(far, {
      ...box(320, 120, 400, 200),
      scaled: { width: 200, height: 100 },
      size: { width: 200, height: 100 },
    });
    const closer = cover({ width: 100, height: 100, zoom: 4 }, faces);
    assert.deepEqual(closer.window, box(458, 158, 125, 125));
    assert.deepEqual(closer.size, { width: 100, height: 100 });
    // There is no more of it to show.
    assert.equal(cover({ width: 100, height: 100, zoom: 0.5 }, faces).window, undefined);
  });

  it("are not enlarged where that is not wanted", () => {
    const { size } = cover({ width: 400, height: 400, zoom: 5, enlarge: false }, [face(500, 200, 40, 40)]);
    assert.deepEqual(size, { width: 100, height: 100 });
  });

  it("pad what a zoomed window has beside the picture", () => {
    const wide = window({ width: 400, height: 400, zoom: 0.5, outside: "pad" }, [face(500, 200, 40, 40)]);
    assert.deepEqual(wide, {
      ...box(120, 0, 800, 500),
      scaled: { width: 400, height: 250 },
      canvas: box(0, 75, 400, 400),
      size: { width: 400, height: 400 },
    });
  });

  it("are as large as the faces where no size is given", () => {
    const faces = [face(300, 100, 40, 40), face(420, 200, 60, 60)];
    const size = (request: Partial<StepOf<"extract">>) => {
      const { left, top, width, height } = window(request, faces);
      return box(left, top, width, height);
    };
    assert.deepEqual(size({}), box(300, 100, 180, 160));
    assert.deepEqual(size({ ratio: 2 }), box(230, 100, 320, 160));
    assert.deepEqual(size({ ratio: 0.5 }), box(300, 0, 180, 360));
    assert.deepEqual(size({ zoom: 0.5 }), box(210, 20, 360, 320));
    assert.deepEqual(size({ zoom: 0.1 }), box(0, 0, 1000, 500));
    assert.deepEqual(size({ zoom: 0.1, ratio: 1 }), box(140, 0, 500, 500));
  });

  it("without size and faces are the picture, or all of it that has the ratio", () => {
    assert.deepEqual(window({}, []).size, PICTURE);
    assert.deepEqual(window({ ratio: 1 }, []).size, { width: 500, height: 500 });
  });

  it("lie in the picture and contain what fits, for any request", () => {
    const part = fc.double({ min: 0, max: 0.9, noNaN: true });
    const one = fc
      .record({ left: part, top: part, width: part, height: part })
      .map(({ left, top, width, height }) => ({
        left,
        top,
        width: Math.max(0.001, Math.min(width, 1 - left)),
        height: Math.max(0.001, Math.min(height, 1 - top)),
      }));
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.constantFrom(0.1, 0.7, 1, 1.5, 40),
        fc.boolean(),
        (faces, width, height, zoom, enlarge) => {
          const { scaled, crop, at, window: before, size } = cover({ width, height, zoom, enlarge }, faces);
          const lies = before ?? { ...(crop as Size), ...(at as { left: number; top: number }) };
          const outer = before ? PICTURE : scaled;
          assert.ok(lies.left >= 0 && lies.left + lies.width <= outer.width, "across");
          assert.ok(lies.top >= 0 && lies.top + lies.height <= outer.height, "down");
          assert.ok(size.width >= 1 && size.height >= 1);
          const piece = window({ width, height, zoom }, faces);
          assert.ok(piece.left >= 0 && piece.left + piece.width <= PICTURE.width);
          assert.ok(piece.top >= 0 && piece.top + piece.height <= PICTURE.height);
          const tight = window({ zoom, ratio: width / height }, faces);
          assert.ok(tight.left >= 0 && tight.left + tight.width <= PICTURE.width);
          assert.ok(tight.top >= 0 && tight.top + tight.height <= PICTURE.height);
        },
      ),
    );
  });
});

describe("faces in the steps after", () => {
  const faces = [face(600, 200, 100, 50)];
  const after = (step: Step) =>
    facesAfter(step, { original: PICTURE, current: PICTURE, faces }, createBuiltInRegistry())?.map(rounded);
  const rounded = ({ left, top, width, height }: FaceBox) =>
    [left, top, width, height].map((value) => Math.round(value * 1000) / 1000);

  it("are where their pixels are", () => {
    const at = { from: "corner", x: 500, y: 100 } as const;
    const cut = { op: "extract", width: 200, height: 200, at, outside: "error", shrink: true } as const;
    assert.deepEqual(after(cut), [[0.5, 0.5, 0.5, 0.25]]);
    assert.deepEqual(after({ op: "flip", horizontal: true, vertical: true }), [[0.3, 0.5, 0.1, 0.1]]);
    assert.deepEqual(after({ op: "rotate", angle: 90 }), [[0.5, 0.6, 0.1, 0.1]]);
    assert.deepEqual(after({ op: "rotate", angle: 180 }), [[0.3, 0.5, 0.1, 0.1]]);
    assert.deepEqual(after({ op: "grayscale" }), [[0.6, 0.4, 0.1, 0.1]]);
    const resize = { op: "resize", width: 500, height: 500, enlarge: true } as const;
    assert.deepEqual(after({ ...resize, fit: "fill" }), [[0.6, 0.4, 0.1, 0.1]]);
    assert.deepEqual(after({ ...resize, fit: "cover", focus: "right" }), [[0.2, 0.4, 0.2, 0.1]]);
    assert.deepEqual(after({ ...resize, fit: "contain" }), [[0.6, 0.45, 0.1, 0.05]]);
    const color = { r: 0, g: 0, b: 0, alpha: 1 };
    assert.deepEqual(after({ op: "border", width: 250, color }), [[0.567, 0.45, 0.067, 0.05]]);
  });

  it("are gone where they were cut off", () => {
    const at = { from: "corner", x: 0, y: 0 } as const;
    const cut = { op: "extract", width: 500, height: 200, at, outside: "error", shrink: true } as const;
    assert.deepEqual(after(cut), []);
  });

  it("are where the definition of a plugin's step puts them", () => {
    const own = createBuiltInRegistry();
    const schema = own.get("grayscale")?.schema as never;
    own.define("quiet" as Op, { schema, faces: "stay" } as never);
    own.define("moving" as Op, { schema, faces: () => [face(0, 0, 100, 50)] } as never);
    own.define("silent" as Op, { schema } as never);
    const stage = { original: PICTURE, current: PICTURE, faces };
    const follow = (op: string) => facesAfter({ op } as unknown as Step, stage, own);
    assert.deepEqual(follow("quiet"), faces);
    assert.deepEqual(follow("moving"), [face(0, 0, 100, 50)]);
    assert.equal(follow("silent"), undefined);
    assert.equal(facesAfter({ op: "grayscale" }, { original: PICTURE, current: PICTURE }, own), undefined);
  });

  it("are unknown if only the pixels decide", () => {
    assert.equal(after({ op: "trim", tolerance: 10 }), undefined);
    const cut = { op: "extract", width: 500, height: 200, outside: "error", shrink: true } as const;
    assert.equal(after({ ...cut, focus: "attention" }), undefined);
  });

  it("give sizes in a measured chain", () => {
    const steps: Step[] = [
      { op: "rotate", angle: 90 },
      { op: "extract", focus: "faces", outside: "clip", shrink: true },
    ];
    const sizes = (known?: readonly FaceBox[]) =>
      measure({ steps, output: {} }, PICTURE, createBuiltInRegistry(), DEFAULT_LIMITS, {
        ...(known && { faces: known }),
      });
    assert.deepEqual(sizes(faces)[1], { width: 50, height: 100 });
    assert.deepEqual(sizes()[1], { width: 500, height: 1000 });
  });
});
