import type { Size } from "../expression.ts";
import type { FocusBox } from "../render-context.ts";
import type { Focus, Step, StepOf } from "../transformation.ts";
import type { Box } from "./box.ts";
import { boxesFor, type ExtractGeometry, placeAt, type ResizeGeometry, rotatedSize } from "./geometry.ts";
import type { Stage, StageWithFaces, StepRegistry } from "./registry.ts";

/** Where faces and focal point are after a step. `undefined`: none was known, or only pixels tell. */
export function facesAfter(
  step: Step,
  stage: Stage,
  registry: StepRegistry,
): readonly FocusBox[] | undefined {
  const { faces } = stage;
  if (!faces) return undefined;
  const follow = registry.get(step.op)?.faces;
  return follow === "stay" ? faces : follow?.(step, { ...stage, faces });
}

export function facesAfterResize(
  step: StepOf<"resize">,
  { faces, current }: StageWithFaces,
  { scaled, crop, at, canvas, window }: ResizeGeometry,
): readonly FocusBox[] | undefined {
  if (window) return facesIn(faces, current, window);
  if (canvas) return facesIn(faces, scaled, from({ ...canvas, ...placeAt(step.focus, canvas, scaled) }));
  if (!crop) return faces;
  if (!at && isSearched(step.focus) && !same(crop, scaled)) return undefined;
  return facesIn(faces, scaled, { ...crop, ...(at ?? placeAt(step.focus, scaled, crop, step.rounding)) });
}

export function facesAfterExtract(
  step: StepOf<"extract">,
  stage: StageWithFaces,
  { canvas, scaled, size: _size, ...box }: ExtractGeometry,
): readonly FocusBox[] | undefined {
  const { faces, current } = stage;
  const known = step.at !== undefined || boxesFor(step, stage) !== undefined;
  if (!known && isSearched(step.focus) && !same(box, current)) return undefined;
  const left = facesIn(faces, current, box);
  const piece = scaled ?? box;
  return canvas ? facesIn(left, piece, from(canvas)) : left;
}

const same = (a: Size, b: Size) => a.width === b.width && a.height === b.height;

/** Whether pixels decide where a crop lies, when no faces do. */
const isSearched = (focus: Focus | undefined) =>
  focus === "attention" || focus === "entropy" || focus === "faces";

/** A canvas, seen from the picture that lies on it. */
const from = ({ left, top, width, height }: Box): Box => ({ left: -left, top: -top, width, height });

/** What of the faces is to be seen in a box of the picture, which may be larger than it; the focal point if it lies in the box. */
export function facesIn(faces: readonly FocusBox[], picture: Size, box: Box): readonly FocusBox[] {
  return faces
    .map(({ left, top, width, height, ...kind }) => {
      const along = (start: number, length: number, begin: number, room: number, outer: number) => {
        const first = Math.max(0, (start * outer - begin) / room);
        return [first, Math.min(1, ((start + length) * outer - begin) / room) - first] as const;
      };
      const [x, w] = along(left, width, box.left, box.width, picture.width);
      const [y, h] = along(top, height, box.top, box.height, picture.height);
      return { left: x, top: y, width: w, height: h, ...kind };
    })
    .filter(({ width, height, isFocalPoint }) =>
      isFocalPoint ? width >= 0 && height >= 0 : width > 0 && height > 0,
    );
}

/** The box around a face in a picture turned clockwise. */
export function turned(face: FocusBox, picture: Size, degrees: number): FocusBox {
  const { left, top, width, height } = face;
  const canvas = rotatedSize(picture, degrees);
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const corners = [left, left + width].flatMap((x) =>
    [top, top + height].map((y) => {
      const across = (x - 0.5) * picture.width;
      const down = (y - 0.5) * picture.height;
      return {
        x: (across * cos - down * sin) / canvas.width + 0.5,
        y: (across * sin + down * cos) / canvas.height + 0.5,
      };
    }),
  );
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { ...face, left: x, top: y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}
