import { MediaError, type Size } from "@mediatap/core";
import type { Paint, Rgba } from "@mediatap/core/steps";
import type { Piece, Wires } from "./model.ts";

export const BLACK: Rgba = { r: 0, g: 0, b: 0, alpha: 1 };

const hex = (value: number) =>
  Math.round(Math.min(255, Math.max(0, value)))
    .toString(16)
    .padStart(2, "0");

/** A colour as filters take it; what is clear in it shows black, since videos have no transparency. */
export const opaque = ({ r, g, b, alpha }: Rgba): string =>
  `0x${hex(r * alpha)}${hex(g * alpha)}${hex(b * alpha)}`;

/** Throws `EUNSUPPORTED` for a paint that has to be found in the pixels. */
export function assertPaint(paint: Paint, op: string): void {
  if (paint.kind === "color" || paint.kind === "blurred") return;
  throw new MediaError("EUNSUPPORTED", `Not supported on videos: a ${paint.kind} background of ${op}`);
}

/** Blur that hides what the copy shows, where no intensity is given: of 100. As on pictures. */
const AUTO_INTENSITY = 25;

/** Filters from a picture to a blurred copy of it that covers `canvas`: blurred small, then scaled up. */
export function blurredCopy(paint: Extract<Paint, { kind: "blurred" }>, canvas: Size): string {
  const intensity = paint.intensity === "auto" ? AUTO_INTENSITY : paint.intensity;
  const sigma = (intensity / 1000) * Math.max(canvas.width, canvas.height);
  const shrink = Math.max(1, Math.floor(sigma / 4));
  const side = (length: number) => Math.max(2, 2 * Math.ceil(length / shrink / 2));
  const small = { width: side(canvas.width), height: side(canvas.height) };
  const step = (paint.brightness * 219) / 255;
  return [
    `scale=${small.width}:${small.height}:force_original_aspect_ratio=increase`,
    `crop=${small.width}:${small.height}`,
    ...(sigma >= 0.3 ? [`gblur=sigma=${(sigma / shrink).toFixed(2)}`] : []),
    ...(paint.brightness === 0
      ? []
      : [`lutyuv=y=clip(val${step < 0 ? "" : "+"}${step.toFixed(1)}\\,16\\,235)`]),
    `scale=${canvas.width}:${canvas.height}`,
    "setsar=1",
  ].join(",");
}

/** Lays the picture on a blurred copy of itself. */
export function onBlurred(
  paint: Extract<Paint, { kind: "blurred" }>,
  canvas: Size,
  at: { readonly left: number; readonly top: number },
  before: string,
): Piece {
  return ({ from, to, label }: Wires) => {
    const [copy, picture, back, front] = [label(), label(), label(), label()];
    return [
      `[${from}]split[${copy}][${picture}]`,
      `[${copy}]${blurredCopy(paint, canvas)}[${back}]`,
      `[${picture}]${before}[${front}]`,
      `[${back}][${front}]overlay=${at.left}:${at.top}[${to}]`,
    ];
  };
}
