import type { Probe, Size } from "@mediatap/core";
import type { Paint } from "@mediatap/core/steps";
import { matrixOf, toSdr } from "../probe/colour.ts";
import type { Tools } from "../process/tools.ts";
import type { Piece } from "./model.ts";
import { BLACK, onBlurred, opaque } from "./paint.ts";

/** Pixels that have no matrix: red, green and blue. */
const RGB = /^(?:rgb|bgr|gbr|argb|abgr|pal8|0rgb|0bgr)/;

/**
 * Brings pictures to the form that all others work on: a size of square pixels, BT.709 or whatever the source is where it is no
 * HDR, 8 bits, opaque unless nothing is to lie behind, lines of two moments made to one picture. ffmpeg itself has turned them upright, as their metadata says.
 */
export function beginning(
  video: NonNullable<Probe["video"]>,
  size: Size,
  behind: Paint | undefined,
  tools: Tools,
  interlaced: boolean,
): readonly Piece[] {
  const matrix = RGB.test(video.pixels) ? `:out_color_matrix=${matrixOf(video)}` : "";
  const scale = `scale=${size.width}:${size.height}:out_range=tv${matrix}`;
  const weave = interlaced && tools.filters.has("bwdif") ? ["bwdif=mode=send_frame:deint=interlaced"] : [];
  const common = [...weave, scale, "setsar=1", ...toSdr(video, tools)];
  if (!video.alpha) return [[...common, "format=yuv420p"].join(",")];
  if (!behind) return [[...common, "format=yuva420p"].join(",")];
  return [[...common, "format=yuva420p"].join(","), onPaint(behind, size), "format=yuv420p"];
}

/** Lays pictures with clear parts on a paint. */
function onPaint(paint: Paint, size: Size): Piece {
  if (paint.kind === "blurred") return onBlurred(paint, size, { left: 0, top: 0 }, "null");
  const color = opaque(paint.kind === "color" ? paint.color : BLACK);
  return ({ from, to, label }) => {
    const [copy, picture, back] = [label(), label(), label()];
    return [
      `[${from}]split[${copy}][${picture}]`,
      `[${copy}]format=yuv420p,drawbox=c=${color}:t=fill[${back}]`,
      `[${back}][${picture}]overlay=0:0[${to}]`,
    ];
  };
}
