import type { Part } from "../../../test/suites/support/coordinates.ts";

/** Size of the image that the URLs are about. */
export const [WIDTH, HEIGHT] = [240, 160];

/** What the documentation of a service names: size, and the part that is shown. Without a part, the image is padded. */
export interface Expected {
  readonly width: number;
  readonly height: number;
  readonly part?: Part;
  /** Left out: PNG. */
  readonly format?: string;
}

/** A URL, from the root of its endpoint. */
export interface Case extends Expected {
  readonly url: string;
}

/** A part of the image in pixels. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const WHOLE: Window = { x: 0, y: 0, width: WIDTH, height: HEIGHT };

export const partOf = ({ x, y, width, height }: Window): Part => ({
  left: x / WIDTH,
  top: y / HEIGHT,
  right: (x + width) / WIDTH,
  bottom: (y + height) / HEIGHT,
});

/** A window of this size; `at` are fractions of the free space before it. */
export function windowIn(
  of: Window,
  width: number,
  height: number,
  [x, y]: readonly [number, number] = [0.5, 0.5],
): Window {
  const [w, h] = [Math.min(width, of.width), Math.min(height, of.height)];
  return { x: of.x + (of.width - w) * x, y: of.y + (of.height - h) * y, width: w, height: h };
}

/** The largest window of an aspect ratio. */
export const windowOf = (of: Window, ratio: number, at?: readonly [number, number]): Window =>
  windowIn(of, Math.min(of.width, of.height * ratio), Math.min(of.height, of.width / ratio), at);

export const shownWhole = (of: Window): Expected => ({
  width: Math.round(of.width),
  height: Math.round(of.height),
  part: partOf(of),
});

export type Fit = "inside" | "outside" | "cover" | "fill" | "contain";

export interface Sides {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** What becomes of a window that is scaled to these sides. */
export function fitted(
  fit: Fit,
  { width, height }: Sides,
  {
    enlarge,
    at,
    of = WHOLE,
  }: { readonly enlarge: boolean; readonly at?: readonly [number, number]; readonly of?: Window },
): Expected {
  if (width === undefined && height === undefined) return shownWhole(of);
  const cap = enlarge ? Number.POSITIVE_INFINITY : 1;
  const by = (factor: number): Expected => ({
    width: Math.round(of.width * Math.min(cap, factor)),
    height: Math.round(of.height * Math.min(cap, factor)),
    part: partOf(of),
  });
  const [across, down] = [(width ?? 0) / of.width, (height ?? 0) / of.height];
  if (width === undefined || height === undefined) return by(Math.max(across, down));
  switch (fit) {
    case "inside":
      return by(Math.min(across, down));
    case "outside":
      return by(Math.max(across, down));
    case "contain":
      return { width, height };
    case "fill": {
      const factor = Math.min(1, cap / Math.max(across, down));
      return { width: Math.round(width * factor), height: Math.round(height * factor), part: partOf(of) };
    }
    case "cover": {
      const factor = Math.min(1, cap / Math.max(across, down));
      return {
        width: Math.round(width * factor),
        height: Math.round(height * factor),
        part: partOf(windowOf(of, width / height, at)),
      };
    }
  }
}

export const SIZES: readonly Sides[] = [
  { width: 120 },
  { height: 90 },
  { width: 300 },
  { width: 100, height: 100 },
  { width: 60, height: 120 },
  { width: 200, height: 100 },
  { width: 300, height: 100 },
  { width: 240, height: 200 },
];

/** All pairs of two lists, merged. */
export const crossed = <A extends object, B extends object>(
  some: readonly A[],
  others: readonly B[],
): (A & B)[] => some.flatMap((one) => others.map((other) => ({ ...one, ...other })));
