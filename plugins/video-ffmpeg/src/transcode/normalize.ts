import type { Size } from "@mediatap/core";
import type { Paint } from "@mediatap/core/steps";
import { matrixOf, toSdr } from "../probe/colour.ts";
import type { FileProbe } from "../probe/probe.ts";
import type { Tools } from "../process/tools.ts";
import type { Filter } from "./model.ts";
import { colorOf, onBlurred } from "./paint.ts";

/** Pixel formats that have no matrix: red, green and blue. */
const RGB_PIXEL_FORMATS = /^(?:rgb|bgr|gbr|argb|abgr|pal8|0rgb|0bgr)/;

/** Makes one frame of two fields. */
const deinterlace = ({ interlaced }: FileProbe, { filters }: Tools): readonly string[] =>
  interlaced && filters.has("bwdif") ? ["bwdif=mode=send_frame:deint=interlaced"] : [];

/**
 * Brings frames to their common form: a size of square pixels, BT.709 (from HDR) or the colours of the source, 8 bits, progressive,
 * and opaque if there is a background. ffmpeg itself has turned them upright, as their metadata specifies.
 */
export function normalizeFilters(
  probe: FileProbe,
  size: Size,
  background: Paint | undefined,
  tools: Tools,
): readonly Filter[] {
  const { video } = probe;
  if (!video) return [];
  const matrix = RGB_PIXEL_FORMATS.test(video.pixels) ? `:out_color_matrix=${matrixOf(video)}` : "";
  const scale = `scale=${size.width}:${size.height}:out_range=tv${matrix}`;
  const common = [...deinterlace(probe, tools), scale, "setsar=1", ...toSdr(video, tools)];
  if (!video.alpha) return [[...common, "format=yuv420p"].join(",")];
  const transparent = [...common, "format=yuva420p"].join(",");
  return background ? [transparent, onPaint(background, size), "format=yuv420p"] : [transparent];
}

/** Composes transparent frames over a paint. */
function onPaint(paint: Paint, size: Size): Filter {
  if (paint.kind === "blurred") {
    return onBlurred(paint, size, { left: 0, top: 0 }, (label) => `${label}null`);
  }
  return ({ from, to, label }) => {
    const [copy, frame, back] = [label(), label(), label()];
    return [
      `[${from}]split[${copy}][${frame}]`,
      `[${copy}]format=yuv420p,drawbox=c=${colorOf(paint)}:t=fill[${back}]`,
      `[${back}][${frame}]overlay=0:0[${to}]`,
    ];
  };
}
