import type { Probe } from "@mediatap/core";
import type { Tools } from "../process/tools.ts";

type Picture = NonNullable<Probe["video"]>;

/** Transfer functions of high dynamic range: PQ and HLG. */
const HDR_TRANSFERS = ["smpte2084", "arib-std-b67"];

/** Whether a video has high dynamic range, which looks pale without tone mapping. */
export const isHdr = ({ transfer }: Picture): boolean =>
  transfer !== undefined && HDR_TRANSFERS.includes(transfer);

/**
 * Filters that map high dynamic range to BT.709; none for other videos, or if ffmpeg lacks
 * them. They work on every pixel in floating point: scale first.
 */
export function toSdr(picture: Picture, { filters }: Tools): readonly string[] {
  if (!isHdr(picture) || !filters.has("zscale") || !filters.has("tonemap")) return [];
  const from = `tin=${picture.transfer}:pin=bt2020:min=bt2020nc`;
  return [
    `zscale=${from}:t=linear:npl=203`,
    "format=gbrpf32le",
    "zscale=p=bt709",
    "tonemap=tonemap=mobius:desat=0",
    "zscale=t=bt709:m=bt709:r=tv",
    "format=yuv420p",
  ];
}

/** The matrix of a video that declares none, as players assume it: by its height (BT.601 below 720 lines). */
export const matrixOf = ({ height, width }: Picture): "bt709" | "bt601" =>
  Math.min(width, height) >= 720 ? "bt709" : "bt601";

/** Options before the input, so that transparency is decoded too: ffmpeg's own decoders of VP8 and VP9 ignore it. */
export function decoderArgs({ codec, alpha }: Picture, { decoders }: Tools): readonly string[] {
  const name = codec === "vp9" ? "libvpx-vp9" : codec === "vp8" ? "libvpx" : undefined;
  return alpha && name && decoders.has(name) ? ["-c:v", name] : [];
}
