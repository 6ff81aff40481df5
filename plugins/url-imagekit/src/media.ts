import type { Job } from "@mediatap/core";
import type { Address } from "./path.ts";

const IMAGES =
  "jpg jpeg jpe jfif png apng webp avif gif svg tif tiff heic heif bmp ico jxl jp2 psd ai eps pdf";
const VIDEOS = "mp4 m4v mov webm mpeg mpg mpe 3gp 3g2 ogg ogv hevc mts m2ts mkv avi";

const KINDS: ReadonlyMap<string, Job["media"]> = new Map<string, Job["media"]>([
  ...IMAGES.split(" ").map((extension) => [extension, "image"] as const),
  ...VIDEOS.split(" ").map((extension) => [extension, "video"] as const),
]);

/** Kind of an asset by its name and suffixes. A name without extension is taken for an image. */
export function mediaOf({ kind, path, suffixes }: Pick<Address, "kind" | "path" | "suffixes">): Job["media"] {
  if (suffixes.includes("ik-video.mp4") || suffixes.includes("ik-gif-video.mp4")) return "video";
  const name = (kind === "url" ? new URL(path).pathname : path).split("/").at(-1) ?? "";
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "image" : (KINDS.get(name.slice(dot + 1).toLowerCase()) ?? "file");
}
