import { MediaError } from "@mediatap/core";
import type { Blend, Gravity, Length, Offset, Place } from "@mediatap/core/steps";
import { oneOf, type Reader } from "./numbers.ts";
import { coordinate, GRAVITIES } from "./values.ts";

/** A distance; `N` in front counts it from the other edge. */
interface Distance {
  readonly length: Length;
  readonly reversed: boolean;
}

const distance: Reader<Distance> = (text, key) =>
  text.startsWith("N")
    ? { length: coordinate(text.slice(1), key), reversed: true }
    : { length: coordinate(text, key), reversed: false };

const gravity = oneOf(GRAVITIES);

/** Where a layer lies and how it blends, as parameters of the layer. */
export const PLACE = {
  lx: distance,
  ly: distance,
  lxc: distance,
  lyc: distance,
  lfo: gravity,
  lap: gravity,
  lm: oneOf(new Map((["multiply", "displace", "cutout", "cutter"] as const).map((name) => [name, name]))),
} as const;

export type PlaceValues = { readonly [K in keyof typeof PLACE]?: ReturnType<(typeof PLACE)[K]> } & {
  /** `x` and `y` beside `lm-displace`. */
  readonly "by-x"?: Length;
  readonly "by-y"?: Length;
};

export const isPlaceKey = (key: string): key is keyof typeof PLACE => Object.hasOwn(PLACE, key);

export function placeOf(values: PlaceValues): Place {
  const shifts = blendsByShift(values);
  const x = shifts ? undefined : along("x", values.lx, values.lxc, values.lap);
  const y = shifts ? undefined : along("y", values.ly, values.lyc, values.lap);
  if (!x && !y) return { gravity: values.lfo ?? "center" };
  return {
    ...(x && { x }),
    ...(y && { y }),
    ...(values.lap && values.lap !== "top-left" && { anchor: values.lap }),
  };
}

function along(
  axis: "x" | "y",
  edge: Distance | undefined,
  center: Distance | undefined,
  anchor: Gravity | undefined,
): Offset | undefined {
  if (edge && center) throw new MediaError("EINVAL", `Expected l${axis} or l${axis}c but received both`);
  const parsed = edge ?? center;
  if (!parsed) return undefined;
  const of = edge ? "edge" : "center";
  const { length, reversed } = parsed;
  if (!reversed) return { by: length, of };
  // Seen from another point than the corner, the other direction is simply less.
  if (anchor && anchor !== "top-left") return { by: negative(length), of };
  return { by: length, of, fromEnd: true };
}

export function blendOf(values: PlaceValues): Blend | undefined {
  const { lm } = values;
  if (lm === undefined) return undefined;
  if (lm !== "displace") return { mode: lm };
  const [x, y] = blendsByShift(values)
    ? [signedLength(values.lx), signedLength(values.ly)]
    : [values["by-x"] ?? 0, values["by-y"] ?? 0];
  if (x === 0 && y === 0) throw new MediaError("EINVAL", "Expected x or y for lm-displace");
  return { mode: "displace", x, y };
}

/** The documentation names `x` and `y` for how far `lm-displace` moves, SDKs send `lx` and `ly`. */
const blendsByShift = (values: PlaceValues) =>
  values.lm === "displace" && values["by-x"] === undefined && values["by-y"] === undefined;

function signedLength(distance: Distance | undefined): Length {
  if (!distance) return 0;
  return distance.reversed ? negative(distance.length) : distance.length;
}

export const negative = (length: Length): Length =>
  typeof length === "number" ? 0 - length : ["sub", 0, length];
