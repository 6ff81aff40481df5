import { MediaError, type Size } from "@mediatap/core";
import type { Paint } from "@mediatap/core/steps";
import { BLACK, opaque } from "./colour.ts";
import type { Filter, Links } from "./model.ts";

/** A paint as filters read it; black if it is none of their colours. */
export const colorOf = (paint: Paint): string => opaque(paint.kind === "color" ? paint.color : BLACK);

/** Throws `EUNSUPPORTED` for a paint that must be found in the pixels. */
export function assertPaint(paint: Paint, op: string): void {
  if (paint.kind === "color" || paint.kind === "blurred") return;
  throw new MediaError("EUNSUPPORTED", `Not supported on videos: a ${paint.kind} background of ${op}`);
}

/** Blur that hides what the copy shows if no intensity is given: of 100, as on images. */
const AUTO_INTENSITY = 25;

/** Filters from a frame to a blurred copy of it that covers `canvas`: blurred small, then scaled up. */
function blurredCopy(paint: Extract<Paint, { kind: "blurred" }>, canvas: Size): string {
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

/** Composes frames over a blurred copy of themselves. `foreground`: the filter from a label to the overlay. */
export function onBlurred(
  paint: Extract<Paint, { kind: "blurred" }>,
  canvas: Size,
  at: { readonly left: number; readonly top: number },
  foreground: (label: string, links: Links) => string,
): Filter {
  return (links) => {
    const { from, to, label } = links;
    const [copy, frame, back, front] = [label(), label(), label(), label()];
    return [
      `[${from}]split[${copy}][${frame}]`,
      `[${copy}]${blurredCopy(paint, canvas)}[${back}]`,
      `${foreground(`[${frame}]`, links)}[${front}]`,
      `[${back}][${front}]overlay=${at.left}:${at.top}[${to}]`,
    ];
  };
}
