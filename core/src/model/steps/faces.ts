import type { Size } from "../expression.ts";
import type { FaceBox } from "../render-context.ts";
import type { Box, Corner } from "./box.ts";

/** The nearest whole number to `value` that is not outside. */
export const between = (least: number, value: number, most: number) =>
  Math.max(least, Math.min(Math.round(value), most));

const inPixels = ({ left, top, width, height }: FaceBox, picture: Size): Box => ({
  left: left * picture.width,
  top: top * picture.height,
  width: width * picture.width,
  height: height * picture.height,
});

/** The smallest box that holds all faces, in pixels, not rounded. */
export function around(faces: readonly FaceBox[], picture: Size): Box {
  const boxes = faces.map((face) => inPixels(face, picture));
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  return {
    left,
    top,
    width: Math.max(...boxes.map((box) => box.left + box.width)) - left,
    height: Math.max(...boxes.map((box) => box.top + box.height)) - top,
  };
}

/**
 * Upper left corner of a window that has the faces in its middle, as far as the picture reaches. Where they do not all fit
 * into it, it looks at the largest. Along an axis on which the window is larger than the picture, the picture is in its middle.
 */
export function windowOn(faces: readonly FaceBox[], picture: Size, window: Size): Corner {
  const all = around(faces, picture);
  const fit = all.width <= window.width && all.height <= window.height;
  const box = fit ? all : inPixels(largest(faces), picture);
  const along = (start: number, length: number, inner: number, outer: number) =>
    inner > outer ? Math.trunc((outer - inner) / 2) : between(0, start + (length - inner) / 2, outer - inner);
  return {
    left: along(box.left, box.width, window.width, picture.width),
    top: along(box.top, box.height, window.height, picture.height),
  };
}

function largest(faces: readonly FaceBox[]): FaceBox {
  return faces.reduce((best, face) => (face.width * face.height > best.width * best.height ? face : best));
}
